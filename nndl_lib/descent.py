"""The drivers' common ground: what a rule's states and constants are, and one step of any rule.

Equations (1.2)-(1.4) and (1.16): the gradient is taken where the rule asks for it, the update is added.
"""

import inspect
import math
from functools import lru_cache
from numbers import Integral
from types import MappingProxyType
from typing import NamedTuple

_NOT_NEGATIVE = (0, math.inf, "a number >= 0")
_FRACTION = (0, 1, "a number in [0, 1)")
_DOMAINS = {"lr": _NOT_NEGATIVE, "eps": _NOT_NEGATIVE, "decay": _NOT_NEGATIVE, "rho": _FRACTION}
_DOMAINS |= dict.fromkeys(("beta", "beta1", "beta2"), _FRACTION)
_DOMAINS |= dict.fromkeys(("lam", "lam1", "lam2", "threshold"), _NOT_NEGATIVE)


class Signature(NamedTuple):
    """States and constants of a rule with their defaults, in the order of its arguments."""

    states: MappingProxyType
    constants: MappingProxyType


def signature(rule):
    """The states and constants of `rule` with their defaults, read off its arguments.

    Raises: TypeError if `rule` is not a function `rule(g, *states, **constants)` whose states have defaults.
    """
    if not callable(rule):
        raise TypeError(f"rule: expected a function rule(g, *states, **constants), got {rule!r}")
    return _signature(rule)


@lru_cache(maxsize=256)
def _signature(rule):
    states, constants = {}, {}
    try:
        gradient, *rest = inspect.signature(rule).parameters.values()
    except (TypeError, ValueError) as error:
        raise TypeError(f"rule: expected a function rule(g, *states, **constants), got {rule!r}") from error
    for p in rest:
        if p.kind is p.KEYWORD_ONLY and p.default is not p.empty:
            constants[p.name] = p.default
        elif p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty:
            states[p.name] = p.default
        else:
            raise TypeError(f"rule {name(rule)}: argument {p.name!r} needs a default (states have their initial value)")
    return Signature(MappingProxyType(states), MappingProxyType(constants))


def name(rule):
    """The rule's name, also of a `functools.partial`."""
    return getattr(rule, "__name__", None) or name(getattr(rule, "func", type(rule)))


def attribute(rule, key, default=None):
    """The rule's attribute `key` (`lookahead`, `decay`), also of a `functools.partial` of the rule."""
    if hasattr(rule, key):
        return getattr(rule, key)
    inner = getattr(rule, "func", getattr(rule, "__wrapped__", None))
    return default if inner is None else attribute(inner, key, default)


def constants_of(rule, given, decay=None):
    """The constants of a run: the rule's defaults, overwritten by `given`, and `decay` (the rule's own, if None).

    Raises: TypeError for a constant that the rule does not have; ValueError for a value outside its domain.
    """
    known = signature(rule).constants
    for key in given:
        if key not in known:
            raise TypeError(f"{name(rule)} has no constant {key!r}; it has {', '.join(known) or 'none'}")
    constants = {**known, **given}
    decay = attribute(rule, "decay", 0.0) if decay is None else decay
    for key, value in {**constants, "decay": decay}.items():
        if not callable(value):
            check_constant(name(rule), key, value)
    if "lr" not in constants and not (not callable(decay) and _all(decay == 0)):
        raise TypeError(f"{name(rule)}: decay={decay!r} shrinks theta by 1 - lr * decay, but the rule has no lr")
    return constants, decay


def check_constant(owner, key, value):
    """Raise ValueError or TypeError unless `value` (a number or an array) lies in the domain of the constant `key`."""
    low, high, expected = _DOMAINS.get(key, (-math.inf, math.inf, "a number"))
    try:
        fits = _all((value >= low) & (value < high))
    except TypeError:
        raise TypeError(f"{owner}: {key}={value!r}, expected {expected}") from None
    if not fits:
        raise ValueError(f"{owner}: {key}={value!r}, expected {expected}")


def _all(condition):
    if hasattr(condition, "all"):
        return bool(condition.all())
    if hasattr(condition, "__array_namespace__"):
        return bool(condition.__array_namespace__().all(condition))
    return bool(condition)


def at(value, t):
    """The value of a constant at step `t`: constants may be callables of `t`, such as schedules."""
    return value(t) if callable(value) else value


def trajectory(rule, grad, theta, steps, *, decay=None, project=None, **constants):
    """Yield the iterates theta_0 ... theta_steps of `rule` from `theta`, a float or an array of any library.

    `grad(theta)` returns the gradient in the shape of theta. Every constant may be a callable of the step t = 0, 1, ...
    (a schedule), though a bias correction with beta1**t takes its beta1 as constant. `decay` shrinks theta by
    1 - lr * decay at each step (default: the rule's own, else 0). `project(theta)` takes the place of theta after each
    update: a proximal step or a projection; the start is not projected.
    Equations (1.2)-(1.4), for decay (1.64), for project (R.23). A rule with the attribute `lookahead` has its gradient
    taken at theta + lookahead (1.16).
    Raises: TypeError, ValueError for a wrong constant, number of steps or shape of the gradient.
    """
    constants, decay = constants_of(rule, constants, decay)
    if not (isinstance(steps, Integral) and steps >= 0):
        raise ValueError(f"trajectory: steps={steps!r}, expected an integer >= 0")
    return _iterates(rule, grad, theta, steps, constants, decay, project or _same)


def _same(theta):
    return theta


def _iterates(rule, grad, theta, steps, constants, decay, project):
    state = tuple(signature(rule).states.values())
    varying = [key for key, value in constants.items() if callable(value)]
    fixed = dict(constants)
    lookahead, shape = attribute(rule, "lookahead"), getattr(theta, "shape", ())
    shrinks = callable(decay) or not _all(decay == 0)
    yield theta
    for t in range(steps):
        for key in varying:
            fixed[key] = constants[key](t)
        g = grad(theta + lookahead(*state, **fixed) if lookahead else theta)
        _check_shape("grad(theta)", g, shape)
        delta, *state = _returned(rule, rule(g, *state, **fixed), 1 + len(state))
        if shrinks:
            theta = (1 - fixed["lr"] * at(decay, t)) * theta  # (1.64)
        theta = project(theta + delta)  # (R.23)
        _check_shape("theta after the update", theta, shape)
        yield theta


def _check_shape(what, value, shape):
    found = getattr(value, "shape", ())
    if found != shape:
        raise ValueError(f"{what} has shape {tuple(found)}, expected {tuple(shape)}, the shape of theta")


def _returned(rule, result, length):
    if not (isinstance(result, tuple) and len(result) == length):
        raise TypeError(f"rule {name(rule)} returned {result!r}, expected {length} values: (delta, *state)")
    return result
