"""`search`: failed trials, executors, and a journal that survives the death of its process."""

import json
import math
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from killed import SPACE, STRATEGY, dies_once, objective

from nndl_lib.hpo import Trial, bayesian, best, random_search, read_journal, search, spent, successive_halving


def plus(config):
    return config["x"] + config["n"]


def failing(config):
    if config["n"] == 5:
        raise ArithmeticError("n is 5")
    return {7: math.nan, 8: math.inf, 9: -math.inf}.get(config["n"], plus(config))


def test_trials_are_those_the_strategy_asked_for_in_its_order():
    batches = []

    def strategy():
        batches.append((yield [{"x": 1, "n": 1}, {"x": 0, "n": 2}]))
        batches.append((yield [({"x": 3, "n": 0}, 7)]))

    def target(config, budget=None):
        return plus(config) + (budget or 0)

    trials = search(target, strategy)
    assert trials == [Trial({"x": 1, "n": 1}, None, 2.0), Trial({"x": 0, "n": 2}, None, 2.0),
                      Trial({"x": 3, "n": 0}, 7, 10.0)]  # fmt: skip
    assert batches == [[2.0, 2.0], [10.0]]


def test_a_trial_that_raises_or_returns_no_finite_number_is_kept_and_the_search_goes_on():
    trials = search(failing, partial(random_search, SPACE, trials=60))
    assert len(trials) == 60
    for trial in trials:
        n = trial.config["n"]
        assert (trial.error is None) == (n not in (5, 7, 8, 9))
        assert trial.loss == (plus(trial.config) if trial.error is None else math.inf)
    errors = {trial.config["n"]: trial.error for trial in trials}
    assert errors[5] == "ArithmeticError: n is 5"
    assert errors[7] == "loss nan, expected a finite number" and errors[9].startswith("loss -inf")


def test_an_objective_that_changes_its_configuration_does_not_change_the_trial():
    trials = search(lambda config: config.pop("x"), partial(random_search, SPACE, trials=3))
    assert all(set(trial.config) == {"x", "n"} for trial in trials)


@pytest.mark.parametrize("strategy", [partial(random_search, SPACE, trials=20),
                                      partial(bayesian, SPACE, trials=16, batch=4)])  # fmt: skip
def test_threads_and_processes_give_the_serial_trials(strategy, tmp_path):
    serial = search(failing, strategy)
    with ThreadPoolExecutor(4) as threads, ProcessPoolExecutor(2) as processes:
        assert search(failing, strategy, threads, tmp_path / "threads.jsonl") == serial
        assert search(failing, strategy, processes, tmp_path / "processes.jsonl") == serial
    assert list(read_journal(tmp_path / "processes.jsonl")) != [] and len(serial) == 20 - 4 * (len(serial) == 16)


def run_and_die(tmp_path, die_at):
    args = [sys.executable, str(Path(__file__).with_name("killed.py")), tmp_path / "j.jsonl", tmp_path / "log", die_at]
    assert subprocess.run([str(arg) for arg in args]).returncode == -9


@pytest.mark.parametrize("die_at", [0, 1, 7, 11])
def test_after_kill_9_no_finished_trial_is_lost_or_repeated(tmp_path, die_at):
    whole = search(partial(objective, log=tmp_path / "other"), STRATEGY)
    run_and_die(tmp_path, die_at)
    assert len(read_journal(tmp_path / "j.jsonl")) == die_at
    resumed = search(partial(objective, log=tmp_path / "log"), STRATEGY, journal=tmp_path / "j.jsonl")
    assert resumed == whole
    assert (tmp_path / "log").read_text() == (tmp_path / "other").read_text()  # each trial ran once
    again = search(partial(objective, log=tmp_path / "none"), STRATEGY, journal=tmp_path / "j.jsonl")
    assert again == whole and not (tmp_path / "none").exists()


def test_a_journal_torn_in_any_byte_of_its_last_line_is_resumed(tmp_path):
    whole = search(failing, STRATEGY, journal=tmp_path / "whole.jsonl")
    content = (tmp_path / "whole.jsonl").read_bytes()
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    journal = tmp_path / "torn.jsonl"
    for cut in range(last, len(content) + 1, 3):
        journal.write_bytes(content[:cut])
        assert search(failing, STRATEGY, journal=journal) == whole
        assert len(read_journal(journal)) == 12


def test_each_line_of_the_journal_is_strict_json_and_stands_alone(tmp_path):
    search(failing, partial(random_search, SPACE, trials=40), journal=tmp_path / "j.jsonl")
    lines = (tmp_path / "j.jsonl").read_text().splitlines()
    records = [json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON")) for line in lines]
    assert [record["trial"] for record in records] == list(range(40))
    assert any(record["loss"] is None and record["error"] for record in records)


def test_a_search_with_a_model_and_budgets_resumes_to_the_same_trials(tmp_path):
    def f(config, r=1):
        return config["x"] / r + config["c"]

    space = {"x": (0.0, 1.0), "c": [np.int64(1), np.int64(2)]}
    for strategy in (partial(bayesian, space, trials=14), partial(successive_halving, space, trials=8, budget=96)):
        whole = search(f, strategy, journal=tmp_path / "j.jsonl")
        lines = (tmp_path / "j.jsonl").read_text().splitlines(keepends=True)
        (tmp_path / "j.jsonl").write_text("".join(lines[:9]))
        assert search(f, strategy, journal=tmp_path / "j.jsonl") == whole
        (tmp_path / "j.jsonl").unlink()


def test_the_journal_of_another_search_is_refused(tmp_path):
    search(plus, partial(random_search, SPACE, trials=3, seed=0), journal=tmp_path / "j.jsonl")
    with pytest.raises(ValueError, match="trial 0 was .* belongs to another search"):
        search(plus, partial(random_search, SPACE, trials=3, seed=1), journal=tmp_path / "j.jsonl")


@pytest.mark.parametrize(("objective", "strategy", "message"), [(3, STRATEGY, "objective=3"), (plus, 4, "strategy=4")])
def test_what_is_no_function_is_named(objective, strategy, message):
    with pytest.raises(TypeError, match=message):
        search(objective, strategy)


def test_a_worker_of_a_cluster_is_killed_and_no_trial_is_lost(tmp_path):
    distributed = pytest.importorskip("distributed")
    strategy = partial(random_search, SPACE, trials=40, seed=1)
    serial = search(plus, strategy)
    assert any(trial.config["n"] == 2 for trial in serial)
    workers = dict(n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0")
    with (
        distributed.LocalCluster(**workers, local_directory=str(tmp_path)) as cluster,
        distributed.Client(cluster) as client,
    ):
        fragile = partial(dies_once, marker=tmp_path / "killed")
        trials = search(fragile, strategy, client.get_executor(), tmp_path / "j.jsonl")
    assert (tmp_path / "killed").exists()
    assert trials == serial
    lines = (tmp_path / "j.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["trial"] for line in lines) == list(range(40))


def test_best_is_the_least_loss_at_the_largest_budget():
    trials = [Trial({"x": 0}, 1, 0.1), Trial({"x": 1}, 3, 0.4), Trial({"x": 2}, 3, 0.3)]
    assert best(trials) == trials[2]
    assert best([Trial({"x": 0}, None, 2.0), Trial({"x": 1}, None, 1.0)]).loss == 1.0
    with pytest.raises(ValueError, match="no trials"):
        best([])


def test_spent_counts_training_that_is_taken_up_again_once():
    a, b = {"x": 0}, {"x": 1}
    trials = [Trial(a, 2, 0.0), Trial(b, 2, 0.0), Trial(a, 5, 0.0), Trial(a, 3, 0.0)]
    assert spent(trials) == [2, 4, 7, 7]
