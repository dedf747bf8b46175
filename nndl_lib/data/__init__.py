"""The data sets of the book, shipped with the package: nothing is fetched at run time.

Each call returns fresh NumPy arrays, so a caller may change them.
"""

import hashlib
import io
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

_FILES = files(__name__)
_SHA256 = {
    "mnist.npz": "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64",
    "searches.npz": "14463f816c5459f18c4b91e6b99d99afd02616ff7f8b4b2315158273495fd70e",
    "airfoil_self_noise.dat": "74c75fd71783f1e6b71f8a622b993dc592897a97cd689c5090a07147a1b097b3",
}


class Split(NamedTuple):
    """Training and test set: inputs `(N, P)` float32, labels `(N,)` int64."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


class Searches(NamedTuple):
    """Tables of trained networks: axes of the grid, wrong answers and losses on it, and those of all architectures."""

    rates: np.ndarray
    widths: np.ndarray
    l2: np.ndarray
    batches: np.ndarray
    wrong: np.ndarray
    loss: np.ndarray
    sizes: np.ndarray
    architectures: np.ndarray
    final: np.ndarray


def mnist(n=None):
    """The first `n` training digits (all 60000 for None) and the 10000 test digits; pixels (N, 784) in [0, 1].

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits"; CC BY-SA 3.0.
    Raises: ValueError unless 1 <= n <= 60000; ValueError if the file is damaged.
    """
    x_train, y_train, x_test, y_test = _mnist()
    n = len(x_train) if n is None else _count("mnist", "n", n, len(x_train))
    return Split(_pixels(x_train[:n]), y_train[:n].astype(np.int64), _pixels(x_test), y_test.astype(np.int64))


def airfoil():
    """`(X, y)`: 1500 measurements of a wing's noise, features (1500, 5) and sound level (1500,), float64.

    Features and target are z-scored over all 1503 rows (variances divide by N), then the first 1500 rows are
    taken. The least half mean squared error of the linear model with bias on them is 0.241688.
    Source: UCI "Airfoil Self-Noise" (Brooks, Pope and Marcolini 1989); CC BY 4.0.
    Raises: ValueError if the file is damaged.
    """
    table = np.loadtxt(io.BytesIO(_verified("airfoil_self_noise.dat")))
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    return table[:1500, :5].copy(), table[:1500, 5].copy()


def digits():
    """`(x, y)`: 1797 handwritten digits of 8 by 8 pixels, x (1797, 64) float32 in [0, 1], labels y int64.

    Source: scikit-learn's `load_digits`, the test set of UCI "Optical Recognition of Handwritten Digits".
    """
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y.astype(np.int64)


def searches():
    """Networks trained on the 8 by 8 digits by `benchmarks/hpo_table.py`, for comparing searches in seconds.

    `wrong` (rates, widths, l2, batches, seeds, epochs + 1, 2) counts the errors on the validation and the test set,
    `loss` (..., epochs + 1) is the validation cross-entropy; `sizes` are the numbers of training, validation and test
    digits. `final` (architectures, seeds, 2) counts the errors of each of the `architectures`, strings of layers.
    Raises: ValueError if the file is damaged.
    """
    return Searches(*(array.copy() for array in _searches()))


def moons(n=400, *, noise=0.2, seed=0):
    """`(x, y)`: `n` points of two interleaved half circles, x (n, 2) float64, labels y (n,) 0 or 1.

    `noise` is the standard deviation of the Gaussian noise in each coordinate.
    Source: scikit-learn's `make_moons`. Raises: ValueError for n < 2 or a negative noise.
    """
    from sklearn.datasets import make_moons

    _count("moons", "n", n, np.inf, least=2)
    if not 0 <= noise < np.inf:
        raise ValueError(f"moons: noise={noise!r}, expected a number >= 0")
    x, y = make_moons(n, noise=noise, random_state=seed)
    return x, y.astype(np.int64)


def _count(owner, name, value, most, least=1):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise ValueError(f"{owner}: {name}={value!r}, expected an integer from {least} to {most}")
    return int(value)


def _verified(name):
    """The bytes of the shipped file `name`, compared with its checksum."""
    content = (_FILES / name).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != _SHA256[name]:
        raise ValueError(f"{_FILES / name} is damaged: its sha256 is {found}, expected {_SHA256[name]}")
    return content


@lru_cache(maxsize=1)
def _mnist():
    """The file's four arrays as they are stored, uint8; read once per process."""
    with np.load(io.BytesIO(_verified("mnist.npz")), allow_pickle=False) as archive:
        return tuple(archive[name] for name in Split._fields)


@lru_cache(maxsize=1)
def _searches():
    """The file's arrays, read once per process."""
    with np.load(io.BytesIO(_verified("searches.npz")), allow_pickle=False) as archive:
        return tuple(archive[name] for name in Searches._fields)


def _pixels(images):
    """Images (N, 28, 28) of uint8 as rows (N, 784) of float32 in [0, 1]."""
    x = images.reshape(len(images), -1).astype(np.float32)
    x /= 255
    return x
