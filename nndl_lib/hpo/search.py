"""`search(objective, strategy)`: the one loop around all strategies, with executors, failed trials and a journal.

A strategy is a generator function, given as a `functools.partial` that needs no argument. It yields a batch, a list of
configurations or of pairs (configuration, budget), and is sent their losses, `inf` for a failed trial.
"""

import json
import math
from functools import partial
from pathlib import Path
from typing import NamedTuple


class Trial(NamedTuple):
    """One evaluation: a configuration, the budget spent on it so far, its loss, and the error if it failed."""

    config: dict
    budget: float | None
    loss: float
    error: str | None = None


def search(objective, strategy, executor=None, journal=None):
    """All trials of `strategy` on `objective(config)` or `objective(config, budget)`, in the order it asked for them.

    `executor` is anything with `.map`: a thread or process pool, Dask's `client.get_executor()`, Ray's `Pool`; the
    trials are the same with each of them. A trial fails if the objective raises or returns no finite number; it is kept
    with its error and the loss inf. `journal` is a file that gets one line for each finished trial, written by the
    worker that ran it; the same search started again goes on where the file ends.
    Raises: TypeError unless objective and strategy are functions; ValueError if the journal is of another search.
    """
    _check_callable(objective=objective, strategy=strategy)
    run = partial(_run, objective, None if journal is None else str(journal))
    each = map if executor is None else executor.map
    trials, batches, losses = [], strategy(), None
    while (batch := _next(batches, losses)) is not None:
        tasks = [_task(len(trials) + i, item) for i, item in enumerate(batch)]
        trials += each(run, tasks)
        losses = [trial.loss for trial in trials[len(trials) - len(tasks) :]]
    return trials


def _check_callable(**functions):
    for name, f in functions.items():
        if not callable(f):
            raise TypeError(f"search: {name}={f!r}, expected a function")


def _next(batches, losses):
    """The next batch, or None after the last one."""
    try:
        return list(batches.send(losses))
    except StopIteration:
        return None


def _task(i, item):
    config, budget = item if isinstance(item, tuple) else (item, None)
    return i, config, budget


def _run(objective, journal, task):
    """The trial of a task (number, config, budget): from the journal where it stands there, else evaluated."""
    number, config, budget = task
    if journal is not None and (trial := _recall(journal, number, config, budget)):
        return trial
    trial = Trial(config, budget, *_evaluate(objective, config, budget))
    if journal is not None:
        _append(journal, {"trial": number} | trial._asdict() | {"loss": None if trial.error else trial.loss})
    return trial


def _evaluate(objective, config, budget):
    """Loss and error of one call."""
    try:
        loss = float(objective(dict(config)) if budget is None else objective(dict(config), budget))
    except Exception as error:  # whatever a configuration does, the search goes on
        return math.inf, f"{type(error).__name__}: {error}"
    return (loss, None) if math.isfinite(loss) else (math.inf, f"loss {loss}, expected a finite number")


def _recall(journal, number, config, budget):
    """The finished trial of this number, or None. Raises: ValueError if it had another configuration or budget."""
    found = read_journal(journal).get(number)
    if found is None:
        return None
    asked = json.loads(_line({"config": config, "budget": budget}))
    if {"config": found.config, "budget": found.budget} != asked:
        raise ValueError(f"{journal}: trial {number} was {found.config} with budget {found.budget}, now {config} with "
                         f"{budget} is asked for; the journal belongs to another search")  # fmt: skip
    return found._replace(config=config, budget=budget)


def read_journal(journal):
    """The finished trials of a journal by number; a line that was torn when its writer died is no trial."""
    trials = {}
    for line in Path(journal).read_text("utf8").splitlines() if Path(journal).exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        loss = math.inf if record["loss"] is None else record["loss"]
        trials[record["trial"]] = Trial(record["config"], record["budget"], loss, record["error"])
    return trials


def _append(journal, record):
    """Append one line in one write, on a line of its own also after a torn one."""
    line = _line(record).encode() + b"\n"
    with open(journal, "ab+", buffering=0) as file:
        if file.seek(0, 2) and (file.seek(-1, 2), file.read(1))[1] != b"\n":
            line = b"\n" + line
        file.write(line)


def _line(record):
    return json.dumps(record, default=lambda value: value.item())  # NumPy's scalars


def best(trials):
    """The trial of least loss among those with the largest budget. Raises: ValueError if there is none."""
    if not trials:
        raise ValueError("best: no trials, expected one or more")
    most = max(trial.budget or 0 for trial in trials)
    return min((trial for trial in trials if (trial.budget or 0) == most), key=lambda trial: trial.loss)


def spent(trials):
    """The budget spent up to each trial, if training is taken up again where the configuration's last trial ended."""
    reached, total, sums = {}, 0, []
    for trial in trials:
        key = _line(trial.config)
        total += max(trial.budget - reached.get(key, 0), 0)
        reached[key] = max(trial.budget, reached.get(key, 0))
        sums.append(total)
    return sums
