"""The initializers: variances, distributions, torch's own, the exchanged gains, bad input."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from nndl_lib.initializers import fans, fixed, he, lecun, normal, orthogonal, sparse, uniform, xavier
from nndl_lib.networks import mlp, start
from nndl_lib.pytorch import initialize

N, M = 400, 300
SHAPES = [(6, 6), (9, 4), (4, 9), (5, 1), (1, 5)]


def draws():
    return np.random.default_rng(0)


# --- variances and distributions against torch


def torch_weights(fill):
    """(in, out), from torch's (out, in)."""
    weight = torch.empty(M, N)
    torch.manual_seed(0)
    fill(weight)
    return weight.T.numpy()


OURS_AND_TORCHS = {
    "xavier normal": (normal, xavier(N, M), nn.init.xavier_normal_),
    "xavier uniform": (uniform, xavier(N, M), nn.init.xavier_uniform_),
    "xavier gain 4": (uniform, xavier(N, M, gain=4), partial(nn.init.xavier_uniform_, gain=4)),
    "he normal": (normal, he(N, M), partial(nn.init.kaiming_normal_, nonlinearity="relu")),
    "he uniform": (uniform, he(N, M), partial(nn.init.kaiming_uniform_, nonlinearity="relu")),
    "he backward": (normal, he(M, N), partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu")),
    "he leaky": (normal, he(N, M, slope=0.3), partial(nn.init.kaiming_normal_, a=0.3)),
    "lecun": (normal, lecun(N, M), partial(nn.init.kaiming_normal_, nonlinearity="linear")),
    "fixed": (normal, fixed(N, M, std=0.02), partial(nn.init.normal_, std=0.02)),
    "linear's default": (uniform, lecun(N, M) / 3, partial(nn.init.kaiming_uniform_, a=5**0.5)),
}


@pytest.mark.parametrize("name", OURS_AND_TORCHS)
def test_weights_have_the_distribution_of_torchs(name):
    distribution, variance, fill = OURS_AND_TORCHS[name]
    ours, theirs = distribution(draws(), (N, M), variance), torch_weights(fill)
    assert ours.shape == theirs.shape == (N, M)
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-3
    assert ours.var() == pytest.approx(variance, rel=0.02) == pytest.approx(theirs.var(), rel=0.03)
    assert abs(ours.mean()) < 4 * (variance / ours.size) ** 0.5


@pytest.mark.parametrize("name", [name for name in OURS_AND_TORCHS if "uniform" in name or "default" in name])
def test_uniform_weights_fill_torchs_range(name):
    _, variance, fill = OURS_AND_TORCHS[name]
    ours, theirs = uniform(draws(), (N, M), variance), torch_weights(fill)
    r = (3 * variance) ** 0.5
    assert abs(ours).max() <= r and abs(theirs).max() <= r * (1 + 1e-6)
    assert abs(ours).max() == pytest.approx(r, rel=1e-3) == pytest.approx(abs(theirs).max(), rel=2e-3)


def test_the_range_of_xavier_is_the_root_of_6_over_the_sum_of_the_fans():
    W = uniform(draws(), (N, M), xavier(N, M))
    assert abs(W).max() == pytest.approx((6 / (N + M)) ** 0.5, rel=1e-3)
    assert abs(W).max() != pytest.approx(3**0.5, rel=0.1)


def test_the_variances_are_those_of_the_papers():
    assert lecun(50, 8) == 1 / 50 and he(50, 8) == 2 / 50 and xavier(50, 8) == 2 / 58
    assert xavier(50, 8, gain=4) == 16 * xavier(50, 8) and lecun(50, 8, gain=3) == 9 / 50
    assert he(50, 8, slope=2) == 2 / 5 / 50 and fixed(50, 8) == 0.01**2
    assert he(50, 50) == 2 * xavier(50, 50)


# --- what they are for: signals and gradients over depth


def signals(activation, variance, sizes, distribution=normal):
    """The mean square of each layer's outputs and of the loss's gradient there, relative to the ends."""
    net = mlp(*sizes, activation=activation)
    rng = draws()
    x = torch.as_tensor(rng.standard_normal((200, sizes[0])))
    theta = start(net, 3, variance=variance, distribution=distribution, dtype=torch.float64).requires_grad_()
    layers = list(net.layers(x, theta))
    end = torch.as_tensor(rng.standard_normal(layers[-1].shape))
    gradients = torch.autograd.grad((layers[-1] * end).sum(), layers)
    return np.array([[(part**2).mean().item() for part in parts] for parts in (layers, gradients)])


def linear(z):
    return z


def test_xavier_keeps_signal_and_gradient_of_equal_linear_layers():
    forward, backward = signals(linear, xavier, [256] * 21)
    assert 0.6 < forward[-1] / forward[0] < 1.6 and 0.6 < backward[0] / backward[-1] < 1.6


def test_lecun_keeps_the_signal_and_its_mirror_the_gradient_where_widths_change():
    sizes = [64, 512, 64, 512, 64, 512, 64]
    forward, _ = signals(linear, lecun, sizes)
    _, backward = signals(linear, lambda n, m: lecun(m, n), sizes)
    assert 0.7 < forward[-1] / forward[0] < 1.4 and 0.7 < backward[0] / backward[-1] < 1.4
    mirrored = signals(linear, lecun, sizes)[1]
    assert mirrored[1] / mirrored[0] == pytest.approx(8, rel=0.3)


def test_he_keeps_the_signal_of_relu_over_20_layers_and_xavier_halves_it_in_each():
    sizes = [512] * 21
    he_forward, xavier_forward = (signals(torch.relu, f, sizes)[0] for f in (he, xavier))
    assert 0.5 < he_forward[-2] / he_forward[0] < 2
    assert np.log2(xavier_forward[0] / xavier_forward[-2]) == pytest.approx(18, abs=1.2)


def test_he_of_both_fans_is_not_he():
    """4/(n + m), twice Xavier's variance, grows by 4/3 in each layer of half the width; 1/(n + m) loses everything."""
    sizes = [1024, 512, 256, 128, 64]
    right = signals(torch.relu, he, sizes)[0]
    both = signals(torch.relu, lambda n, m: 2 * xavier(n, m), sizes)[0]
    half = signals(torch.relu, lambda n, m: xavier(n, m) / 2, [400] * 14)[0]
    assert right[-2] / right[0] == pytest.approx(1, abs=0.3)
    assert both[-1] / right[-1] == pytest.approx((4 / 3) ** 4, rel=1e-9)
    assert half[-2] / half[0] < 1e-5


@pytest.mark.parametrize("distribution", [normal, uniform])
def test_exchanged_gains_are_caught(distribution):
    """The factor 4 is the logistic function's: tanh explodes with it, the logistic function vanishes without."""
    sizes = [400] * 12
    tanh = {gain: signals(torch.tanh, partial(xavier, gain=gain), sizes, distribution)[1] for gain in (1, 4)}
    logistic = {gain: signals(torch.sigmoid, partial(xavier, gain=gain), sizes, distribution)[1] for gain in (1, 4)}
    ratio = {name: {g: (b[0] / b[-1]) ** 0.5 for g, b in runs.items()} for name, runs in
             {"tanh": tanh, "logistic": logistic}.items()}  # fmt: skip
    assert 0.05 < ratio["tanh"][1] < 1 and ratio["tanh"][4] > 10
    assert ratio["logistic"][1] < 1e-5 and ratio["logistic"][4] > 1000 * ratio["logistic"][1]


# --- orthogonal and sparse


@pytest.mark.parametrize("shape", SHAPES)
def test_an_orthogonal_matrix_has_orthonormal_columns_or_rows(shape):
    Q = orthogonal(draws(), shape)
    assert Q.shape == shape
    gram = Q.T @ Q if shape[0] >= shape[1] else Q @ Q.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_orthogonal_matrix_of_a_variance_has_entries_of_this_mean_square(shape):
    assert (orthogonal(draws(), shape, 0.3) ** 2).mean() == pytest.approx(0.3)


def test_orthogonal_with_the_variance_of_he_has_the_gain_root_2_of_torch():
    Q = orthogonal(draws(), (7, 7), he(7, 7))
    weight = torch.empty(7, 7, dtype=torch.float64)
    nn.init.orthogonal_(weight, gain=nn.init.calculate_gain("relu"))
    np.testing.assert_allclose(Q.T @ Q, 2 * np.eye(7), atol=1e-12)
    np.testing.assert_allclose((weight.T @ weight).numpy(), 2 * np.eye(7), atol=1e-12)


def test_orthogonal_matrices_are_uniform_over_the_rotations_and_reflections():
    """An entry of a uniform 3 x 3 matrix is uniform on [-1, 1]; without the signs of R the diagonal is not."""
    rng = draws()
    Q = np.stack([orthogonal(rng, (3, 3)) for _ in range(4000)])
    for i, j in np.ndindex(3, 3):
        assert stats.kstest(Q[:, i, j], stats.uniform(-1, 2).cdf).pvalue > 1e-3, (i, j)
    assert abs(np.linalg.det(Q).mean()) < 0.06


def test_a_sparse_matrix_has_k_weights_a_column_and_the_variance_of_a_dense_one():
    W = sparse(draws(), (200, 3000), k=10)
    assert ((W != 0).sum(axis=0) == 10).all()
    assert (W**2).sum(axis=0).mean() == pytest.approx(1, rel=0.03)
    assert (sparse(draws(), (200, 3000), 0.02, k=10) ** 2).mean() == pytest.approx(0.02, rel=0.03)
    counts = (W != 0).sum(axis=1)
    assert stats.chisquare(counts).pvalue > 1e-3


# --- fans and modules


def test_fans_are_those_of_torch():
    for layer in (nn.Linear(7, 3), nn.Conv1d(4, 6, 5), nn.Conv2d(3, 8, (3, 5)), nn.Conv3d(2, 4, 3)):
        assert fans(layer.weight.shape) == nn.init._calculate_fan_in_and_fan_out(layer.weight)


def test_the_fan_in_of_a_grouped_convolution_counts_the_inputs_of_one_unit():
    assert fans(nn.Conv2d(8, 16, 3, groups=4).weight.shape)[0] == 2 * 9


def test_initialize_draws_all_weights_of_a_model_and_sets_the_biases():
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Flatten(), nn.Linear(2304, 50))
    assert initialize(model, he, uniform, bias=0.01) is model
    for layer, variance in ((model[0], 2 / 27), (model[4], 2 / 2304)):
        assert layer.weight.var().item() == pytest.approx(variance, rel=0.1)
        assert abs(layer.weight).max() <= (3 * variance) ** 0.5
        assert (layer.bias == 0.01).all()
    assert (model[1].weight == 1).all() and (model[1].bias == 0).all()


def test_initialize_makes_columns_of_units_orthogonal_or_sparse():
    model = nn.Sequential(nn.Linear(12, 5, dtype=torch.float64), nn.Conv2d(4, 6, 3, bias=False, dtype=torch.float64))
    initialize(model, lecun, orthogonal)
    assert torch.allclose(model[0].weight @ model[0].weight.T, torch.eye(5, dtype=torch.float64))
    rows = model[1].weight.reshape(6, 36)
    assert torch.allclose(rows @ rows.T, torch.eye(6, dtype=torch.float64))
    initialize(model, lecun, partial(sparse, k=3))
    assert ((model[0].weight != 0).sum(dim=1) == 3).all()


def test_initialize_depends_on_its_seed_alone():
    first, second, other = (initialize(nn.Linear(9, 9), xavier, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.weight, second.weight) and not torch.equal(first.weight, other.weight)


def test_networks_start_with_the_variance_and_distribution_given():
    net = mlp(300, 200, 10)
    theta = start(net, [3], variance=xavier, distribution=uniform, dtype=torch.float64)
    (W, b), _ = net.unpack(theta)
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(W[0].numpy(), uniform(rng, (300, 200), xavier(300, 200)))
    assert (b == 0).all()
    W = net.unpack(start(net, 1, distribution=orthogonal, dtype=torch.float64))[0][0][0]
    torch.testing.assert_close(W.T @ W, torch.eye(200, dtype=torch.float64), rtol=0, atol=1e-12)


# --- bad input


@pytest.mark.parametrize("f", [fixed, lecun, xavier, he])
@pytest.mark.parametrize("bad", [0, -1, 2.5, np.nan])
def test_fans_must_be_positive_integers(f, bad):
    with pytest.raises(ValueError, match=f"fan_in={bad!r}"):
        f(bad, 3)
    with pytest.raises(ValueError, match=f"fan_out={bad!r}"):
        f(3, bad)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lecun(3, 3, gain=-1), "gain=-1"),
        (lambda: xavier(3, 3, gain=np.nan), "gain=nan"),
        (lambda: he(3, 3, slope=np.inf), "slope=inf"),
        (lambda: fixed(3, 3, std=-0.1), "std=-0.1"),
        (lambda: normal(draws(), (2, 2), -1), "variance=-1"),
        (lambda: uniform(draws(), (2, 2), np.nan), "variance=nan"),
        (lambda: orthogonal(draws(), (2, 2, 2)), r"orthogonal: shape \(2, 2, 2\)"),
        (lambda: orthogonal(draws(), (0, 2)), r"orthogonal: shape \(0, 2\)"),
        (lambda: orthogonal(draws(), (2, 2), np.ones(2)), "variance="),
        (lambda: sparse(draws(), (5, 2), k=6), "k=6.*from 1 to n = 5"),
        (lambda: sparse(draws(), (5, 2), k=0), "k=0"),
        (lambda: sparse(draws(), (5, 2), k=2.0), "k=2.0"),
        (lambda: sparse(draws(), (5,)), r"sparse: shape \(5,\)"),
        (lambda: fans((5,)), r"fans: shape \(5,\)"),
        (lambda: fans((5, 0)), r"fans: shape \(5, 0\)"),
        (lambda: initialize(nn.ReLU(), xavier), "no nn.Linear"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
