"""Augmentation: against SciPy image by image, theorems, bad input."""

from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from nndl_lib.augment import (
    blur,
    color_jitter,
    crop,
    delete,
    flip,
    noise,
    pca_jitter,
    replace,
    resample,
    rotate,
    shift,
    swap,
    zoom,
)
from nndl_lib.preprocessing import covariance

C = covariance(np.random.default_rng(9).random((100, 3)))[1]
GEOMETRIC = [rotate, zoom, crop, flip, shift, blur]
ALL = [*GEOMETRIC, noise, color_jitter, partial(pca_jitter, covariance=C)]


def draws(seed=0):
    return np.random.default_rng(seed)


def photos(*shape, dtype=np.float64):
    """Smooth images with an empty margin."""
    x = draws().random(shape)
    x[:, :3] = x[:, -3:] = x[:, :, :3] = x[:, :, -3:] = 0
    return x.astype(dtype)


def name(f):
    return getattr(f, "func", f).__name__


# --- What all of them keep


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", ALL, ids=name)
def test_shape_and_precision_stay_and_the_images_given_are_left_as_they_are(f, dtype):
    shapes = [(4, 9, 11, 3)] if f in ALL[-2:] else [(4, 9, 11), (4, 9, 11, 3), (1, 1, 1)]
    for shape in shapes:
        x = draws().random(shape).astype(dtype)
        before = x.copy()
        y = f(draws(), x)
        assert y.shape == shape and y.dtype == dtype and not np.shares_memory(x, y)
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("f", ALL, ids=name)
def test_the_result_is_that_of_the_generator_and_images_have_their_own_draws(f):
    x = np.repeat(photos(1, 12, 12, 3), 30, axis=0)
    y = f(draws(3), x)
    np.testing.assert_array_equal(f(draws(3), x), y)
    assert not np.array_equal(f(draws(4), x), y)
    assert len(np.unique(y.reshape(30, -1), axis=0)) > (1 if f is flip else 10)


@pytest.mark.parametrize("f", GEOMETRIC, ids=name)
def test_the_channels_of_an_image_move_together(f):
    x = draws().random((3, 8, 9))
    y = f(draws(), np.stack([x, 2 * x, 5 * x], axis=-1))
    for c, factor in enumerate((1, 2, 5)):
        np.testing.assert_allclose(y[..., c], factor * f(draws(), x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("f", [
    partial(rotate, degrees=0), partial(zoom, low=1, high=1), partial(crop, low=1), partial(flip, p=0),
    partial(shift, pixels=0), partial(noise, std=0), partial(blur, high=0),
    partial(color_jitter, brightness=0, contrast=0, saturation=0), partial(pca_jitter, covariance=C, std=0),
], ids=name)  # fmt: skip
def test_at_its_least_constant_nothing_changes(f):
    x = draws().random((5, 8, 9, 3))
    np.testing.assert_allclose(f(draws(), x), x, rtol=0, atol=1e-14)


# --- Images: oracles


def test_rotation_equals_scipys_image_by_image():
    x = draws().random((6, 10, 13))
    angles = draws(5).uniform(-40, 40, 6)
    y = rotate(draws(5), x, degrees=40)
    for own, a, angle in zip(y, x, angles, strict=True):
        right = ndimage.rotate(a, angle, reshape=False, order=1, mode="grid-constant")
        np.testing.assert_allclose(own, right, atol=1e-12)


def test_zoom_equals_scipys_map_about_the_centre():
    x, factors = draws().random((6, 10, 13)), draws(5).uniform(0.5, 2, 6)
    y = zoom(draws(5), x, low=0.5, high=2)
    centre = np.array([4.5, 6.0])
    for own, a, s in zip(y, x, factors, strict=True):
        offset = centre - centre / s
        right = ndimage.affine_transform(a, np.full(2, 1 / s), offset, order=1, mode="grid-constant")
        np.testing.assert_allclose(own, right, atol=1e-12)


def test_a_factor_of_two_makes_the_middle_twice_as_large():
    i, j = np.indices((41, 41)) - 20
    x = np.exp(-(i**2 + j**2) / 18)[None]
    enlarged, reduced = (zoom(draws(), x, low=s, high=s).sum() / x.sum() for s in (2, 0.5))
    assert enlarged == pytest.approx(4, rel=0.02) and reduced == pytest.approx(1 / 4, rel=0.02)


def test_a_crop_of_a_plane_is_a_part_of_the_plane():
    """Bilinear interpolation is exact on planes: the corners tell which part was taken."""
    i, j = np.indices((9, 17))
    y = crop(draws(), np.repeat((i + 100.0 * j)[None], 200, axis=0), low=0.5)
    np.testing.assert_allclose(np.diff(y, 2, axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(np.diff(y, 2, axis=2), 0, atol=1e-9)
    height, width = y[:, -1, 0] - y[:, 0, 0], (y[:, 0, -1] - y[:, 0, 0]) / 100
    assert ((0.5 <= height / 8) & (height / 8 <= 1) & (0.5 <= width / 16) & (width / 16 <= 1)).all()
    assert height.min() < 4.3 and height.max() > 7.7 and abs(np.corrcoef(height, width)[0, 1]) < 0.2
    assert y.min() >= -1e-9 and y.max() <= 1608 + 1e-9


def test_a_flip_is_an_involution_and_has_no_angle():
    x = draws().random((50, 6, 7))
    for axis in (1, 2):
        always = partial(flip, p=1, axis=axis)
        np.testing.assert_array_equal(always(draws(), x), np.flip(x, axis))
        np.testing.assert_array_equal(always(draws(), always(draws(), x)), x)
    changed = (flip(draws(), x) != x).any(axis=(1, 2))
    assert 10 < changed.sum() < 40
    np.testing.assert_array_equal(flip(draws(), x)[changed], x[changed, :, ::-1])


def test_a_shift_moves_by_whole_pixels_up_to_the_given_number_and_zeros_come_in():
    x = np.ones((400, 7, 8))
    x[:, 3, 4] = 5
    y = shift(draws(), x, pixels=2)
    i, j = np.array([np.argwhere(image == 5)[0] for image in y]).T
    assert len(np.unique([i, j], axis=1).T) == 25 and max(abs(i - 3).max(), abs(j - 4).max()) == 2
    kept = (7 - abs(i - 3)) * (8 - abs(j - 4))
    np.testing.assert_array_equal((y == 0).sum(axis=(1, 2)), 56 - kept)


def test_noise_has_its_deviation_and_mean_0():
    x = draws(1).random((20, 50, 50))
    added = noise(draws(), x, std=0.3) - x
    assert added.mean() == pytest.approx(0, abs=5e-3) and added.std() == pytest.approx(0.3, rel=0.02)


def test_blur_equals_scipys_gaussian_filter_of_each_channel():
    x, sigmas = draws().random((4, 12, 12, 3)), draws(5).uniform(0, 2, 4)
    y = blur(draws(5), x, high=2)
    for own, a, sigma in zip(y, x, sigmas, strict=True):
        for c in range(3):
            right = ndimage.gaussian_filter(a[..., c], sigma, mode="constant")
            np.testing.assert_allclose(own[..., c], right, atol=1e-12)


def test_colors_are_scaled_around_their_own_anchor():
    x = draws().random((8, 5, 6, 3))
    gray = (x @ [0.299, 0.587, 0.114])[..., None]
    mean = gray.mean(axis=(1, 2), keepdims=True)
    only = dict(brightness=0, contrast=0, saturation=0)
    for key, anchor in (("brightness", 0 * gray), ("contrast", mean), ("saturation", gray)):
        y = color_jitter(draws(), x, **only | {key: 0.4})
        factor = (y - anchor) / (x - anchor)
        np.testing.assert_allclose(factor, np.broadcast_to(factor[:, :1, :1, :1], x.shape), rtol=1e-6)
        assert (abs(factor[:, 0, 0, 0] - 1) <= 0.4).all() and factor[:, 0, 0, 0].std() > 0.1


def test_pca_jitter_adds_one_colour_to_an_image_with_the_deviation_of_the_paper():
    """The coefficient along an axis has the deviation std times the eigenvalue, not its root."""
    x = draws().random((20_000, 1, 2, 3))
    added = pca_jitter(draws(), x, covariance=C, std=0.1) - x
    np.testing.assert_allclose(added[:, :, 0], added[:, :, 1], atol=1e-15)
    values, U = np.linalg.eigh(C)
    np.testing.assert_allclose((added[:, 0, 0] @ U).std(axis=0), 0.1 * values, rtol=0.03)
    assert abs((added[:, 0, 0] @ U).std(axis=0) / (0.1 * values**0.5) - 1).min() > 0.3


# --- Words and classes

WORDS = "the quick brown fox jumps over the lazy dog".split()
SYNONYMS = {"quick": ["fast", "rapid"], "lazy": ["idle"]}


@settings(deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), p=st.floats(0, 1), n=st.integers(0, 5))
def test_words_stay_in_order_but_for_the_change_itself(seed, p, n):
    before = list(WORDS)
    replaced, kept = replace(draws(seed), WORDS, SYNONYMS, p=p), delete(draws(seed), WORDS, p=p)
    for old, new in zip(WORDS, replaced, strict=True):
        assert new == old or new in SYNONYMS[old]
    rest = iter(WORDS)
    assert kept and all(word in rest for word in kept)
    swapped = swap(draws(seed), WORDS, n=n)
    assert Counter(swapped) == Counter(WORDS) and sum(a != b for a, b in zip(swapped, WORDS, strict=True)) <= 2 * n
    assert before == WORDS


def test_the_probabilities_of_words_are_those_given():
    many = ["quick"] * 20_000
    changed = np.mean([word != "quick" for word in replace(draws(), many, SYNONYMS, p=0.3)])
    assert changed == pytest.approx(0.3, abs=0.02)
    assert len(delete(draws(), many, p=0.3)) == pytest.approx(14_000, rel=0.03)
    assert set(replace(draws(), many, SYNONYMS, p=1)) == {"fast", "rapid"}
    assert len(delete(draws(), WORDS, p=1)) == 1


def test_resampled_classes_are_all_as_frequent_as_the_largest():
    y = np.array([3] * 50 + [1] * 7 + [8] * 20)
    rows = resample(draws(), y)
    assert Counter(y[rows].tolist()) == {1: 50, 3: 50, 8: 50}
    for c, n in ((1, 7), (3, 50), (8, 20)):
        counts = np.bincount(rows[y[rows] == c], minlength=77)[y == c]
        assert len(counts) == n and counts.min() >= 50 // n and counts.max() <= -(-50 // n)
    assert (np.diff(y[rows]) != 0).sum() > 50


# --- Bad input

x = np.zeros((2, 4, 5))
colours = np.zeros((2, 4, 5, 3))


@pytest.mark.parametrize("f", ALL, ids=name)
@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        (np.zeros((2, 4, 5, 3), np.uint8), TypeError, "images of uint8, expected float32 or float64"),
        ([[0.0]], TypeError, "images of <class 'list'>"),
        (np.zeros((4, 5)), ValueError, r"images of shape \(4, 5\), expected \(N, H, W"),
        (np.zeros((0, 4, 5, 3)), ValueError, r"images of shape \(0, 4, 5, 3\)"),
        (np.zeros((1, 2, 4, 5, 3)), ValueError, r"images of shape \(1, 2, 4, 5, 3\)"),
    ],
)
def test_what_is_no_batch_of_images_is_named(f, images, error, words):
    with pytest.raises(error, match=f"{name(f)}: {words}"):
        f(draws(), images)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rotate(draws(), x, degrees=-1), "rotate: degrees=-1, expected a number >= 0"),
        (lambda: zoom(draws(), x, low=0), "zoom: low=0"),
        (lambda: zoom(draws(), x, low=1.5), "low=1.5, high=1.2"),
        (lambda: crop(draws(), x, low=0), "crop: low=0"),
        (lambda: crop(draws(), x, low=1.1), "crop: low=1.1"),
        (lambda: flip(draws(), x, p=2), "flip: p=2"),
        (lambda: flip(draws(), x, axis=0), "axis=0, expected 1 or 2"),
        (lambda: shift(draws(), x, pixels=1.5), "pixels=1.5, expected an integer"),
        (lambda: shift(draws(), x, pixels=-1), "pixels=-1"),
        (lambda: noise(draws(), x, std=np.nan), "std=nan"),
        (lambda: blur(draws(), x, high=-1), "high=-1"),
        (lambda: color_jitter(draws(), x), r"shape \(2, 4, 5\), expected \(N, H, W, 3\)"),
        (lambda: color_jitter(draws(), colours, contrast=1.5), "contrast=1.5"),
        (lambda: pca_jitter(draws(), x, covariance=C), r"expected \(N, H, W, 3\)"),
        (lambda: pca_jitter(draws(), colours, covariance=C[:2]), r"expected \(N, H, W, 2\)"),
        (lambda: pca_jitter(draws(), colours, covariance=C[:, :2]), r"covariance of shape \(3, 2\)"),
        (lambda: replace(draws(), WORDS, SYNONYMS, p=-1), "replace: p=-1"),
        (lambda: swap(draws(), WORDS, n=-1), "swap: n=-1"),
        (lambda: swap(draws(), ["a"]), "swap: 1 words"),
        (lambda: delete(draws(), WORDS, p=1.1), "delete: p=1.1"),
        (lambda: delete(draws(), []), "no words"),
        (lambda: resample(draws(), [[1]]), r"y of shape \(1, 1\)"),
        (lambda: resample(draws(), []), r"y of shape \(0,\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
