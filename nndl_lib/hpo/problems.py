"""Objectives with known minima, on which strategies can be compared: formulas, and tables of trained networks."""

from functools import lru_cache
from math import cos, exp, pi

import numpy as np

from ..data import searches
from .space import check_config

BRANIN = {"x": (-5.0, 10.0), "y": (0.0, 15.0)}
HARTMANN6 = {f"x{i}": (0.0, 1.0) for i in range(1, 7)}
_A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
_P = [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
      [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]  # fmt: skip


def branin(config):
    """Branin's function on the space `BRANIN`; three minima of 0.397887. Source: Dixon and Szego 1978."""
    x, y = config["x"], config["y"]
    return (y - 5.1 / (4 * pi**2) * x * x + 5 / pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10


branin.minimum = 0.39788735772973816


def hartmann6(config):
    """Hartmann's function of six variables on `HARTMANN6`; minimum -3.322368. Source: Dixon and Szego 1978."""
    x = np.array([config[name] for name in HARTMANN6])
    inner = (np.array(_A) * (x - np.array(_P) / 1e4) ** 2).sum(axis=1)
    return -sum(c * exp(-a) for c, a in zip((1.0, 1.2, 3.0, 3.2), inner, strict=True))


hartmann6.minimum = -3.3223680114155147


NETWORKS = {"lr": (2.0**-7, 4.0, "log"), "width": (4, 64, "log", "integer"),
            "l2": (1e-5, 1e-2, "log"), "batch": (16, 128, "log", "integer")}  # fmt: skip
TOKENS = [f"{n} {name}" for n in (4, 16, 64) for name in ("logistic", "relu", "tanh")]
ARCHITECTURES = {"1": TOKENS, "2": ["", *TOKENS], "3": ["", *TOKENS]}
PARTS = ("validation", "test")


def network_error(config, budget=81, *, seed=0, part="validation"):
    """Error of a trained network with one hidden layer on the 8 by 8 digits after `budget` epochs, from a table.

    The network is that of the table nearest to `config` of the space `NETWORKS` on its logarithmic scales, trained by
    SGD from `seed` 0 ... 4, or the mean over the seeds for None. `part` is "validation" or "test".
    Raises: ValueError for a configuration, budget, seed or part that the table does not have.
    """
    check_config(NETWORKS, config)
    table = _table()
    if not (isinstance(budget, (int, np.integer)) and 0 <= budget <= 81):
        raise ValueError(f"budget={budget!r}, expected an integer from 0 to 81")
    axes = table.rates, table.widths, table.l2, table.batches
    at = tuple(_nearest(axis, config[name]) for name, axis in zip(NETWORKS, axes, strict=True))
    return _error(table.wrong[at][:, budget], seed, part)


def architecture_error(config, *, seed=0, part="validation"):
    """Error of an architecture, a choice of `ARCHITECTURES`: its layers "width activation", "" for none; from a table.

    Raises: ValueError for a configuration, seed or part that the table does not have.
    """
    check_config(ARCHITECTURES, config)
    row = _row()[",".join(token for token in config.values() if token)]
    return _error(_table().final[row], seed, part)


def _error(wrong, seed, part):
    """The rate of wrong answers (seeds, 2) of one seed, or their mean."""
    if part not in PARTS or not (seed is None or seed in range(len(wrong))):
        raise ValueError(f"seed={seed!r}, part={part!r}, expected None or 0 ... {len(wrong) - 1}, and one of {PARTS}")
    i = PARTS.index(part)
    return float(np.mean(wrong[:, i] if seed is None else wrong[seed, i]) / _table().sizes[1 + i])


@lru_cache(maxsize=1)
def _table():
    return searches()


@lru_cache(maxsize=1)
def _row():
    return {str(name): i for i, name in enumerate(_table().architectures)}


def _nearest(axis, value):
    return int(np.argmin(np.abs(np.log(axis) - np.log(value))))
