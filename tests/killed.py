"""Run by test_hpo_search: a search whose process is killed by SIGKILL in the middle of its trial number `die_at`."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

from nndl_lib.hpo import random_search, search

SPACE = {"x": (0.0, 1.0), "n": (1, 9, "integer")}
STRATEGY = partial(random_search, SPACE, trials=12, seed=3)


def objective(config, *, log, die_at=None):
    """x + n; each call is one line of `log`. Two trials fail."""
    number = len(Path(log).read_text().splitlines()) if Path(log).exists() else 0
    if number == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    with open(log, "a") as file:
        file.write(f"{config['x']}\n")
    if config["n"] == 5:
        raise ArithmeticError("n is 5")
    return float("nan") if config["n"] == 7 else config["x"] + config["n"]


def dies_once(config, *, marker):
    """As a worker's objective: the first worker that meets n = 2 is killed, the second attempt succeeds."""
    if config["n"] == 2 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return config["x"] + config["n"]


if __name__ == "__main__":
    journal, log, die_at = sys.argv[1:]
    search(partial(objective, log=log, die_at=int(die_at)), STRATEGY, journal=journal)
