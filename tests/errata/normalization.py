"""Misprints of the source texts on preprocessing and normalization: the right form passes, the misprint fails.
"""

import numpy as np
import torch
from misprints import draws, erratum, number
from scipy import signal, stats
from torch import nn

from nndl_lib.modules import BatchNorm
from nndl_lib.normalization import batch_norm, layer_norm, local_response_norm, standardize, weight_norm
from nndl_lib.preprocessing import min_max, pca_whitening, z_score


def sample(*shape):
    return draws().standard_normal(shape)


# --- Preprocessing


@number("err-tanh-sensitive")
def beyond_2_the_slope_of_tanh_is_close_to_0():
    slopes = 1 - np.tanh([0.0, 1.0, 2.0]) ** 2
    assert np.allclose(slopes, [1, 0.42, 0.0707], atol=1e-4) and (1 - np.tanh(np.linspace(2, 9, 50)) ** 2).max() < 0.071


@erratum("err-minmax-range", (0, 1), (-1, 1))
def the_printed_formula_scales_to(limits):
    x = sample(50, 1)
    scaled = (x - x.min()) / (x.max() - x.min())
    return np.allclose(scaled, min_max(x, low=limits[0], high=limits[1])(x))


@erratum("err-zscore-normal", "moments", "shape")
def after_the_z_score_data_have_the_standard_normals(property):
    z = z_score(np.random.default_rng(0).exponential(size=(5000, 1)))
    x = z(np.random.default_rng(0).exponential(size=(5000, 1))).ravel()
    if property == "moments":
        return abs(x.mean()) < 1e-9 and abs(x.var() - 1) < 1e-9
    return stats.kstest(x, "norm").pvalue > 1e-3


@erratum("err-whitening-independent", np.positive, np.square)
def the_components_of_whitened_data_are_uncorrelated_after(transform):
    """After squaring one, too, if they were independent; here one is the square of the other, shifted and scaled."""
    a = sample(20_000)
    X = np.stack([a, a**2], axis=1)
    first, second = pca_whitening(X)(X).T
    return abs(np.corrcoef(first, transform(second))[0, 1]) < 0.05


@erratum("err-iid-features", "features", "samples")
def whitening_removes_the_correlation_between(things):
    """A series in which nine tenths of each sample are the one before, of two features that share a part."""
    X = signal.lfilter([1], [1, -0.9], sample(2000, 2), axis=0) @ [[1, 0.8], [0, 0.6]]
    Z = pca_whitening(X)(X)
    pair = {"features": Z.T, "samples": (Z[1:, 0], Z[:-1, 0])}[things]
    return abs(np.corrcoef(*pair)[0, 1]) < 0.05


@erratum("err-scale-argument", 100, 10)
def relative_progress_of_two_weights_whose_features_differ_tenfold_differs_by(factor):
    """A feature ten times as large has an optimal weight a tenth as large and ten times the gradient."""
    x = sample(1000, 1)
    X = np.hstack([x, 10 * sample(1000, 2)[:, 1:]])
    best = np.array([1.0, 0.1])
    y = X @ best
    g = -X.T @ y / len(X)
    ratio = (g / best)[1] / (g / best)[0]
    return abs(ratio / factor - 1) < 0.3


@erratum("err-must-normalise", "slower", "impossible")
def without_scaling_gradient_descent_is(word):
    """Curvatures 1 and 100: it converges, in about a hundred times as many steps."""

    def steps(curvatures):
        theta, count = np.ones(2), 0
        while abs(theta).max() > 1e-3:
            theta, count = theta - 2 / curvatures.sum() * curvatures * theta, count + 1
            if count > 10_000:
                return np.inf
        return count

    scaled, raw = steps(np.ones(2)), steps(np.array([1.0, 100.0]))
    return np.isfinite(raw) and raw > 100 * scaled if word == "slower" else np.isinf(raw)


@erratum("err-tan-nonlinear", np.arctan, np.tan)
def a_nonlinear_scaling_keeps_the_order_and_is_bounded(f):
    x = np.linspace(-10, 10, 1001)
    return bool((np.diff(f(x)) > 0).all() and abs(f(x)).max() < 2)


@number("err-norm-probability")
def scaled_values_do_not_sum_to_1_and_keep_the_ratios_of_their_distances():
    x = np.array([[2.0], [3.0], [5.0], [12.0]])
    for low in (0, -1):
        scaled = min_max(x, low=low, high=1)(x).ravel()
        assert not np.isclose(scaled.sum(), 1)
        np.testing.assert_allclose(np.diff(scaled) / np.diff(scaled)[0], [1, 2, 7])


# --- Batch normalization

Z = sample(40, 3) * [0.3, 2, 7] + [4, -1, 2]
MU, VAR = Z.mean(axis=0), Z.var(axis=0)


@erratum("err-bn-divide-variance", VAR**0.5, VAR)
def divided_by_it_each_unit_has_variance_1(divisor):
    return np.allclose(((Z - MU) / divisor).var(axis=0), 1)


@erratum("err-bn-plus-mu", -1, 1)
def with_this_sign_of_the_mean_each_unit_has_mean_0(sign):
    return np.allclose(((Z + sign * MU) / VAR**0.5).mean(axis=0), 0, atol=1e-12)


@erratum("err-bn-identity-gamma", (VAR + 0.01) ** 0.5, VAR**0.5)
def batch_norm_is_the_identity_with_gamma(gamma):
    return np.allclose(batch_norm(Z, gamma, MU, eps=0.01)[0], Z, atol=1e-10)


@erratum("err-bn-meaningless", "direction", "nothing")
def what_a_lower_layer_learns_and_normalization_keeps_is(kept):
    x, W = sample(30, 4), np.random.default_rng(1).standard_normal((4, 3))
    out = standardize(x @ W, 0, eps=0)[0]
    same, turned = (standardize(x @ V, 0, eps=0)[0] for V in (100 * W, W[::-1]))
    return np.allclose(out, same) and np.allclose(out, turned) == (kept == "nothing")


@erratum("err-bn-constant-dist", lambda z: (z.mean(), z.var()), lambda z: (stats.kurtosis(z),))
def what_standardization_makes_equal_for_different_inputs(moments):
    a, b = (standardize(x, 0, eps=0)[0] for x in (sample(5000), sample(5000) ** 3))
    return np.allclose(moments(a), moments(b), atol=1e-9)


def mean_of_variances(batches):
    m = batches.shape[1]
    return (batches.var(axis=1).mean() * m / (m - 1)) ** 0.5


def mean_of_deviations(batches):
    return batches.std(axis=1).mean()


@erratum("err-bn-std-test", mean_of_variances, mean_of_deviations)
def the_deviation_at_test_time_is_estimated_without_bias_by(estimate):
    return abs(estimate(3 * sample(100_000, 4)) / 3 - 1) < 0.01


@erratum("err-bn-moving", "test", "training")
def moving_averages_are_used_in(mode):
    module = BatchNorm(3, dtype=torch.float64)
    x = torch.tensor(Z)
    module(x)
    module.train(mode == "training")
    expected = (x - module.mean) / (module.var + 1e-5) ** 0.5
    return torch.allclose(module(x), expected)


@erratum("err-bn2d-linear", nn.BatchNorm1d, nn.BatchNorm2d)
def outputs_of_a_linear_layer_are_normalized_by(layer):
    try:
        return layer(3)(torch.tensor(Z, dtype=torch.float32)).shape == Z.shape
    except ValueError:
        return False


@erratum("err-second-order-sum", 1, 0)
def the_second_order_term_of_a_chain_sums_over_pairs_i_and_j_from_i_plus(offset):
    w, x, eps = np.array([1.3, 0.7, 2.0]), 1.5, 1e-3
    g = x * w.prod() / w
    moved = [x * (w - e * g).prod() for e in (-eps, 0, eps)]
    second = (moved[0] - 2 * moved[1] + moved[2]) / eps**2 / 2
    pairs = [(i, j) for i in range(3) for j in range(i + offset, 3)]
    terms = [g[i] * g[j] * np.prod([w[k] for k in range(3) if k not in (i, j)]) for i, j in pairs]
    return bool(np.isclose(x * sum(terms), second, rtol=1e-6))


@number("err-bn-backprop-labels")
def the_backward_formulas_of_the_notes_hold_with_the_gradients_of_the_standardized_values():
    m, gamma, dy = len(Z), np.array([2.0, -1.0, 0.5]), np.random.default_rng(1).standard_normal(Z.shape)
    scale = 1 / (VAR + 1e-5) ** 0.5
    dz = gamma * dy
    dmu, dvar = -(dz * scale).sum(axis=0), -(dz * (Z - MU) * scale**3).sum(axis=0) / 2
    printed = dz * scale + dmu / m + 2 / m * (Z - MU) * dvar, (dy * (Z - MU) * scale).sum(axis=0), dy.sum(axis=0)
    for ours, theirs in zip(batch_norm(Z, gamma, np.ones(3))[1](dy), printed, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-10)


@erratum("err-transfer-covariate", "p(x)", "p(y | x)")
def weights_against_a_covariate_shift_repair_a_fit_if_what_changed_is(factor):
    """They are p(x) of the target over p(x) of the source: all equal where only the answers have changed."""
    x = np.linspace(0, 3, 301)
    target, sign = (x > 2, 1) if factor == "p(x)" else (x >= 0, -1)

    def error(weights):
        line = np.polyfit(x, x**2, 1, w=weights**0.5)
        return ((np.polyval(line, x) - sign * x**2)[target] ** 2).mean()

    return error(target.astype(float)) < error(np.ones(301)) / 10


# --- Other normalizations


@erratum("err-ln-rows-columns", 0, 1)
def with_samples_as_columns_layer_norm_standardizes_along_axis(axis):
    Z_columns = sample(6, 4)
    expected = layer_norm(Z_columns.T, np.ones(6), np.zeros(6), eps=0)[0].T
    return np.allclose(standardize(Z_columns, axis, eps=0)[0], expected)


def one_index(z):
    return ((z - z.mean()) ** 2).sum() / len(z)


def two_indices(z):
    return (len(z) * (z[0] - z.mean()) ** 2) / len(z)


@erratum("err-ln-var-index", one_index, two_indices)
def the_variance_of_a_layer_is(formula):
    z = np.array([1.0, 2.0, 4.0])
    return bool(np.isclose(formula(z), z.var()))


@erratum("err-lrn-alpha", 1e-4, 1e-3)
@erratum("err-lrn-alpha", 1e-4, 10 * np.exp(-4))
def alexnets_alpha_hardly_changes_an_activity_of_10(alpha):
    x = np.zeros((1, 5, 1))
    x[0, 2] = 10.0
    y = local_response_norm(x, k=2.0, alpha=alpha, beta=0.75)[0][0, 2, 0]
    return abs(y / (10 * 2**-0.75) - 1) < 0.01


def beside(activity, neighbour):
    """A unit of this activity and its neighbour, alone in their window, after the normalization of AlexNet."""
    x = np.zeros((1, 6, 1))
    x[0, 2], x[0, 3] = activity, neighbour
    return local_response_norm(x)[0][0, 2:4, 0]


@erratum("err-lrn-suppression", 0.05, 0.0)
def beside_a_unit_of_1000_a_neighbour_of_50_is_of_its_activity_the_share(share):
    strong, neighbour = beside(1000.0, 50.0)
    return bool(np.isclose(neighbour / strong, share, atol=1e-9))


@number("err-lrn-suppression")
def an_active_unit_raises_the_divisor_of_its_neighbour_by():
    raised = [1e-3 * 2**-0.75 / beside(a, 1e-3)[1] for a in (10.0, 100.0, 1000.0)]
    assert np.allclose(raised, [1.004, 1.36, 19.1], rtol=5e-3)


@erratum("err-lrn-window", 5, 6)
def the_window_of_n_5_has_so_many_channels(count):
    y = local_response_norm(np.ones((1, 11, 1)), n=5, k=1.0, alpha=1.0, beta=1.0)[0]
    return bool(np.isclose(1 / y[0, 5, 0] - 1, count))


@erratum("err-gn-percent", 34.7 - 24.1, (34.7 - 24.1) / 34.7 * 100)
def group_norm_lowers_the_error_by_10_6(points):
    return abs(points - 10.6) < 0.05


@erratum("err-wn-v-fixed", False, True)
def the_direction_v_of_weight_norm_is_fixed_in_training(fixed):
    v, g, target = sample(1, 4), np.ones(1), np.array([[1.0, 2.0, -1.0, 0.5]])
    start = v.copy()
    for _ in range(50):
        W, vjp = weight_norm(v, g)
        dv, dg = vjp(W - target)
        v, g = v - 0.1 * dv, g - 0.1 * dg
    return bool(np.allclose(v, start)) == fixed


@erratum("err-wn-row", np.transpose, np.positive)
def the_rows_made_of_column_vectors_make_a_matrix_for_the_input(row):
    v, g, a = sample(3, 4, 1), [1.0, 2.0, 0.5], sample(4, 1)
    W = np.concatenate([length * row(column) / np.linalg.norm(column) for length, column in zip(g, v, strict=True)])
    return W.shape[1] == len(a) and np.allclose(W, weight_norm(v[..., 0], np.array(g))[0])


@erratum("err-wn-shared", (3 * 3 * 3 * 64, 64 * 224 * 224), (784 * 100, 100))
def there_are_fewer_weights_than_neurons(counts):
    weights, neurons = counts
    return weights < neurons


@number("err-wn-shared")
def sharing_alone_does_not_make_the_weights_fewer():
    """The filters of a late convolution, 512 of 3 by 3 by 512, on maps of 14 by 14."""
    assert nn.Conv2d(512, 512, 3, bias=False).weight.numel() == 2_359_296 > 512 * 14 * 14 == 100_352


@erratum("err-bn-sigma-notation", np.var, np.std)
def the_mean_of_the_squared_deviations_is(name):
    return np.allclose(((Z - MU) ** 2).mean(axis=0), name(Z, axis=0))


@number("err-bn-rnn")
def a_recurrent_unit_is_standardized_by_statistics_of_each_step_and_not_by_shared_ones():
    """The sequences z_t = 0.9 z_{t-1} + x_t for training and for the test; their variance grows over the steps."""
    train, test = signal.lfilter([1], [1, -0.9], sample(2, 5000, 10))
    each = standardize(test, 0, mean=train.mean(axis=0), var=train.var(axis=0))[0].var(axis=0)
    shared = standardize(test, 0, mean=train.mean(), var=train.var())[0].var(axis=0)
    assert abs(each - 1).max() < 0.1 and shared[0] < 0.4 and shared[-1] > 1.2


@erratum("err-bn-vs-ln", lambda K, n: 0 if K > n else 1, lambda K, n: 0)
def more_than_signs_is_left_for_narrow_layers_and_small_batches_along(axis):
    """Batch normalization is axis 0, layer normalization axis 1: of two values each keeps the sign of a difference."""
    outputs = [standardize(sample(K, n), axis(K, n), eps=0)[0] for K, n in ((2, 50), (50, 2))]
    return all(np.ptp(abs(z)) > 0.1 for z in outputs)
