"""RuleOptimizer against torch's own optimizers and against `trajectory`; then what a torch optimizer must survive."""

import copy
import io
import math
import pickle
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from nndl_lib import compiled, flat
from nndl_lib.descent import signature, trajectory
from nndl_lib.optimizers import (
    adadelta,
    adagrad,
    adam,
    adamw,
    clip_norm,
    momentum,
    nadam,
    nesterov,
    rmsprop,
    rmsprop_momentum,
    sgd,
)
from nndl_lib.pytorch import Layer, RuleOptimizer
from nndl_lib.schedules import cosine

RULES = [sgd, momentum, nesterov, adagrad, rmsprop, rmsprop_momentum, adadelta, adam, nadam, adamw]
TINY = {"eps": 1e-30}
PATHS = ["plain", "compiled"]
needs_numba = pytest.mark.skipif(compiled.numba() is None, reason="Numba is not installed")


@pytest.fixture(params=[PATHS[0], pytest.param(PATHS[1], marks=needs_numba)])
def path(request, monkeypatch):
    """Each test that asks for it runs on plain tensors and on the compiled loop."""
    monkeypatch.setattr(flat, "COMPILE_FROM", math.inf if request.param == "plain" else 0)
    return request.param


def net(dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(dtype)


def loss_of(model, seed=0):
    generator = torch.Generator().manual_seed(seed)
    first = next(model.parameters())
    X = torch.randn(8, 3, generator=generator, dtype=torch.float64).to(first)
    return ((model(X) - X[:, :2] ** 2) ** 2).mean()


def train(model, optimizer, steps, start=0):
    for t in range(start, start + steps):
        optimizer.zero_grad()
        loss_of(model, seed=t).backward()
        optimizer.step()


def values(model):
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


# --- Oracle: torch.optim ---

TABLE = [
    (sgd, dict(lr=0.1), "SGD", dict(lr=0.1)),
    (momentum, dict(lr=0.05, rho=0.8), "SGD", dict(lr=0.05, momentum=0.8)),
    (nesterov, dict(lr=0.05, rho=0.8), "SGD", dict(lr=0.05, momentum=0.8, nesterov=True)),
    (adagrad, dict(lr=0.1, **TINY), "Adagrad", dict(lr=0.1, **TINY)),
    (rmsprop, dict(lr=0.01, beta=0.7, **TINY), "RMSprop", dict(lr=0.01, alpha=0.7, **TINY)),
    (rmsprop_momentum, dict(lr=0.01, beta=0.7, rho=0.6, **TINY), "RMSprop",
     dict(lr=0.01, alpha=0.7, momentum=0.6, **TINY)),
    (adadelta, dict(lr=0.5, beta=0.7, eps=0.01), "Adadelta", dict(lr=0.5, rho=0.7, eps=0.01)),
    (adam, dict(lr=0.05, beta1=0.7, beta2=0.8, **TINY), "Adam", dict(lr=0.05, betas=(0.7, 0.8), **TINY)),
    (nadam, dict(lr=0.05, beta1=0.7, beta2=0.8, momentum_decay=0.2, **TINY), "NAdam",
     dict(lr=0.05, betas=(0.7, 0.8), momentum_decay=0.2, **TINY)),
    (adamw, dict(lr=0.05, beta2=0.8, decay=0.3, **TINY), "AdamW",
     dict(lr=0.05, betas=(0.9, 0.8), weight_decay=0.3, **TINY)),
    (adamw, dict(**TINY), "AdamW", dict(**TINY)),
]  # fmt: skip
IDS = [f"{rule.__name__}-{i}" for i, (rule, *_) in enumerate(TABLE)]


class Bowl(nn.Module):
    """A quadratic of several parameters, each of its numbers with a curvature of its own."""

    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(0)
        self.thetas = nn.ParameterList([torch.as_tensor(rng.normal(size=s)) for s in [(3, 2), (3,), (), (1, 4)]])

    def loss(self):
        x = torch.cat([p.reshape(-1) for p in self.thetas])
        return ((x - 1) ** 2 * torch.arange(1, 15)).sum() / 20 + (x[1:] * x[:-1]).sum() / 50


@pytest.fixture
def double():
    """torch counts in the default precision: without this, NAdam rounds its product of factors to float32."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(("make", "loss"), [(Bowl, Bowl.loss), (net, loss_of)], ids=["quadratic", "net"])
@pytest.mark.parametrize(("rule", "constants", "oracle", "oracle_constants"), TABLE, ids=IDS)
def test_fifty_steps_equal_those_of_torch(path, double, rule, constants, oracle, oracle_constants, make, loss):
    ours, theirs = make(), make()
    optimizers = [
        RuleOptimizer(ours.parameters(), rule, **constants),
        getattr(torch.optim, oracle)(theirs.parameters(), **oracle_constants),
    ]
    start = values(ours)
    for _ in range(50):
        for model, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            loss(model).backward()
            optimizer.step()
        torch.testing.assert_close(values(ours), values(theirs), rtol=0, atol=1e-10)
    assert (values(ours) - start).abs().max() > 1e-2


# --- The same rule by `trajectory`, compiled and plain ---

SCHEDULED = [
    (adam, dict(lr=partial(cosine, lr=0.1, T=20), beta1=lambda t: 0.9 - 0.02 * t)),
    (adamw, dict(decay=lambda t: 0.01 * t, lr=0.1)),
    (nesterov, dict(lr=partial(cosine, lr=0.05, T=20), rho=lambda t: 0.5 + 0.02 * t, decay=0.3)),
]


@pytest.mark.parametrize(("rule", "constants"), SCHEDULED, ids=lambda v: getattr(v, "__name__", ""))
def test_schedules_and_decay_give_the_iterates_of_trajectory(path, rule, constants):
    def grad(theta):
        return theta**3 - 1

    start = torch.linspace(-1, 2, 6, dtype=torch.float64)
    p = start.clone().requires_grad_()
    optimizer = RuleOptimizer([p], rule, **constants)
    for theta in trajectory(rule, grad, start, 15, **constants):
        with optimizer.iterate():
            torch.testing.assert_close(p.detach(), theta, rtol=0, atol=1e-12)
        p.grad = grad(p.detach())
        optimizer.step()
    assert callable(optimizer.param_groups[0]["decay" if rule is adamw else "lr"])


@needs_numba
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 2e-6), (torch.float64, 1e-13)])
@pytest.mark.parametrize("rule", [*RULES, partial(adamw, beta2=0.9)], ids=lambda rule: getattr(rule, "__name__", "partial"))
def test_compiled_and_plain_steps_agree_to_rounding(monkeypatch, rule, dtype, rtol):
    results = []
    for limit in (math.inf, 0):
        monkeypatch.setattr(flat, "COMPILE_FROM", limit)
        generator = torch.Generator().manual_seed(0)
        params = [torch.randn(n, generator=generator).to(dtype).requires_grad_() for n in (60_001, 7, 140_003, 1)]
        optimizer = RuleOptimizer(params, rule, decay=0.01)
        assert all((part._recorded is None) == (limit > 0) for part in optimizer._all())
        for _ in range(10):
            for p in params:
                p.grad = torch.randn(p.shape, generator=generator).to(dtype)
            optimizer.step()
        results.append([torch.cat([p.detach() for p in params]), *optimizer._flats[0][0].vectors.values()])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=rtol, atol=rtol)


def test_a_loop_is_compiled_once_for_all_optimizers_of_a_rule(monkeypatch):
    monkeypatch.setattr(flat, "COMPILE_FROM", 0)
    train(net(), RuleOptimizer(net().parameters(), adam), 1)
    before = compiled._loop.cache_info().misses
    for lr in (0.1, 0.2):
        model = net()
        train(model, RuleOptimizer(model.parameters(), adamw, lr=lr), 3)
    assert compiled._loop.cache_info().misses <= before + 1


def test_without_numba_a_large_network_trains_too(monkeypatch):
    monkeypatch.setattr(flat, "COMPILE_FROM", 0)
    monkeypatch.setattr(flat, "numba", lambda: None)
    model, same = net(), net()
    train(model, RuleOptimizer(model.parameters(), adam), 3)
    monkeypatch.undo()
    train(same, RuleOptimizer(same.parameters(), adam), 3)
    assert torch.equal(values(model), values(same))


# --- Rules of a reader ---


def lion_like(g, M=0, *, lr=0.01, beta=0.9):
    return -lr * torch.sign(beta * M + (1 - beta) * g), beta * M + (1 - beta) * g


def clipped(g, v=0, *, lr=0.1, rho=0.9, b=0.5):
    return momentum(clip_norm(g, b=b), v, lr=lr, rho=rho)


def branching(g, t=0, M=0, *, lr=0.1):
    M = g if t == 0 else 0.5 * M + 0.5 * g
    return -lr * M, t + 1, M


def noisy(g, *, lr=0.1):
    return (-lr * (g + np.random.random()),)


def delayed(g, previous=0, older=0, *, lr=0.1):
    return -lr * older, g, previous


def powers(g, G=0, *, lr=0.1, p=0.25):
    G = 0.5 * G + g**2
    return -lr * (G + 1) ** -p * g + 2 ** (0 * G) - 1 + (-g - 0 * g) / 1e9, G


@pytest.mark.parametrize("rule", [lion_like, clipped, branching, delayed, powers])
def test_a_rule_of_a_notebook_cell_gives_the_iterates_of_trajectory(path, rule):
    def grad(theta):
        return theta**3 - 1

    start = torch.linspace(-1, 2, 6, dtype=torch.float64)
    parts = [part.clone().requires_grad_() for part in start.split([2, 3, 1])]
    optimizer = RuleOptimizer(parts, rule)
    expected = list(trajectory(rule, grad, start, 5))[-1]
    for _ in range(5):
        for p in parts:
            p.grad = grad(p.detach())
        optimizer.step()
    torch.testing.assert_close(torch.cat([p.detach() for p in parts]), expected, rtol=0, atol=1e-12)


@needs_numba
@pytest.mark.parametrize("rule", [lion_like, clipped, branching, noisy])
def test_a_rule_beyond_arithmetic_is_not_compiled(monkeypatch, rule):
    monkeypatch.setattr(flat, "COMPILE_FROM", 0)
    optimizer = RuleOptimizer([torch.zeros(3, requires_grad=True)], rule)
    assert optimizer._flats[0][0]._recorded is None
