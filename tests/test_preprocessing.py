"""Scalers against scikit-learn on random and degenerate data, inverses, theorems, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from nndl_lib.preprocessing import Affine, covariance, min_max, pca_whitening, z_score, zca_whitening

SCALERS = [min_max, z_score, pca_whitening, zca_whitening]


def data(N=40, D=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, D)) @ rng.standard_normal((D, D)) + 10 * rng.standard_normal(D)


def degenerate(kind):
    X = data()
    if kind == "constant":
        X[:, 2] = 0.1
    elif kind == "copy":
        X[:, 3] = X[:, 1]
    elif kind == "one row":
        X = X[:1]
    elif kind == "few rows":
        X = X[:3]
    elif kind == "zeros":
        X = np.zeros((4, 3))
    return X


KINDS = ["random", "constant", "copy", "one row", "few rows", "zeros"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("low_high", [(0, 1), (-1, 1), (2, 5)])
def test_min_max_equals_scikit_learns(kind, low_high):
    X, (low, high) = degenerate(kind), low_high
    peer = MinMaxScaler(feature_range=low_high).fit(X)
    scaler, new = min_max(X, low=low, high=high), data(seed=3)[:, : X.shape[1]]
    np.testing.assert_allclose(scaler(X), peer.transform(X), atol=1e-12)
    np.testing.assert_allclose(scaler(new), peer.transform(new), atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_z_score_equals_scikit_learns(kind):
    X = degenerate(kind)
    peer, scaler, new = StandardScaler().fit(X), z_score(X), data(seed=3)[:, : X.shape[1]]
    np.testing.assert_allclose(scaler(X), peer.transform(X), atol=1e-12)
    np.testing.assert_allclose(scaler(new), peer.transform(new), atol=1e-9)


@pytest.mark.parametrize("kind", ["random", "copy", "constant", "few rows"])
def test_pca_whitening_equals_scikit_learns_up_to_signs_and_n_minus_1(kind):
    X = degenerate(kind)
    scaler = pca_whitening(X)
    d = scaler.W.shape[1]
    assert d == np.linalg.matrix_rank(X - X.mean(axis=0))
    peer = PCA(d, whiten=True).fit_transform(X) * (len(X) / (len(X) - 1)) ** 0.5
    ours = scaler(X)
    np.testing.assert_allclose(ours * np.sign((ours * peer).sum(axis=0)), peer, atol=1e-7)


@pytest.mark.parametrize("scaler", [pca_whitening, zca_whitening])
def test_the_covariance_of_whitened_data_is_the_identity(scaler):
    _, C = covariance(scaler(data())(data()))
    np.testing.assert_allclose(C, np.eye(5), atol=1e-10)


def test_zca_is_symmetric_and_the_closest_whitening():
    X = data()
    Z, P = zca_whitening(X), pca_whitening(X)
    np.testing.assert_allclose(Z.W, Z.W.T, atol=1e-12)
    centred = X - X.mean(axis=0)
    assert ((Z(X) - centred) ** 2).sum() < ((P(X) - centred) ** 2).sum()


def test_principal_components_come_in_the_order_of_their_variances():
    X = np.random.default_rng(0).standard_normal((500, 3)) * [1, 5, 2]
    W = pca_whitening(X).W
    assert abs(W).argmax(axis=0).tolist() == [1, 2, 0]


def test_epsilon_is_added_to_the_variances():
    X = data()
    variance, U = np.linalg.eigh(np.cov(X.T, bias=True))
    np.testing.assert_allclose(zca_whitening(X, eps=0.3).W, U @ np.diag((variance + 0.3) ** -0.5) @ U.T, atol=1e-10)


def test_epsilon_keeps_directions_without_variance():
    X = degenerate("copy")
    assert pca_whitening(X).W.shape == (5, 4) and pca_whitening(X, eps=1e-3).W.shape == (5, 5)


@pytest.mark.parametrize("scaler", SCALERS)
@pytest.mark.parametrize("kind", ["random", "constant", "copy", "few rows", "one row"])
def test_the_inverse_brings_the_data_back(scaler, kind):
    X = degenerate(kind)
    affine = scaler(X)
    np.testing.assert_allclose(affine.inverse(affine(X)), X, atol=1e-9)


@pytest.mark.parametrize("scaler", SCALERS)
def test_a_constant_feature_goes_to_0_and_comes_back(scaler):
    X = np.full((7, 1), 0.1)
    affine = scaler(X)
    np.testing.assert_array_equal(affine(X), np.zeros((7, affine(X).shape[1])))
    np.testing.assert_array_equal(affine.inverse(affine(X)), X)


@pytest.mark.parametrize("scaler", SCALERS)
def test_single_precision_stays_single(scaler):
    X = data(300).astype(np.float32)
    affine = scaler(X)
    assert affine(X).dtype == affine.inverse(affine(X)).dtype == np.float32
    np.testing.assert_allclose(affine(X), scaler(X.astype(float))(X), rtol=2e-2, atol=2e-3)


def test_the_variance_of_single_precision_far_from_zero_is_right():
    X = (np.random.default_rng(0).standard_normal((20_000, 2)) + 1000).astype(np.float32)
    np.testing.assert_allclose(np.cov(pca_whitening(X)(X).T.astype(float)), np.eye(2), atol=2e-3)


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 30), st.integers(1, 6), st.integers(0, 5))
def test_scaled_data_have_mean_0_and_range_1(N, D, seed):
    X = data(N, D, seed)
    assert np.allclose(z_score(X)(X).mean(axis=0), 0, atol=1e-9)
    scaled = min_max(X)(X)
    assert np.allclose(scaled.min(axis=0), 0, atol=1e-12)
    assert np.allclose(scaled.max(axis=0), 1 if N > 1 else 0, atol=1e-12)


def test_z_score_does_not_make_data_normal():
    """The printed statement: each feature then follows the standard normal distribution."""
    x = z_score((np.random.default_rng(0).random((20_000, 1)) < 0.1).astype(float))(np.array([[0.0], [1.0]]))
    assert x.ravel() == pytest.approx([-1 / 3, 3], abs=0.05)


def test_rows_of_any_shape_are_mapped():
    affine = Affine(np.array([1.0, 2.0]), np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 1.0]]))
    np.testing.assert_allclose(affine([2.0, 3.0]), [1, 2, 2])
    assert affine(np.ones((4, 3, 2))).shape == (4, 3, 3)
    assert affine(np.zeros((0, 2))).shape == (0, 3)


@pytest.mark.parametrize("scaler", SCALERS)
@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.ones(3), r"X of shape \(3,\)"),
        (np.ones((0, 3)), r"X of shape \(0, 3\)"),
        (np.array([[1.0, np.nan]]), "NaN or infinite"),
        (np.array([[1.0], [np.inf]]), "NaN or infinite"),
    ],
)
def test_bad_data_are_named(scaler, X, words):
    with pytest.raises(ValueError, match=f"{scaler.__name__}: .*{words}|{scaler.__name__}: {words}"):
        scaler(X)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: min_max(data(), low=1, high=1), "low=1, high=1"),
        (lambda: min_max(data(), low=np.nan), "low=nan"),
        (lambda: pca_whitening(data(), eps=-1), "pca_whitening: eps=-1"),
        (lambda: z_score(data())(np.ones((2, 4))), r"x has shape \(2, 4\), expected \(..., 5\)"),
        (
            lambda: pca_whitening(degenerate("copy")).inverse(np.ones((2, 5))),
            r"y has shape \(2, 5\), expected \(..., 4\)",
        ),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
