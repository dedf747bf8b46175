"""RuleOptimizer against torch's own optimizers and against `trajectory`; then what a torch optimizer must survive."""

import copy
import gc
import io
import math
import pickle
import subprocess
import sys
import weakref
from functools import partial

import numpy as np
import pytest
import torch
from oracles import IDS, RULES, TABLE, TINY
from torch import nn

from nndl_lib import compiled, flat
from nndl_lib.descent import name, trajectory
from nndl_lib.optimizers import (
    adadelta,
    adam,
    adamw,
    clip_norm,
    momentum,
    nadam,
    nesterov,
    sgd,
)
from nndl_lib.pytorch import Layer, RuleOptimizer
from nndl_lib.schedules import cosine

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
@pytest.mark.parametrize("rule", [*RULES, partial(adamw, beta2=0.9)], ids=name)
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


@pytest.mark.parametrize("rule", RULES)
def test_a_gradient_whose_square_overflows_is_stepped_as_on_plain_tensors(path, rule):
    p = torch.ones(40, requires_grad=True)
    p.grad = torch.full((40,), 1e20)
    optimizer = RuleOptimizer([p], rule)
    optimizer.step()
    _, first = trajectory(rule, lambda theta: p.grad, torch.ones(40), 1)
    with optimizer.iterate():
        torch.testing.assert_close(p.detach(), first, equal_nan=True)


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


@pytest.mark.parametrize(("returned", "message"), [(lambda g: -g, "expected a tuple"), (lambda g: (-g, 1), "delta")])
def test_a_rule_that_does_not_return_its_update_and_states_is_refused(returned, message):
    def wrong(g, *, lr=0.1):
        return returned(g)

    with pytest.raises(TypeError, match=message):
        RuleOptimizer([torch.zeros(2, requires_grad=True)], wrong)


# --- Resuming ---


def saved_and_loaded(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file)


@pytest.mark.parametrize("first", [0, 1, 7])
@pytest.mark.parametrize("rule", [nesterov, adam, nadam, adadelta, adamw])
def test_a_checkpoint_resumes_bit_by_bit(path, rule, first):
    constants = dict(lr=partial(cosine, lr=0.1, T=20))
    model, other = net(), net(seed=1)
    optimizer = RuleOptimizer(model.parameters(), rule, **constants)
    train(model, optimizer, first)
    saved = saved_and_loaded([model.state_dict(), optimizer.state_dict()])
    resumed = RuleOptimizer(other.parameters(), rule, **constants)
    train(other, resumed, 2)
    other.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    train(model, optimizer, 5, start=first)
    train(other, resumed, 5, start=first)
    assert torch.equal(values(model), values(other))


def test_a_checkpoint_knows_how_far_ahead_its_parameters_are():
    model, other = net(), net(seed=1)
    optimizer, resumed = (RuleOptimizer(m.parameters(), nesterov, lr=0.1) for m in (model, other))
    train(model, optimizer, 3)
    optimizer.param_groups[0]["rho"] = 0.2
    other.load_state_dict(model.state_dict())
    resumed.load_state_dict(saved_and_loaded(optimizer.state_dict()))
    with optimizer.iterate(), resumed.iterate():
        assert torch.equal(values(model), values(other))


FRESH = """
import sys, torch
from nndl_lib import flat, optimizers, pytorch
flat.COMPILE_FROM = float(sys.argv[1])
p = torch.linspace(-1, 2, 50_000, requires_grad=True)
optimizer = pytorch.RuleOptimizer([p], optimizers.adam, lr=0.1)
if len(sys.argv) > 3:
    theta, state = torch.load(sys.argv[3])
    p.data.copy_(theta)
    optimizer.load_state_dict(state)
for _ in range(3):
    p.grad = p.detach() ** 3 - 1
    optimizer.step()
torch.save([p.detach(), optimizer.state_dict()], sys.argv[2])
"""


def test_a_checkpoint_resumes_in_a_fresh_process(path, tmp_path):
    def process(*arguments):
        subprocess.run([sys.executable, "-c", FRESH, str(flat.COMPILE_FROM), *map(str, arguments)], check=True)

    process(tmp_path / "first")
    process(tmp_path / "second", tmp_path / "first")
    p = torch.linspace(-1, 2, 50_000, requires_grad=True)
    optimizer = RuleOptimizer([p], adam, lr=0.1)
    for _ in range(6):
        p.grad = p.detach() ** 3 - 1
        optimizer.step()
    theta, state = torch.load(tmp_path / "second")
    assert torch.equal(theta, p)
    assert torch.equal(state["state"][0]["G"], optimizer.state[p]["G"]) and state["state"][0]["t"] == 6


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))])
def test_a_copy_of_model_and_optimizer_goes_on_by_itself(path, clone):
    model = net()
    optimizer = RuleOptimizer(model.parameters(), nesterov, lr=0.1)
    train(model, optimizer, 3)
    other, resumed = clone((model, optimizer))
    before = values(model)
    train(other, resumed, 3, start=3)
    assert torch.equal(values(model), before)
    train(model, optimizer, 3, start=3)
    assert torch.equal(values(model), values(other))


def test_a_loaded_state_is_a_copy():
    model, other = net(), net()
    optimizer, same = (RuleOptimizer(m.parameters(), momentum) for m in (model, other))
    train(model, optimizer, 2)
    same.load_state_dict(optimizer.state_dict())
    train(other, same, 1)
    assert not torch.equal(optimizer.state[model[0].bias]["v"], same.state[other[0].bias]["v"])


def test_a_state_of_another_rule_or_network_is_refused():
    state = RuleOptimizer(net().parameters(), adam).state_dict()
    with pytest.raises(ValueError, match="without 'rho', which momentum has"):
        RuleOptimizer(net().parameters(), momentum).load_state_dict(state)
    with pytest.raises(ValueError, match="size of optimizer's group"):
        RuleOptimizer(net()[0].parameters(), adam).load_state_dict(state)
    with pytest.raises(ValueError, match=r"'M' has shape \(4, 3\), expected \(12, 1\)"):
        wide = [torch.zeros(12, 1), *(p.detach() for p in list(net().parameters())[1:])]
        RuleOptimizer(wide, adam).load_state_dict(state)
    with pytest.raises(ValueError, match="states .*'v'.*, nesterov has .*'ahead'"):
        state = RuleOptimizer(net().parameters(), momentum).state_dict()
        RuleOptimizer(net().parameters(), nesterov).load_state_dict(state)
    with pytest.raises(ValueError, match="lr was a callable"):
        state = RuleOptimizer(net().parameters(), sgd, lr=lambda t: 0.1).state_dict()
        RuleOptimizer(net().parameters(), sgd).load_state_dict(state)


# --- Groups, schedulers, closures, missing gradients ---


def test_groups_have_constants_of_their_own(path):
    model, first, second = net(), net(), net()
    groups = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "beta1": 0.5, "decay": 0.2}]
    train(model, RuleOptimizer(groups, adam, lr=0.05), 1)
    train(first, RuleOptimizer(first.parameters(), adam, lr=0.05), 1)
    train(second, RuleOptimizer(second.parameters(), adam, lr=0.05, beta1=0.5, decay=0.2), 1)
    assert torch.equal(values(model[0]), values(first[0])) and torch.equal(values(model[2]), values(second[2]))


def test_a_group_added_later_starts_anew_at_the_optimizers_step(path):
    p, q = (torch.ones(3, requires_grad=True) for _ in range(2))
    optimizer = RuleOptimizer([p], adam, lr=lambda t: [0.1, 0.2, 0.3, 0.4][t])
    p.grad = torch.ones(3)
    optimizer.step()
    optimizer.step()
    average = optimizer.state[p]["G"].clone()
    optimizer.add_param_group({"params": [q], "beta2": 0.9})
    assert optimizer.state[p]["t"] == 2 and torch.equal(optimizer.state[p]["G"], average)
    q.grad = torch.ones(3)
    optimizer.step()
    assert optimizer.state[p]["t"] == 3 and optimizer.state[q]["t"] == 1
    torch.testing.assert_close(q.detach(), torch.full((3,), 0.7))
    assert [group["beta2"] for group in optimizer.param_groups] == [0.999, 0.9]


def test_a_group_that_is_refused_leaves_no_trace():
    optimizer = RuleOptimizer([torch.ones(3, requires_grad=True)], adam)
    for group in ({"params": [torch.ones(2)], "betta": 0.9}, {"params": [torch.ones(2).int()]}):
        with pytest.raises(TypeError):
            optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == len(optimizer._flats) == 1


@pytest.mark.parametrize("make", [
    partial(torch.optim.lr_scheduler.StepLR, step_size=3, gamma=0.5),
    partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.2, total_steps=12, cycle_momentum=False),
    partial(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda t: 1 / (1 + t)),
])  # fmt: skip
def test_torchs_schedulers_set_the_rate(path, make):
    ours, theirs = net(), net()
    optimizers = [
        RuleOptimizer(ours.parameters(), adam, lr=0.1, eps=1e-30),
        torch.optim.Adam(theirs.parameters(), lr=0.1, eps=1e-30),
    ]
    schedulers = [make(optimizer) for optimizer in optimizers]
    for t in range(10):
        for model, optimizer, scheduler in zip((ours, theirs), optimizers, schedulers, strict=True):
            train(model, optimizer, 1, start=t)
            scheduler.step()
    torch.testing.assert_close(values(ours), values(theirs), rtol=0, atol=1e-10)


def test_a_closure_is_called_with_gradients_and_its_loss_returned():
    model = net()
    optimizer = RuleOptimizer(model.parameters(), sgd)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert optimizer.step(closure) < first


@pytest.mark.parametrize("rule", [adam, nadam, momentum])
def test_a_parameter_without_gradient_keeps_its_count_as_in_torch(path, double, rule):
    rng = np.random.default_rng(0)
    shapes = [(3,), (2, 2), (), (1, 4), (0, 2), (2,)]
    ours, theirs = ([torch.ones(s, requires_grad=True) for s in shapes] for _ in range(2))
    oracle = {adam: torch.optim.Adam, nadam: torch.optim.NAdam, momentum: partial(torch.optim.SGD, momentum=0.9)}[rule]
    constants = {} if rule is momentum else TINY
    optimizers = [RuleOptimizer(ours, rule, lr=0.1, **constants), oracle(theirs, lr=0.1, **constants)]
    for _ in range(30):
        for p, q in zip(ours, theirs, strict=True):
            p.grad = q.grad = torch.as_tensor(rng.normal(size=p.shape)) if rng.random() < 0.6 else None
        for optimizer in optimizers:
            optimizer.step()
        for p, q in zip(ours, theirs, strict=True):
            torch.testing.assert_close(p, q, rtol=0, atol=1e-12)


def test_a_parameter_without_gradient_stays_where_it_is_under_a_changing_rho(path):
    p, q = (torch.ones(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimizer = RuleOptimizer([p, q], nesterov, rho=lambda t: 0.9 - 0.1 * t, lr=0.1)
    theta, v = 1.0, 0.0
    for t, has_gradient in enumerate([True, True, False, False, True, True]):
        p.grad = torch.ones(3, dtype=torch.float64)
        q.grad = torch.ones(3, dtype=torch.float64) if has_gradient else None
        before = q.detach().clone()
        optimizer.step()
        if has_gradient:
            v = (0.9 - 0.1 * t) * v - 0.1
            theta += v
        else:
            assert torch.equal(q, before)
        with optimizer.iterate():
            torch.testing.assert_close(q.detach(), torch.full_like(q, theta), rtol=0, atol=1e-14)


# --- The look-ahead point ---


def test_iterate_swaps_theta_in_and_back_also_on_an_exception(path):
    model, reference = net(), net()
    optimizer = RuleOptimizer(model.parameters(), nesterov, lr=0.1, rho=0.8)
    train(model, optimizer, 3)
    ahead = values(model)
    velocity = torch.cat([optimizer.state[p]["v"].reshape(-1) for p in model.parameters()])
    with pytest.raises(KeyError), optimizer.iterate():
        torch.testing.assert_close(values(model), ahead - 0.8 * velocity)
        with pytest.raises(RuntimeError, match="iterate"):
            optimizer.step()
        with pytest.raises(RuntimeError, match="iterate"), optimizer.iterate():
            pass
        raise KeyError
    assert torch.equal(values(model), ahead)
    train(reference, RuleOptimizer(reference.parameters(), nesterov, lr=0.1, rho=0.8), 5)
    train(model, optimizer, 2, start=3)
    assert torch.equal(values(model), values(reference))


def test_iterate_changes_nothing_for_a_rule_that_does_not_look_ahead():
    model = net()
    optimizer = RuleOptimizer(model.parameters(), momentum)
    train(model, optimizer, 2)
    before = values(model)
    with optimizer.iterate():
        assert torch.equal(values(model), before)


def test_a_configured_rule_keeps_its_look_ahead_and_decay(path):
    for rule, same, constants in [(partial(nesterov, rho=0.5), nesterov, dict(rho=0.5)),
                                  (partial(adamw, lr=0.1), adamw, dict(lr=0.1))]:  # fmt: skip
        model, reference = net(), net()
        train(model, RuleOptimizer(model.parameters(), rule), 5)
        train(reference, RuleOptimizer(reference.parameters(), same, **constants), 5)
        assert torch.equal(values(model), values(reference))


# --- Wrong arguments ---


def one():
    return [torch.ones(2, requires_grad=True)]


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: RuleOptimizer(one(), adam, betta1=0.9), TypeError, "adam has no constant 'betta1'; it has lr, beta1"),
    (lambda: RuleOptimizer([{"params": one(), "rho": 0.9}], adam), TypeError, "adam has no constant 'rho'"),
    (lambda: RuleOptimizer(one(), adam, lr=-1), ValueError, r"adam: lr=-1, expected a number >= 0"),
    (lambda: RuleOptimizer(one(), adam, lr=math.nan), ValueError, "lr=nan, expected"),
    (lambda: RuleOptimizer([{"params": one(), "beta1": 1.0}], adam), ValueError, r"beta1=1.0, expected .*\[0, 1\)"),
    (lambda: RuleOptimizer(one(), adam, decay=-0.1), ValueError, "decay=-0.1, expected"),
    (lambda: RuleOptimizer(one(), adam, lr="0.1"), TypeError, "lr='0.1', expected a number"),
    (lambda: RuleOptimizer(one(), adam, lr=torch.full((2, 1), 0.1)), TypeError, "(?s)lr=.*expected a number or a call"),
    (lambda: RuleOptimizer(one(), "adam"), TypeError, "expected a function"),
    (lambda: RuleOptimizer([], adam), ValueError, "empty parameter list"),
    (lambda: RuleOptimizer([torch.ones(2).int()], adam), TypeError, "torch.int32.*expected dense real floating point"),
    (lambda: RuleOptimizer([torch.ones(2) * 1j], adam), TypeError, "complex64"),
    (lambda: RuleOptimizer([torch.ones(2).to_sparse()], adam), TypeError, "sparse_coo"),
    (lambda: RuleOptimizer([torch.ones(1).expand(3)], adam), ValueError, r"\(3,\) share memory"),
    (lambda: RuleOptimizer([one()[0] * 2], adam), ValueError, "non-leaf"),
    (lambda: RuleOptimizer([{"params": (p := one())}, {"params": p}], adam), ValueError, "more than one parameter g"),
    (lambda: RuleOptimizer([(p := torch.ones(2)), p.view(1, 2)], adam), ValueError, "share their memory"),
])  # fmt: skip
def test_wrong_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.filterwarnings("ignore:optimizer contains a parameter group with duplicate")
def test_a_parameter_given_twice_is_refused():
    with pytest.raises(ValueError, match="the same"):
        RuleOptimizer(one() * 2, adam)


def test_a_sparse_gradient_is_refused():
    embedding = nn.Embedding(3, 2, sparse=True)
    optimizer = RuleOptimizer(embedding.parameters(), sgd)
    embedding(torch.tensor([1])).sum().backward()
    with pytest.raises(RuntimeError, match="sparse=False"):
        optimizer.step()


@pytest.mark.parametrize("convert", [nn.Module.double, lambda m: setattr(m[0].bias, "data", torch.zeros(4))])
def test_parameters_that_left_the_vector_are_noticed_and_the_remedy_works(convert):
    model = net(torch.float32)
    optimizer = RuleOptimizer(model.parameters(), nesterov)
    train(model, optimizer, 2)
    convert(model)
    before = values(model)
    for use in (optimizer.step, optimizer.iterate().__enter__):
        with pytest.raises(RuntimeError, match="convert the model first"):
            use()
    assert torch.equal(values(model), before)
    resumed = RuleOptimizer(model.parameters(), nesterov)
    resumed.load_state_dict(optimizer.state_dict())
    train(model, resumed, 1)
    assert resumed.state[model[0].bias]["v"].dtype == model[0].bias.dtype


# --- What parameters may look like ---


def test_parameters_of_several_dtypes_and_shapes_are_stepped(path):
    params = [torch.ones(s, dtype=d, requires_grad=True) for d in (torch.float64, torch.float32, torch.bfloat16)
              for s in [(), (0, 3), (2, 3)]]  # fmt: skip
    params.append(torch.arange(6.0).view(2, 3).t().requires_grad_())
    params.append(torch.ones(2))
    before = [p.detach().clone() for p in params]
    for order in (1, -1):
        optimizer = RuleOptimizer(params[::order], momentum, lr=0.5)
        for p in params[:-1]:
            p.grad = torch.ones((), dtype=p.dtype).expand(p.shape)
        optimizer.step()
    assert len(optimizer._all()) == 3
    for p, start in zip(params[:-1], before, strict=False):
        assert p.dtype == start.dtype and torch.equal(p, start - 1)
    assert torch.equal(params[-1], before[-1])


def test_tied_weights_stay_tied_and_copies_of_the_model_are_free():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    optimizer = RuleOptimizer(model.parameters(), sgd)
    other = copy.deepcopy(model)
    before = values(other)
    model(torch.ones(3)).sum().backward()
    optimizer.step()
    assert model[1].weight is model[0].weight and not torch.equal(values(model), before)
    assert torch.equal(values(other), before)


def test_weights_loaded_into_the_model_are_the_ones_stepped(path):
    model, other = net(), net(seed=1)
    optimizer = RuleOptimizer(model.parameters(), sgd)
    model.load_state_dict(other.state_dict())
    train(model, optimizer, 1)
    train(other, RuleOptimizer(other.parameters(), sgd), 1)
    assert torch.equal(values(model), values(other))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_nan_in_the_gradient_is_seen_in_its_parameter_only(path, rule, bad):
    p = torch.ones(40, requires_grad=True)
    optimizer = RuleOptimizer([p], rule)
    p.grad = torch.where(torch.arange(40) == 3, bad, 1.0)
    optimizer.step()
    finite = torch.isfinite(p.detach())
    assert finite[torch.arange(40) != 3].all()
    assert not finite[3] or math.isinf(bad)
    if math.isnan(bad):
        assert torch.isnan(p[3])


def test_a_step_between_forward_and_backward_is_noticed(path):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    optimizer = RuleOptimizer(model.parameters(), sgd)
    loss = model(torch.ones(2, 3)).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


FORK = """
import os, torch
from nndl_lib import compiled, flat, optimizers, pytorch
compiled.PARALLEL_FROM = flat.COMPILE_FROM = 0
torch.set_num_threads(2)
p = torch.ones(1000, requires_grad=True)
p.grad = torch.ones(1000)
optimizer = pytorch.RuleOptimizer([p], optimizers.adam)
optimizer.step()
child = os.fork()
optimizer.step()
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@needs_numba
def test_a_forked_process_goes_on():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=100)


# --- Layer ---


def affine(x, W, b, *, scale=1.0):
    def vjp(dy):
        return scale * dy @ W, scale * dy.T @ x, scale * dy.sum(0)

    return scale * (x @ W.T + b), vjp


def masked_exponential(x, keep):
    y = torch.exp(x) * keep

    def vjp(dy):
        return dy * y, None

    return y, vjp


def test_the_gradient_of_a_layer_is_its_vjp():
    generator = torch.Generator().manual_seed(0)
    x, W, b = (torch.randn(s, generator=generator).double().requires_grad_() for s in [(4, 3), (2, 3), 2])
    assert torch.autograd.gradcheck(Layer(affine, scale=0.5), (x, W, b))
    keep = torch.rand(4, 3, generator=generator) < 0.5
    assert torch.autograd.gradcheck(Layer(masked_exponential), (x, keep))
    assert torch.equal(Layer(masked_exponential)(x, keep), x.exp() * keep)


def test_a_layer_trains_as_torchs_own():
    x, target = torch.randn(5, 3), torch.randn(5, 2)
    ours, theirs = nn.Linear(3, 2), nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    layer = Layer(affine)
    for model, forward in ((ours, lambda x: layer(x, ours.weight, ours.bias)), (theirs, theirs)):
        ((forward(x) - target) ** 2).mean().backward()
        RuleOptimizer(model.parameters(), sgd, lr=0.1).step()
    torch.testing.assert_close(values(ours), values(theirs))


def test_a_layer_refuses_what_it_cannot_do():
    x = torch.ones(2, 3, requires_grad=True)
    with pytest.raises(TypeError, match="scail"):
        Layer(affine, scail=2.0)
    with pytest.raises(ValueError, match="vjp: expected 1 gradients, one for each input"):
        Layer(lambda x: (x + 0, lambda dy: (dy, dy)))(x).sum().backward()
    y = Layer(masked_exponential)(x, torch.ones(2, 3))
    (g,) = torch.autograd.grad((y**2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()
    y = Layer(masked_exponential)(z := x * 1, torch.ones(2, 3))
    z += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_layer_keeps_nothing_alive():
    x = torch.ones(2, 3, requires_grad=True)
    y = Layer(masked_exponential)(x, torch.ones(2, 3))
    node = weakref.ref(y.grad_fn)
    gc.disable()
    try:
        del y
        assert node() is None
    finally:
        gc.enable()
