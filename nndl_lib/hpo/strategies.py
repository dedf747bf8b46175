"""Search strategies without a model: generators that yield batches of configurations and are sent their losses.

`search` takes them as a `functools.partial`: `search(objective, partial(random_search, space, trials=50))`.
"""

from itertools import product
from math import ceil, floor, inf, log2

import numpy as np

from .space import check_config, check_space, check_whole, decode, encode, levels, sample


def grid(space, *, points=5):
    """All combinations of all choices and of `points` values of each range, at equal distances on its scale."""
    check_whole("grid", "points", points, 2)
    values = [levels(range_, points) for range_ in check_space(space).values()]
    yield [dict(zip(space, combination, strict=True)) for combination in product(*values)]


def random_search(space, *, trials=50, budget=None, seed=0):
    """`trials` configurations drawn at random, each with the same `budget`. Source: Bergstra and Bengio 2012."""
    configs = _draw(space, trials, seed)
    yield configs if budget is None else [(config, budget) for config in configs]


def successive_halving(space, *, trials=32, budget=512, seed=0):
    """The better half of `trials` random configurations, round by round, with the same share of `budget` each round.

    Algorithm 1.2 with ceil(log2 N) rounds and ceil(N / 2) survivors, so that one is left. A round trains each of its
    configurations for floor(budget / (survivors rounds)) units more; yields pairs (configuration, units so far).
    Source: Jamieson and Talwalkar 2016, algorithm 1. Raises: ValueError if a round's share is less than a unit each.
    """
    S, T = _draw(space, trials, seed), ceil(log2(trials))
    check_whole("successive_halving", "budget", budget, max(1, trials * T))
    r = 0
    for _ in range(T):
        r += floor(budget / (len(S) * T))
        losses = yield [(x, r) for x in S]
        S = _least(S, losses, ceil(len(S) / 2))


def hyperband(space, *, most=81, eta=3, seed=0):
    """Successive halving in brackets, from many configurations with 1 unit each to few with `most` units at once.

    Yields pairs (configuration, units so far). Equation (H.43). Source: Li et al. 2018, algorithm 1 (R is `most`).
    """
    rng = np.random.default_rng(seed)
    check_space(space)
    for n, _, s in brackets(most=most, eta=eta):
        S = [sample(rng, space) for _ in range(n)]
        for i in range(s + 1):
            losses = yield [(x, most // eta ** (s - i)) for x in S]
            S = _least(S, losses, max(1, n // eta ** (i + 1)))


def brackets(*, most=81, eta=3):
    """Hyperband's brackets (n, r, s): n configurations start with r units each and are cut s times. Equation (H.43)."""
    check_whole("hyperband", "most", most, 1)
    check_whole("hyperband", "eta", eta, 2)
    s_max = 0
    while eta ** (s_max + 1) <= most:
        s_max += 1
    return [(ceil((s_max + 1) * eta**s / (s + 1)), most // eta**s, s) for s in range(s_max, -1, -1)]  # (H.43)


def median_stopping(space, *, trials=32, most=81, grace=9, seed=0):
    """One configuration after the other, stopped at a unit where its best loss is above the median of the finished.

    Of a configuration that was trained for all `most` units the mean of its losses up to that unit counts; none is
    stopped before `grace` units. Yields pairs (configuration, units so far).
    Source: Golovin et al. 2017, section 3.2.1.
    """
    check_whole("median_stopping", "most", most, 1)
    check_whole("median_stopping", "grace", grace, 1)
    means = []  # of each finished configuration, (most,)
    for x in _draw(space, trials, seed):
        curve = []
        for r in range(1, most + 1):
            curve += yield [(x, r)]
            if r >= grace and means and min(curve) > np.median([mean[r - 1] for mean in means]):
                break
        else:
            means.append(np.cumsum(curve) / np.arange(1, most + 1))


def evolution(space, *, trials=100, population=20, rivals=5, seed=0):
    """Regularized evolution: the best of `rivals` members has a mutated child, and the oldest member dies.

    A mutation draws one hyper-parameter anew. Source: Real et al. 2019, algorithm 1.
    """
    for key, value in {"population": population, "rivals": rivals}.items():
        check_whole("evolution", key, value, 1)
    rng = np.random.default_rng(seed)
    members = _draw(space, min(population, trials), rng)
    ages = list(zip((yield members), members, strict=True))
    for _ in range(trials - len(members)):
        drawn = rng.choice(len(ages), size=min(rivals, len(ages)), replace=False)
        parent = min((ages[i] for i in drawn), key=lambda pair: pair[0])[1]
        child = mutate(rng, space, parent)
        (loss,) = yield [child]
        ages = [*ages[1:], (loss, child)]


def mutate(rng, space, config):
    """The configuration with one hyper-parameter drawn anew until it differs."""
    name = list(space)[rng.integers(len(space))]
    while isinstance(space[name], tuple) or len(space[name]) > 1:
        child = {**config, name: sample(rng, {name: space[name]})[name]}
        if child != config:
            return child
    return dict(config)


def lipo(space, *, trials=50, explore=0.1, seed=0):
    """Try only points that may be better than the best, if losses change by at most k per distance in the unit cube.

    k is the largest slope seen so far; with probability `explore` any point is tried. A failed trial counts as the
    worst loss seen. Equation (H.17). Source: Malherbe and Vayatis 2017, AdaLIPO, here with the largest slope itself.
    """
    check_whole("lipo", "trials", trials, 1)
    rng, U, y = np.random.default_rng(seed), np.empty((0, len(check_space(space)))), []
    for _ in range(trials):
        u = _candidate(rng, U, np.array(y), explore)
        y += yield [decode(space, u)]
        U = np.vstack([U, encode(space, decode(space, u))])


def _candidate(rng, U, y, explore):
    """The first of 1000 uniform points whose lower bound is not above the least loss, else the one of least bound."""
    u = rng.random((1000, U.shape[1]))
    if np.isfinite(y).sum() < 2 or rng.random() < explore:
        return u[0]
    y = np.where(np.isfinite(y), y, y[np.isfinite(y)].max())
    d = np.linalg.norm(U[:, None] - U, axis=2)
    k = (np.abs(y[:, None] - y)[d > 0] / d[d > 0]).max(initial=0)
    bound = (y - k * np.linalg.norm(u[:, None] - U, axis=2)).max(axis=1)  # (H.17)
    return u[np.argmax(bound <= y.min()) if (bound <= y.min()).any() else np.argmin(bound)]


def local_search(space, start, *, trials=50, radius=0.1):
    """Descend from the guess `start` by quadratic models, without derivatives: SciPy's COBYQA in the unit cube.

    `radius` is the first step's length. A failed trial counts as the worst loss seen. COBYQA follows Powell's
    BOBYQA. Source: Powell 2009; Ragonneau 2022. Raises: ValueError if a hyper-parameter is a choice.
    """
    check_config(check_space(space), start)
    for name, values in space.items():
        if isinstance(values, list):
            raise ValueError(f"local_search: {name} is a choice, expected ranges only")
    check_whole("local_search", "trials", trials, 1)
    known = {}
    for _ in range(trials):
        u = _asks_for(encode(space, start), known, radius, trials)
        if u is None:
            return
        (loss,) = yield [decode(space, u)]
        known[u.tobytes()] = loss if loss < inf else max(known.values(), default=0.0)


class _Unknown(Exception):
    """Carries the point whose loss SciPy asks for."""


def _asks_for(u0, known, radius, trials):
    """The next point at which COBYQA needs a loss, found by running it again on all losses known; None at its end."""
    from scipy.optimize import Bounds, minimize

    def f(u):
        u = np.clip(u, 0, 1)
        if u.tobytes() not in known:
            raise _Unknown(u)
        return known[u.tobytes()]

    options = {"initial_tr_radius": radius, "maxfev": 10 * trials}
    try:
        minimize(f, u0, method="COBYQA", bounds=Bounds(np.zeros_like(u0), np.ones_like(u0)), options=options)
    except _Unknown as unknown:
        return unknown.args[0]
    return None


def _draw(space, n, seed):
    check_whole("search", "trials", n, 1)
    check_space(space)
    rng = np.random.default_rng(seed)
    return [sample(rng, space) for _ in range(n)]


def _least(S, losses, m):
    """The m configurations of least loss, the earlier one first among equals."""
    return [S[i] for i in np.argsort(losses, kind="stable")[:m]]
