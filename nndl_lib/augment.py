"""Random changes of examples that keep their labels: `f(rng, images)` or `f(rng, words)`.

Images are floats (N, H, W) or (N, H, W, C); each one has its own draw, the result has their shape and precision. What
comes in from outside of an image is 0, and nothing is clipped to a range.
"""

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

_GRAY = np.array([0.299, 0.587, 0.114])  # Source: ITU-R BT.601


def rotate(rng, images, *, degrees=15.0):
    """Each image turned about its centre by an angle from -degrees to degrees, bilinear interpolation.

    Equation (R.95). Raises: TypeError, ValueError for other images; ValueError unless degrees >= 0.
    """
    _check("rotate", images, degrees=degrees)
    phi = np.deg2rad(rng.uniform(-degrees, degrees, len(images)))
    A = np.stack([np.cos(phi), np.sin(phi), -np.sin(phi), np.cos(phi)], axis=1).reshape(-1, 2, 2)
    return _about_centre(images, A)


def zoom(rng, images, *, low=0.8, high=1.2):
    """Each image enlarged about its centre by a factor from low to high, or made smaller, bilinear interpolation.

    Equation (R.95). Raises: TypeError, ValueError for other images; ValueError unless 0 < low <= high.
    """
    _check("zoom", images)
    if not 0 < low <= high < np.inf:
        raise ValueError(f"zoom: low={low!r}, high={high!r}, expected 0 < low <= high")
    factor = rng.uniform(low, high, len(images))
    return _about_centre(images, np.eye(2) / factor[:, None, None])


def crop(rng, images, *, low=0.7):
    """A part of each image, whose sides are from low to 1 times the image's, resized to the whole; bilinear.

    Both sides and the place are uniform. Equation (R.95). Source: Szegedy et al. 2015, section 6.
    Differs: `RandomResizedCrop` of torchvision draws area and aspect ratio.
    Raises: TypeError, ValueError for other images; ValueError unless 0 < low <= 1.
    """
    _check("crop", images)
    if not 0 < low <= 1:
        raise ValueError(f"crop: low={low!r}, expected a part of the sides, 0 < low <= 1")
    sides = rng.uniform(low, 1, (len(images), 2))
    corner = rng.uniform(0, 1 - sides) * (np.array(images.shape[1:3]) - 1)
    return _affine(images, sides[:, :, None] * np.eye(2), corner)


def flip(rng, images, *, p=0.5, axis=2):
    """Each image mirrored with probability p: left and right for axis 2, top and bottom for axis 1.

    Raises: TypeError, ValueError for other images; ValueError unless p is in [0, 1] and axis is 1 or 2.
    """
    _check("flip", images)
    _check_probability("flip", "p", p)
    if axis not in (1, 2):
        raise ValueError(f"flip: axis={axis!r}, expected 1 or 2")
    chosen = rng.random(len(images)) < p
    return np.where(chosen.reshape(-1, *[1] * (images.ndim - 1)), np.flip(images, axis), images)


def shift(rng, images, *, pixels=2):
    """Each image moved by a whole number from -pixels to pixels of rows and of columns.

    Raises: TypeError, ValueError for other images; ValueError unless pixels is an integer >= 0.
    """
    _check("shift", images)
    _check_count("shift", "pixels", pixels)
    N, H, W = images.shape[:3]
    padded = np.pad(images, [(0, 0), (pixels, pixels), (pixels, pixels), *[(0, 0)] * (images.ndim - 3)])
    i, j = rng.integers(0, 2 * pixels + 1, (2, N, 1, 1))
    return padded[np.arange(N)[:, None, None], i + np.arange(H)[:, None], j + np.arange(W)]


def noise(rng, images, *, std=0.1):
    """Images plus normal noise of deviation std, independent in each pixel.

    Raises: TypeError, ValueError for other images; ValueError unless std >= 0.
    """
    _check("noise", images, std=std)
    return images + (std * rng.standard_normal(images.shape)).astype(images.dtype)


def blur(rng, images, *, high=1.0):
    """Each image filtered with a Gaussian whose deviation is from 0 to high pixels.

    Raises: TypeError, ValueError for other images; ValueError unless high >= 0.
    """
    _check("blur", images, high=high)
    sigmas = rng.uniform(0, high, len(images))
    return np.stack([gaussian_filter(a, s, axes=(0, 1), mode="constant") for a, s in zip(images, sigmas, strict=True)])


def color_jitter(rng, images, *, brightness=0.4, contrast=0.4, saturation=0.4):
    """RGB images (N, H, W, 3) with brightness, contrast and saturation times factors from 1 - c to 1 + c, in turn.

    Contrast is the distance from the image's mean gray, saturation that from each pixel's gray.
    Differs: `ColorJitter` of torchvision takes them in random order and clips to [0, 1].
    Raises: TypeError, ValueError for other images; ValueError unless the constants are in [0, 1].
    """
    _check("color_jitter", images, 3)
    spread = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for key, c in spread.items():
        _check_probability("color_jitter", key, c)
    b, c, s = (rng.uniform(1 - c, 1 + c, (len(images), 1, 1, 1)) for c in spread.values())
    x = b * images
    mean = (x @ _GRAY).mean(axis=(1, 2)).reshape(-1, 1, 1, 1)
    x = mean + c * (x - mean)
    gray = (x @ _GRAY)[..., None]
    return (gray + s * (x - gray)).astype(images.dtype)


def pca_jitter(rng, images, *, covariance, std=0.1):
    """Images (N, H, W, C), each plus one colour: multiples of the principal axes of the colours, larger on longer axes.

    `covariance` (C, C) is that of the training set's pixels, `preprocessing.covariance(x.reshape(-1, C))[1]`; the
    multiples are normal with deviation std times the variance along the axis.
    Equation (R.97). Source: Krizhevsky, Sutskever and Hinton 2012, section 4.1.
    Raises: TypeError, ValueError for other images; ValueError for another shape or unless std >= 0.
    """
    C = len(covariance)
    _check("pca_jitter", images, C, std=std)
    if np.shape(covariance) != (C, C):
        raise ValueError(f"pca_jitter: covariance of shape {np.shape(covariance)}, expected {(C, C)}")
    variance, U = np.linalg.eigh(covariance)
    colour = (std * rng.standard_normal((len(images), C)) * variance) @ U.T  # (R.97)
    return images + colour[:, None, None].astype(images.dtype)


def replace(rng, words, synonyms, *, p=0.1):
    """The words, each that has `synonyms` (a dict of lists) with probability p replaced by one of them.

    Source: Wei and Zou 2019, section 2, SR. Differs: there a fixed number of words is replaced.
    Raises: ValueError unless p is in [0, 1].
    """
    _check_probability("replace", "p", p)
    options = [synonyms.get(word) if u < p else None for word, u in zip(words, rng.random(len(words)), strict=True)]
    return [o[rng.integers(len(o))] if o else word for word, o in zip(words, options, strict=True)]


def swap(rng, words, *, n=1):
    """The words after n exchanges of two at random.

    Source: Wei and Zou 2019, section 2, RS. Raises: ValueError unless n is an integer >= 0 and there are two words.
    """
    _check_count("swap", "n", n)
    if len(words) < 2:
        raise ValueError(f"swap: {len(words)} words, expected two or more")
    words = list(words)
    for _ in range(n):
        i, j = rng.choice(len(words), 2, replace=False)
        words[i], words[j] = words[j], words[i]
    return words


def delete(rng, words, *, p=0.1):
    """The words, each left out with probability p; if that leaves none, one of them.

    Source: Wei and Zou 2019, section 2, RD. Raises: ValueError unless p is in [0, 1] and there is a word.
    """
    _check_probability("delete", "p", p)
    if not len(words):
        raise ValueError("delete: no words, expected one or more")
    kept = [word for word, u in zip(words, rng.random(len(words)), strict=True) if u >= p]
    return kept or [words[rng.integers(len(words))]]


def resample(rng, y):
    """Indices of examples, in random order, with which each class of the labels y (N,) is as frequent as the largest.

    All of a class are taken before one is repeated. Raises: ValueError unless y is (N,) with N >= 1.
    """
    y = np.asarray(y)
    if y.ndim != 1 or not len(y):
        raise ValueError(f"resample: y of shape {y.shape}, expected (N,) with N >= 1")
    classes, counts = np.unique(y, return_counts=True)
    rows = [np.resize(rng.permutation(np.flatnonzero(y == c)), counts.max()) for c in classes]
    return rng.permutation(np.concatenate(rows))


def _about_centre(images, A):
    """Each image read at the points A (q - centre) + centre."""
    centre = (np.array(images.shape[1:3]) - 1) / 2
    return _affine(images, A, centre - A @ centre)


def _affine(images, A, b):
    """Each image read at the points A q + b for its pixels q = (row, column); A (N, 2, 2), b (N, 2)."""
    N, H, W = images.shape[:3]
    points = np.einsum("nij,jhw->inhw", A, np.indices((H, W))) + b.T[:, :, None, None]  # (R.95)
    where = np.stack([np.broadcast_to(np.arange(N)[:, None, None], (N, H, W)), *points])
    channels = np.moveaxis(images, -1, 0) if images.ndim == 4 else [images]
    read = [map_coordinates(channel, where, order=1, mode="grid-constant") for channel in channels]
    return np.stack(read, axis=-1) if images.ndim == 4 else read[0]


def _check(owner, images, C=None, **given):
    """Raise unless images are floats (N, H, W) or (N, H, W, C), the latter if C is given, and constants are >= 0."""
    if getattr(images, "dtype", None) not in (np.float32, np.float64):
        raise TypeError(f"{owner}: images of {getattr(images, 'dtype', type(images))}, expected float32 or float64")
    if 0 in images.shape or images.ndim not in (3, 4) or C is not None and images.shape[3:] != (C,):
        expected = "(N, H, W) or (N, H, W, C)" if C is None else f"(N, H, W, {C})"
        raise ValueError(f"{owner}: images of shape {images.shape}, expected {expected}")
    for key, value in given.items():
        if not 0 <= value < np.inf:
            raise ValueError(f"{owner}: {key}={value!r}, expected a number >= 0")


def _check_probability(owner, key, p):
    if not 0 <= p <= 1:
        raise ValueError(f"{owner}: {key}={p!r}, expected a number in [0, 1]")


def _check_count(owner, key, n):
    if not (isinstance(n, (int, np.integer)) and n >= 0):
        raise ValueError(f"{owner}: {key}={n!r}, expected an integer >= 0")
