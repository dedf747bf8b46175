"""Networks of R replicas against `torch.nn`, one replica after the other."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nndl_lib.networks import accuracy, blocks, cross_entropy, linear, mlp, squared_error, start

widths = st.lists(st.integers(1, 7), min_size=2, max_size=4)


def sequential(net, row):
    """The same network in `torch.nn`, with the parameters of one replica."""
    layers = []
    for W, b in net.unpack(row[None]):
        layer = nn.Linear(*W.shape[1:], dtype=row.dtype)
        layer.weight.data, layer.bias.data = W[0].T.clone(), b[0, 0].clone()
        layers += [layer, nn.Tanh() if net.activation is torch.tanh else nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("activation", [torch.tanh, torch.relu])
@settings(deadline=None, derandomize=True)
@given(sizes=widths, R=st.integers(1, 4), K=st.integers(1, 5))
def test_each_replica_equals_the_same_network_in_torch(activation, sizes, R, K):
    net = mlp(*sizes, activation=activation)
    rng = np.random.default_rng(0)
    theta, x = torch.tensor(rng.normal(size=(R, net.size))), torch.tensor(rng.normal(size=(R, K, sizes[0])))
    expected = torch.stack([sequential(net, row)(batch) for row, batch in zip(theta, x, strict=True)])
    torch.testing.assert_close(net(x, theta), expected.detach(), rtol=0, atol=1e-12)


def test_the_gradient_of_a_sum_over_replicas_holds_each_replicas_own_gradient():
    net, y = mlp(4, 5, 3), torch.tensor([0, 2, 1, 1])
    x, theta = torch.randn(2, 4, 4, dtype=torch.float64), start(net, 2, dtype=torch.float64).requires_grad_()
    (g,) = torch.autograd.grad(cross_entropy(net(x, theta), y).sum(), theta)
    for r in range(2):
        module = sequential(net, theta[r].detach())
        F.cross_entropy(module(x[r]), y).backward()
        own = [layer.weight.grad.T for layer in module[::2]], [layer.bias.grad for layer in module[::2]]
        expected = torch.cat([part.reshape(-1) for pair in zip(*own, strict=True) for part in pair])
        torch.testing.assert_close(g[r], expected, rtol=0, atol=1e-12)


def test_inputs_shared_by_the_replicas_give_the_same_outputs_as_repeated_ones():
    net, x = mlp(5, 4, 3), torch.randn(7, 5, dtype=torch.float64)
    theta = start(net, 3, dtype=torch.float64)
    torch.testing.assert_close(net(x, theta), net(x.repeat(3, 1, 1), theta), rtol=0, atol=1e-14)


def test_a_linear_model_has_one_matrix_and_one_bias():
    net = linear(5, 2)
    assert net.shapes == [(5, 2), (1, 2)] and net.size == 12


def test_the_size_counts_weights_and_biases():
    assert mlp(784, 100, 10).size == 784 * 100 + 100 + 100 * 10 + 10


def test_unpacked_layers_are_views_that_cover_the_parameters():
    net = mlp(3, 4, 2)
    theta = torch.zeros(2, net.size)
    for W, b in net.unpack(theta):
        W += 1
        b += 1
    assert (theta == 1).all()
    assert [(W.shape, b.shape) for W, b in net.unpack(theta)] == [((2, 3, 4), (2, 1, 4)), ((2, 4, 2), (2, 1, 2))]


def test_a_replica_starts_from_its_seed_alone():
    net = mlp(6, 5, 4)
    together = start(net, [7, 1, 7])
    assert torch.equal(together[0], together[2]) and not torch.equal(together[0], together[1])
    assert torch.equal(start(net, [1])[0], together[1])
    assert torch.equal(start(net, 2), start(net, [0, 1]))


def test_the_precision_of_the_start_does_not_change_its_numbers():
    net = mlp(6, 5, 4)
    assert start(net, 2).dtype == torch.float32
    assert torch.equal(start(net, 2, dtype=torch.float64).float(), start(net, 2))


@pytest.mark.parametrize(
    ("activation", "gain"), [(torch.tanh, 1), (torch.sigmoid, 1), (torch.relu, 2), (F.relu, 2), (nn.ReLU(), 2)]
)
def test_starting_weights_have_variance_one_or_two_over_fan_in_and_biases_are_zero(activation, gain):
    net = mlp(200, 300, 100, activation=activation)
    for W, b in net.unpack(start(net, 5)):
        n = W.shape[1]
        sigma = gain / n * (2 / W.numel()) ** 0.5
        assert abs(float(W.var()) - gain / n) < 5 * sigma
        assert not b.any()


@settings(deadline=None, derandomize=True)
@given(R=st.integers(1, 3), K=st.integers(1, 5), C=st.integers(2, 4), own=st.booleans())
def test_losses_and_accuracy_equal_torch_per_replica(R, K, C, own):
    rng = np.random.default_rng(1)
    logits = torch.tensor(rng.normal(size=(R, K, C)))
    labels = torch.tensor(rng.integers(0, C, size=(R, K)))
    targets = torch.tensor(rng.normal(size=(R, K, C)))
    if not own:
        labels, targets = labels[0], targets[0]
    for r in range(R):
        y, z = (labels[r], targets[r]) if own else (labels, targets)
        assert float(cross_entropy(logits, labels)[r]) == pytest.approx(float(F.cross_entropy(logits[r], y)))
        half = C * float(F.mse_loss(logits[r], z)) / 2
        assert float(squared_error(logits, targets)[r]) == pytest.approx(half)
        assert float(accuracy(logits, labels)[r]) == pytest.approx(np.mean((logits[r].argmax(1) == y).numpy()))


@pytest.mark.parametrize("own", [True, False])
def test_the_cross_entropy_of_soft_targets_equals_torchs(own):
    rng = np.random.default_rng(2)
    logits, y = torch.tensor(rng.normal(size=(3, 5, 4))), torch.tensor(rng.dirichlet(np.ones(4), size=(3, 5)))
    losses = cross_entropy(logits, y if own else y[0].float())
    for r in range(3):
        expected = F.cross_entropy(logits[r], y[r if own else 0])
        assert losses[r].item() == pytest.approx(expected.item(), abs=1e-12 if own else 1e-6)


def test_one_hot_targets_are_labels():
    logits, y = torch.randn(2, 5, 4, dtype=torch.float64), torch.tensor([0, 3, 1, 1, 2])
    torch.testing.assert_close(cross_entropy(logits, F.one_hot(y, 4).double()), cross_entropy(logits, y))


def test_mapped_weights_leave_the_biases_and_the_order_alone():
    net = mlp(3, 4, 2)
    theta = torch.arange(2.0 * net.size).view(2, -1)
    assert torch.equal(net.map_weights(torch.clone, theta), theta)
    for (W, b), (V, c) in zip(net.unpack(net.map_weights(torch.neg, theta)), net.unpack(theta), strict=True):
        assert torch.equal(W, -V) and torch.equal(b, c)


def test_a_replica_that_is_not_finite_leaves_the_other_losses_alone():
    logits = torch.zeros(2, 3, 4)
    logits[1] = float("inf")
    losses = cross_entropy(logits, torch.tensor([0, 1, 2]))
    assert float(losses[0]) == pytest.approx(np.log(4)) and losses[1].isnan()


net, theta = mlp(3, 4, 2), start(mlp(3, 4, 2), 2)
logits, labels = torch.zeros(2, 5, 3), torch.zeros(5, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mlp(3), ValueError, r"sizes=\(3,\), expected two integers"),
        (lambda: mlp(3, 0, 2), ValueError, r"sizes=\(3, 0, 2\)"),
        (lambda: mlp(3, 2.5), ValueError, r"sizes=\(3, 2.5\)"),
        (lambda: mlp(3, 2, activation="tanh"), TypeError, "activation='tanh', expected a function"),
        (lambda: net(torch.zeros(5, 4), theta), ValueError, r"x has shape \(5, 4\), expected \(K, 3\) or \(2, K, 3\)"),
        (lambda: net(torch.zeros(1, 5, 3), theta), ValueError, r"x has shape \(1, 5, 3\)"),
        (lambda: net(torch.zeros(3), theta), ValueError, r"x has shape \(3,\)"),
        (lambda: net(torch.zeros(5, 3), theta[0]), ValueError, r"theta has shape \(26,\), expected \(R, 26\)"),
        (lambda: net(torch.zeros(5, 3), theta[:, 1:]), ValueError, r"theta has shape \(2, 25\)"),
        (lambda: start(net, 0), ValueError, "seeds=0, expected"),
        (lambda: start(net, []), ValueError, r"seeds=\[\], expected"),
        (lambda: start(net, [1, -1]), ValueError, r"seeds=\[1, -1\]"),
        (lambda: start(net, [0.5]), ValueError, r"seeds=\[0.5\]"),
        (lambda: start(net, 1.5), ValueError, "seeds=1.5"),
        (lambda: cross_entropy(logits, labels[:4]), ValueError, r"y has shape \(4,\), expected \(5,\) or \(2, 5\)"),
        (lambda: cross_entropy(logits, labels[:, None]), ValueError, r"y has shape \(5, 1\)"),
        (lambda: cross_entropy(logits, labels + 3), ValueError, "labels from 3 to 3, expected labels from 0 to 2"),
        (lambda: cross_entropy(logits, labels - 1), ValueError, "labels from -1 to -1"),
        (lambda: cross_entropy(logits, labels.float()), TypeError, "dtype torch.float32, expected .* torch.int64"),
        (lambda: cross_entropy(logits, torch.ones(5, 3)), ValueError, "rows that are no probabilities"),
        (lambda: cross_entropy(logits, torch.tensor([[1.5, -0.5, 0]] * 5)), ValueError, "rows that are no prob"),
        (lambda: cross_entropy(logits, torch.full((5, 3), torch.nan)), ValueError, "rows that are no probabilities"),
        (lambda: cross_entropy(logits, torch.ones(4, 3) / 3), TypeError, r"y: \(4, 3\) .* soft targets \(5, 3\)"),
        (lambda: accuracy(logits, labels[:1]), ValueError, r"y has shape \(1,\)"),
        (lambda: squared_error(logits, torch.zeros(5)), ValueError, r"y has shape \(5,\), expected \(5, 3\)"),
        (lambda: squared_error(logits, torch.zeros(5, 1)), ValueError, r"y has shape \(5, 1\)"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- deep networks of blocks


class TorchBlock(nn.Module):
    """A block of two layers in `torch.nn`, batch normalization without gamma."""

    def __init__(self, inner, outer, shortcut, normalize):
        super().__init__()
        self.inner, self.outer, self.shortcut, self.normalize = inner, outer, shortcut, normalize

    def affine(self, h, W, b):
        return (F.batch_norm(h @ W, None, None, training=True) if self.normalize else h @ W) + b

    def forward(self, h):
        f = self.affine(F.relu(self.affine(h, *self.inner)), *self.outer)
        return F.relu(h + f if self.shortcut else f)


@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("normalize", [False, True])
def test_blocks_equal_the_same_network_in_torch(shortcut, normalize):
    net = blocks(5, 4, 3, 2, shortcut=shortcut, normalize=normalize)
    theta, x = torch.randn(2, net.size, dtype=torch.float64), torch.randn(6, 5, dtype=torch.float64)
    outputs = net(x, theta)
    for r in range(2):
        first, *hidden, last = [(W[0], b[0, 0]) for W, b in net.unpack(theta[r : r + 1])]
        module = [TorchBlock(*pair, shortcut, normalize) for pair in zip(hidden[::2], hidden[1::2], strict=True)]
        h = F.relu(TorchBlock(None, None, shortcut, normalize).affine(x, *first))
        for block in module:
            h = block(h)
        torch.testing.assert_close(outputs[r], h @ last[0] + last[1], rtol=0, atol=1e-10)


def test_layers_end_with_the_outputs():
    for net, widths in ((mlp(5, 4, 3, 2), [4, 3, 2]), (blocks(5, 4, 3, 2), [4, 4, 4, 4, 2])):
        theta, x = start(net, 2), torch.randn(6, 5)
        layers = list(net.layers(x, theta))
        assert torch.equal(layers[-1], net(x, theta))
        assert [h.shape for h in layers] == [(2, 6, m) for m in widths]


def test_a_block_whose_weights_are_zero_is_the_identity_with_a_shortcut_and_a_wall_without():
    for shortcut in (True, False):
        net = blocks(5, 4, 1, 2, shortcut=shortcut, normalize=False)
        theta, x = start(net, 1), torch.randn(6, 5)
        for W, _ in net.unpack(theta)[1:3]:
            W.zero_()
        before, after, _ = net.layers(x, theta)
        assert torch.equal(after, before if shortcut else torch.zeros_like(before))


def test_blocks_have_two_layers_each_and_one_before_and_behind():
    net = blocks(7, 4, 3, 2)
    assert len(net.shapes) == 2 * (2 * 3 + 2) and net.size == mlp(7, *[4] * 7, 2).size


@pytest.mark.parametrize("n", [-1, 1.5])
def test_the_number_of_blocks_is_checked(n):
    with pytest.raises(ValueError, match=f"n={n}"):
        blocks(3, 4, n, 2)


def test_blocks_check_their_input():
    net = blocks(5, 4, 1, 2)
    with pytest.raises(ValueError, match=r"x has shape \(6, 4\)"):
        net(torch.zeros(6, 4), start(net, 2))
