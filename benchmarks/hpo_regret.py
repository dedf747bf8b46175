"""Regret after 30 evaluations on Branin and Hartmann6 against Optuna: `python benchmarks/hpo_regret.py`.

An argument is the first of the 20 seeds.
"""

import sys
import warnings
from functools import partial

import numpy as np
import optuna
from optuna.samplers import GPSampler, RandomSampler, TPESampler
from tables import write

from nndl_lib.hpo import bayesian, lipo, random_search, search
from nndl_lib.hpo.problems import BRANIN, HARTMANN6, branin, hartmann6

TRIALS, SEEDS = 30, 20
OURS = {"random_search": random_search, "lipo": lipo, "bayesian": bayesian}
PEERS = {"RandomSampler": RandomSampler, "TPESampler": TPESampler, "GPSampler": GPSampler}


def ours(strategy, objective, space, seed):
    """The least of the losses of one search."""
    return min(trial.loss for trial in search(objective, partial(strategy, space, trials=TRIALS, seed=seed)))


def peer(sampler, objective, space, seed):
    """The least of the losses of one Optuna study."""

    def target(trial):
        return objective({name: trial.suggest_float(name, *ends) for name, ends in space.items()})

    study = optuna.create_study(sampler=sampler(seed=seed))
    study.optimize(target, n_trials=TRIALS)
    return study.best_value


def interval(regret):
    """Median and the 95 % bootstrap interval of the median."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(regret, size=(10000, len(regret))), axis=1)
    return np.median(regret), *np.quantile(medians, [0.025, 0.975])


def main():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    rows = []
    for objective, space in ((branin, BRANIN), (hartmann6, HARTMANN6)):
        base = None
        for run, methods in ((ours, OURS), (peer, PEERS)):
            for name, method in methods.items():
                values = [run(method, objective, space, seed) for seed in range(first, first + SEEDS)]
                median, low, high = interval(np.array(values) - objective.minimum)
                base = base or median
                spread = f"{low:.4f} - {high:.4f}"
                rows.append([objective.__name__, name, f"{median:.4f}", spread, f"{median / base:.3f}"])
    write("hpo_regret", ["problem", "method", "median regret", "95 % interval", "/ random_search"], rows)


if __name__ == "__main__":
    main()
