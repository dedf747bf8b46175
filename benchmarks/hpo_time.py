"""Seconds of one suggestion after n observations against Optuna's GPSampler: `python benchmarks/hpo_time.py`.

Both sides see the same losses of Hartmann6 and make the same number of suggestions, in turns; medians.
"""

import time
import warnings

import numpy as np
import optuna
from tables import write

from nndl_lib.hpo import bayesian, random_search
from nndl_lib.hpo.problems import HARTMANN6, hartmann6

SUGGESTIONS, GOALS = 7, {30: 0.25, 100: 0.7, 300: 1.0}


def ours(n, seed):
    """A function that makes the next suggestion after n observations and observes it."""
    batches = bayesian(HARTMANN6, initial=n, trials=n + SUGGESTIONS + 1, seed=seed)
    losses = [hartmann6(config) for config in next(batches)]

    def suggest():
        nonlocal losses
        (config,) = batches.send(losses)
        losses = [hartmann6(config)]

    return suggest


def peer(n, seed):
    """The same for a study with the GPSampler."""
    sampler = optuna.samplers.GPSampler(seed=seed, deterministic_objective=True)
    study = optuna.create_study(sampler=sampler)
    ranges = {name: optuna.distributions.FloatDistribution(*ends) for name, ends in HARTMANN6.items()}
    for config in next(random_search(HARTMANN6, trials=n, seed=seed)):
        study.add_trial(optuna.create_trial(params=config, distributions=ranges, value=hartmann6(config)))

    def suggest():
        trial = study.ask(ranges)
        study.tell(trial, hartmann6(trial.params))

    return suggest


def seconds(suggest):
    start = time.perf_counter()
    suggest()
    return time.perf_counter() - start


def main():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    seconds(peer(30, 0))  # imports
    rows = []
    for n, goal in GOALS.items():
        times = {f: [] for f in (ours, peer)}
        for seed in range(3):
            pair = {f: f(n, seed) for f in times}
            for _ in range(SUGGESTIONS):
                for f, suggest in pair.items():
                    times[f].append(seconds(suggest))
        a, b = (np.median(times[f]) for f in (ours, peer))
        rows.append([n, f"{1e3 * a:.0f} ms", f"{1e3 * b:.0f} ms", f"{a / b:.2f}", goal])
    write("hpo_time", ["n", "bayesian", "GPSampler", "ratio", "goal"], rows)


if __name__ == "__main__":
    main()
