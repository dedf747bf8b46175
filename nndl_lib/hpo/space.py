"""Search spaces: a plain dict of ranges, and the unit cube that strategies search in.

A range is `(low, high)`, with the flags "log" and "integer" where they apply; a list is a choice among its values:

    {"lr": (1e-4, 1.0, "log"), "width": (4, 64, "log", "integer"), "rho": (0, 0.99), "activation": ["relu", "tanh"]}

Each hyper-parameter is one coordinate of the unit cube. On it a range is uniform on its scale; an integer owns the
piece between its neighbours' halves, a choice one of equal pieces.
"""

import math
from numbers import Integral, Real

import numpy as np

FLAGS = ("log", "integer")


def check_space(space):
    """The space itself. Raises: TypeError, ValueError that name the hyper-parameter and what was expected of it."""
    if not (isinstance(space, dict) and space):
        raise TypeError(f"space={space!r}, expected a dict with a range for each hyper-parameter")
    for name, values in space.items():
        if isinstance(values, list):
            _check_choice(name, values)
        elif isinstance(values, tuple) and len(values) >= 2:
            _check_range(name, *values)
        else:
            raise TypeError(f"{name}: {values!r}, expected a tuple (low, high, flags...) or a list of choices")
    return space


def _check_choice(name, values):
    if not values:
        raise ValueError(f"{name}: an empty list, expected one choice or more")
    if any(value in values[:i] for i, value in enumerate(values)):
        raise ValueError(f"{name}: {values!r} names a choice twice")


def _check_range(name, low, high, *flags):
    for flag in flags:
        if flag not in FLAGS:
            raise ValueError(f"{name}: unknown flag {flag!r}, expected {' or '.join(map(repr, FLAGS))}")
    kind = Integral if "integer" in flags else Real
    if not all(isinstance(end, kind) and not isinstance(end, bool) for end in (low, high)):
        expected = "integers" if kind is Integral else "numbers"
        raise TypeError(f"{name}: ends {low!r} and {high!r}, expected two {expected}")
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"{name}: the range from {low!r} to {high!r} is empty or infinite, expected low < high")
    if "log" in flags and low <= 0:
        raise ValueError(f"{name}: a log range from {low!r}, expected low > 0")


def check_config(space, config):
    """The configuration itself. Raises: ValueError for an unknown or missing name, or a value outside its range."""
    if set(config) != set(space):
        raise ValueError(f"configuration with the names {sorted(config)}, expected {sorted(space)}")
    for name, values in space.items():
        inside = config[name] in values if isinstance(values, list) else values[0] <= config[name] <= values[1]
        if not inside:
            raise ValueError(f"{name}={config[name]!r}, expected a value of {values!r}")
    return config


def check_whole(owner, name, value, low):
    """Raise ValueError unless the constant `name` of `owner` is an integer >= low."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise ValueError(f"{owner}: {name}={value!r}, expected an integer >= {low}")


def sample(rng, space):
    """A configuration drawn at random: each hyper-parameter uniform on its scale."""
    return decode(space, rng.random(len(space)))


def decode(space, u):
    """The configuration at the point u (d,) of the unit cube."""
    return {name: _decode(values, x) for (name, values), x in zip(space.items(), u, strict=True)}


def _decode(values, u):
    if isinstance(values, list):
        return values[min(int(u * len(values)), len(values) - 1)]
    low, high, *flags = values
    start, end = _ends(low, high, flags)
    x = start + u * (end - start)
    x = min(max(math.exp(x) if "log" in flags else x, low), high)
    return round(x) if "integer" in flags else float(x)


def _ends(low, high, flags):
    """The ends of a range on its scale; an integer owns half a unit to each side."""
    half = 0.5 if "integer" in flags else 0
    ends = low - half, high + half
    return tuple(map(math.log, ends)) if "log" in flags else ends


def encode(space, config):
    """The point (d,) of the unit cube at a configuration: of a choice, the middle of its piece."""
    return np.array([_encode(values, config[name]) for name, values in space.items()])


def _encode(values, x):
    if isinstance(values, list):
        return (values.index(x) + 0.5) / len(values)
    low, high, *flags = values
    start, end = _ends(low, high, flags)
    return ((math.log(x) if "log" in flags else x) - start) / (end - start)


def levels(values, points):
    """At most `points` values of a range, at equal distances on its scale, or all choices of a list."""
    if isinstance(values, list):
        return values
    low, high, *flags = values
    scale = np.geomspace if "log" in flags else np.linspace
    spread = scale(low, high, points)
    return list(dict.fromkeys(int(round(x)) for x in spread)) if "integer" in flags else [float(x) for x in spread]


def features(space, u):
    """Points (m, d) of the unit cube as the surrogate sees them, (m, p): integers rounded, choices one-hot.

    Two different choices are at distance 1. Source: Garrido-Merchan and Hernandez-Lobato 2020, section 3.
    """
    return np.column_stack([_feature(values, u[:, i]) for i, values in enumerate(space.values())])


def _feature(values, u):
    if isinstance(values, list):
        return np.eye(len(values))[np.minimum((u * len(values)).astype(int), len(values) - 1)] / 2**0.5
    low, high, *flags = values
    if "integer" not in flags:
        return u
    start, end = _ends(low, high, flags)
    x = start + u * (end - start)
    x = np.rint(np.clip(np.exp(x) if "log" in flags else x, low, high))
    return ((np.log(x) if "log" in flags else x) - start) / (end - start)
