"""Halving and Hyperband against Optuna's pruners at equal total epochs: `python benchmarks/hpo_budget.py`.

On the table of trained networks, 40 searches of 1620 epochs each, or a little less; an argument is the first seed. A
peer's study draws at random and reports every epoch to its pruner; it ends when its epochs, those of pruned trials
too, are spent. The result of a search is the error, averaged over the five training seeds, of the configuration it
ends with.
"""

import sys
import warnings
from functools import partial

import numpy as np
import optuna
from hpo_regret import interval
from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from tables import write

from nndl_lib.hpo import best, hyperband, median_stopping, random_search, search, spent, successive_halving
from nndl_lib.hpo.problems import NETWORKS, network_error

EPOCHS, SEARCHES, MOST = 1620, 40, 81
OURS = {
    "random_search": (partial(random_search, NETWORKS, trials=20, budget=MOST), 1),
    "successive_halving": (partial(successive_halving, NETWORKS, trials=64, budget=486), 3),
    "hyperband": (partial(hyperband, NETWORKS, most=MOST), 1),
    "median_stopping": (partial(median_stopping, NETWORKS, trials=100, most=MOST), 1),
}
PEERS = {
    "no pruner": NopPruner(),
    "SuccessiveHalvingPruner": SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    "HyperbandPruner": HyperbandPruner(min_resource=1, max_resource=MOST, reduction_factor=3),
    "MedianPruner": MedianPruner(n_warmup_steps=9),
}


def ours(method, seed):
    """As many searches as `method` = (strategy, repeats) says, cut where the epochs are spent; the best end counts."""
    (strategy, repeats), used, ends = method, 0, []
    for i in range(repeats):
        trials = search(partial(network_error, seed=seed % 5), partial(strategy, seed=1000 * i + seed))
        trials = trials[: int(np.searchsorted(spent(trials), EPOCHS - used, side="right"))]
        used += spent(trials)[-1]
        ends.append(best(trials))
    return network_error(min(ends, key=lambda trial: trial.loss).config, seed=None), used


def peer(pruner, seed):
    """A study with random draws; the best of the trials that were trained to the end counts."""
    used = 0

    def target(trial):
        nonlocal used
        config = {name: _suggest(trial, name, *values) for name, values in NETWORKS.items()}
        trial.set_user_attr("config", config)
        for epoch in range(1, MOST + 1):
            used += 1
            error = network_error(config, epoch, seed=seed % 5)
            trial.report(error, epoch)
            if epoch < MOST and trial.should_prune():
                raise optuna.TrialPruned
        return error

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed), pruner=pruner)
    while used < EPOCHS - 40:
        study.optimize(target, n_trials=1)
    return network_error(study.best_trial.user_attrs["config"], seed=None), used


def _suggest(trial, name, low, high, *flags):
    suggest = trial.suggest_int if "integer" in flags else trial.suggest_float
    return suggest(name, low, high, log="log" in flags)


def main():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    rows = []
    for run, methods in ((ours, OURS), (peer, PEERS)):
        for name, method in methods.items():
            errors, used = np.array([run(method, seed) for seed in range(first, first + SEARCHES)]).T
            median, low, high = interval(100 * errors)
            mean = 100 * errors.mean()
            rows.append([name, f"{median:.2f} %", f"{low:.2f} - {high:.2f}", f"{mean:.2f} %", f"{np.mean(used):.0f}"])
    write("hpo_budget", ["method", "median error", "95 % interval", "mean error", "epochs"], rows)


if __name__ == "__main__":
    main()
