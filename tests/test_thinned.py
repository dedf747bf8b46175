"""Networks of which units are dropped: against layer by layer and torch, over all masks, and in training."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from nndl_lib.dropout import mask, variational_mask
from nndl_lib.networks import blocks, linear, mlp, start
from nndl_lib.optimizers import adam
from nndl_lib.recurrent import rnn
from nndl_lib.thinned import dropout_outputs, thinned_mlp, thinned_rnn
from nndl_lib.training import fit, sweep

net, recurrent = mlp(5, 4, 3, 2, activation=torch.sigmoid), rnn(6, 2, 4, 3)
theta, theta_r = start(net, 3, dtype=torch.float64), start(recurrent, 3, dtype=torch.float64)


def generators(R=3):
    return [np.random.default_rng(r) for r in range(R)]


def numbers(*shape, seed=0):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape))


def masks_of(*shapes):
    rng = np.random.default_rng(0)
    return [torch.tensor(mask(rng, shape)).double() / 0.6 for shape in shapes]


x, x_r = numbers(7, 5), numbers(7, 12)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("of", [(net, theta, x, thinned_mlp), (recurrent, theta_r, x_r, thinned_rnn)])
def test_with_masks_of_ones_a_network_is_itself(of, shared):
    net, theta, x, thinned = of
    x = x if shared else torch.stack([x, -x, 2 * x])
    ones = [torch.ones([1] * (4 if net is recurrent else 3), dtype=torch.float64) for _ in range(3)]
    torch.testing.assert_close(thinned(net, x, theta, ones), net(x, theta), rtol=0, atol=1e-12)
    undropped = dropout_outputs(net, x, theta, generators(), p=(0, 0, 0))
    torch.testing.assert_close(undropped, net(x, theta), rtol=0, atol=1e-12)


def test_masks_of_units_are_masks_of_the_weights_out_of_them():
    masks = masks_of((3, 1, 5), (3, 1, 4), (3, 1, 3))
    cut = theta.clone()
    for (W, _), m in zip(net.unpack(cut), masks, strict=True):
        W *= m.mT
    torch.testing.assert_close(thinned_mlp(net, x, theta, masks), net(x, cut), rtol=0, atol=1e-12)


def test_masks_that_are_the_same_at_all_steps_are_masks_of_the_weights_out_of_the_units():
    m_x, m_h, m_y = masks_of((3, 1, 1, 2), (3, 1, 1, 4), (3, 1, 1, 4))
    cut = theta_r.clone()
    for (W, _), m in zip(recurrent.unpack(cut), (m_x, m_h, m_y), strict=True):
        W *= m[:, 0].mT
    outputs = thinned_rnn(recurrent, x_r, theta_r, [m_x, m_h, m_y])
    torch.testing.assert_close(outputs, recurrent(x_r, cut), rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 6])
def test_a_masked_recurrent_network_equals_torchs_cell_step_by_step(steps):
    masks = masks_of((3, 7, steps, 2), (3, 7, steps, 4), (3, 7, 1, 4))
    outputs = thinned_rnn(recurrent, x_r, theta_r, masks)
    m_x, m_h, m_y = (m.expand(-1, -1, T, -1) for m, T in zip(masks, (6, 6, 1), strict=True))
    for r in range(3):
        (W, b), (U, c), (V, d) = [(W[r], b[r, 0]) for W, b in recurrent.unpack(theta_r)]
        cell = nn.RNNCell(2, 4, dtype=torch.float64)
        for parameter, value in ((cell.weight_ih, W.T), (cell.bias_ih, b), (cell.weight_hh, U.T), (cell.bias_hh, c)):
            parameter.data = value.clone()
        h = torch.zeros(7, 4, dtype=torch.float64)
        for t in range(6):
            h = cell(m_x[r, :, t] * x_r[:, 2 * t : 2 * t + 2], m_h[r, :, t] * h)
        torch.testing.assert_close(outputs[r], (m_y[r, :, 0] * h) @ V + d, rtol=0, atol=1e-12)


def test_the_mean_over_all_masks_of_a_linear_network_is_the_network():
    net, p = mlp(3, 4, 2, activation=torch.clone), (0.2, 0.5)
    theta, x = start(net, 1, dtype=torch.float64) + 0.1, numbers(5, 3)
    total = 0
    for bits in itertools.product([0.0, 1.0], repeat=7):
        m = torch.tensor(bits, dtype=torch.float64)
        drop = torch.tensor([p[0]] * 3 + [p[1]] * 4)
        weight = torch.where(m == 1, 1 - drop, drop).prod()
        scaled = (m / (1 - drop))[None, None]
        total = total + weight * thinned_mlp(net, x, theta, [scaled[..., :3], scaled[..., 3:]])
    torch.testing.assert_close(total, net(x, theta), rtol=0, atol=1e-6)


def test_dropped_outputs_are_scaled_by_what_is_kept():
    model = linear(400, 1)
    theta, ones = torch.ones(3, 401, dtype=torch.float64), torch.ones(200, 400, dtype=torch.float64)
    outputs = dropout_outputs(model, ones, theta, generators(), p=(0.2,)) - 1
    assert outputs.mean().item() == pytest.approx(400, rel=0.01)
    assert outputs.var().item() == pytest.approx(400 * 0.2 / 0.8, rel=0.15)


def zeros_of(draw, p):
    """The inputs, states and last states that were dropped, seen through a network of identities without biases."""
    T, H = 5, 3
    net = rnn(T, H, H, H, activation=torch.clone)
    eye = torch.eye(H, dtype=torch.float64).flatten()
    none = torch.zeros(H, dtype=torch.float64)
    theta = torch.cat([eye, none, eye, none, eye, none])[None].requires_grad_()
    x = torch.ones(4, T * H, dtype=torch.float64, requires_grad=True)
    outputs = dropout_outputs(net, x, theta, generators(1), p=p, draw=draw)
    (g,) = torch.autograd.grad(outputs.sum(), x)
    return g.reshape(4, T, H) == 0


def test_masks_differ_from_step_to_step_unless_they_are_variational():
    fresh, same = zeros_of(mask, (0.5, 0, 0)), zeros_of(variational_mask, (0.5, 0, 0))
    assert fresh.any() and (fresh != fresh[:, :1]).any()
    assert same.any() and (same == same[:, :1]).all()


def test_a_unit_that_is_dropped_from_the_state_at_some_step_forgets_all_inputs_before():
    lost = zeros_of(mask, (0, 0.5, 0))
    assert lost.any() and not lost[:, -1].any()
    assert (lost[:, :-1] >= lost[:, 1:]).all()


@pytest.mark.parametrize("of", [(net, theta, x), (recurrent, theta_r, x_r)])
def test_each_replica_draws_from_its_own_generator(of):
    net, theta, x = of
    same = theta[:1].expand(3, -1)
    rngs = [np.random.default_rng(seed) for seed in (7, 8, 7)]
    a, b, c = dropout_outputs(net, x, same, rngs, p=(0.5, 0.5, 0.5))
    torch.testing.assert_close(a, c, rtol=0, atol=1e-14)
    assert not torch.allclose(a, b)


@pytest.mark.parametrize(("net", "x", "p"), [
    (net, x, (0.2, 0.5, 0.5)), (recurrent, x_r, (0.2, 0, 0.5)), (recurrent, x_r, (0, 0.5, 0))
])  # fmt: skip
def test_replicas_trained_with_dropout_at_once_equal_each_trained_alone(net, x, p):
    data = x.repeat(5, 1).numpy(), np.arange(35) % 2
    train = partial(dropout_outputs, net, p=p)
    together = fit(net, data, adam, steps=10, batch=8, seeds=[2, 0, 2], train=train, test=data)
    assert torch.equal(together["theta"][0], together["theta"][2])
    for r, seed in enumerate([2, 0]):
        alone = fit(net, data, adam, steps=10, batch=8, seeds=[seed], train=train, test=data)
        np.testing.assert_allclose(together["loss"][r : r + 1], alone["loss"], rtol=0, atol=1e-12)
    swept = sweep(net, data, adam, [1e-3], steps=10, batch=8, seeds=[2, 0, 2], train=train, test=data)
    np.testing.assert_allclose(swept["loss"][0], together["loss"], atol=1e-12)


def test_training_with_dropout_is_noisy_and_evaluation_is_not():
    data = x.numpy(), np.arange(7) % 2
    train = partial(dropout_outputs, net, p=(0, 0.5, 0.5))
    result = fit(net, data, adam, steps=20, batch=None, seeds=2, lr=0.0, train=train, every=20)
    assert (result["loss"].std(axis=1) > 0.01).all()
    np.testing.assert_array_equal(result["train_loss"][:, 0], result["train_loss"][:, 1])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: dropout_outputs(net, x, theta, generators(), p=(0.5, 0.5)), ValueError, "expected 3 drop prob"),
        (lambda: dropout_outputs(net, x, theta, generators(), p=0.5), ValueError, "p=0.5"),
        (lambda: dropout_outputs(net, x, theta, generators(), p=(0, 0, 1)), ValueError, r"p=\(0, 0, 1\)"),
        (lambda: dropout_outputs(net, x, theta, generators(), p=(0, 0, -0.1)), ValueError, r"p=\(0, 0, -0.1\)"),
        (lambda: dropout_outputs(net, x, theta, generators(2), p=(0, 0, 0)), ValueError, "2 generators.* 3 replicas"),
        (lambda: dropout_outputs(net, x[:, 1:], theta, generators(), p=(0, 0, 0)), ValueError, r"\(7, 4\)"),
        (lambda: dropout_outputs(blocks(5, 4, 1, 2), x, theta, generators(), p=(0,)), TypeError, "an mlp or an rnn"),
        (lambda: thinned_mlp(net, x, theta, masks_of((3, 7, 5))), ValueError, "masks: 1 of them, expected 3"),
        (lambda: thinned_mlp(net, x, theta, masks_of(*[(3, 7, 5)] * 3)), ValueError, r"expected \(3, 7, 4\)"),
        (lambda: thinned_mlp(net, x, theta, masks_of(*[(7, 5)] * 3)), ValueError, r"mask of shape \(7, 5\)"),
        (lambda: thinned_mlp(recurrent, x_r, theta_r, []), TypeError, "expected an mlp"),
        (lambda: thinned_rnn(net, x, theta, []), TypeError, "expected an rnn"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
