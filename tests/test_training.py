"""Training many replicas at once: equal to one by one, to torch, and to the driver; histories that can be trusted."""

import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nndl_lib import schedules, training
from nndl_lib.data import airfoil
from nndl_lib.descent import trajectory
from nndl_lib.networks import accuracy, cross_entropy, linear, mlp, squared_error, start
from nndl_lib.optimizers import adam, adamw, clip_norm, clip_value, momentum, nesterov, rmsprop, sgd
from nndl_lib.proximal import max_norm, project_l2_ball, soft_threshold
from nndl_lib.regularizers import distillation_loss, l1, l2, label_smoothing
from nndl_lib.training import fit, sweep

rng = np.random.default_rng(0)
x, y = rng.normal(size=(50, 4)).astype(np.float32), rng.integers(0, 3, size=50)
x_test, y_test = rng.normal(size=(23, 4)).astype(np.float32), rng.integers(0, 3, size=23)
net, data, test = mlp(4, 6, 3), (x, y), (x_test, y_test)
column = np.array([[0.05], [0.1], [0.2]])
per_step, per_evaluation = ("loss", "grad_norm", "lr"), ("train_loss", "test_loss", "test_accuracy")


def replica(result, r):
    return {key: value if key == "step" else value[r : r + 1] for key, value in result.items()}


def assert_equal(a, b, atol=0.0):
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_allclose(a[key], b[key], rtol=0, atol=atol, err_msg=key)


# Replicas


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(
    ("rule", "constants"),
    [
        (sgd, {"lr": column}),
        (momentum, {"lr": column, "rho": np.array([[0.5], [0.9], [0.0]])}),
        (nesterov, {"lr": column, "rho": np.array([[0.5], [0.9], [0.0]])}),
        (nesterov, {"lr": lambda t: column / (1 + t)}),
        (adam, {"lr": column / 10, "beta2": np.array([[0.9], [0.99], [0.999]])}),
        (adamw, {"lr": column / 10, "decay": 5 * column}),
        (sgd, {"lr": 0.1, "clip": partial(clip_norm, b=0.3)}),
    ],
)
def test_replicas_trained_at_once_equal_each_trained_alone(rule, constants, given):
    theta = start(net, [4, 5, 6]) if given else None
    same = {"steps": 40, "batch": 8, "test": test, "every": 10}
    together = fit(net, data, rule, seeds=[2, 0, 2], theta=theta, **constants, **same)
    for r, seed in enumerate([2, 0, 2]):
        own = {key: row(value, r) for key, value in constants.items()}
        alone = fit(net, data, rule, seeds=[seed], theta=None if theta is None else theta[r : r + 1], **own, **same)
        assert_equal(replica(together, r), alone, atol=1e-6)


def row(value, r):
    """A constant of replica r alone."""
    if isinstance(value, np.ndarray):
        return value[r : r + 1]
    return (lambda t: value(t)[r : r + 1]) if callable(value) and not isinstance(value, partial) else value


@pytest.mark.parametrize(
    ("rule", "constants", "oracle"),
    [
        (sgd, {"lr": 0.1}, partial(torch.optim.SGD, lr=0.1)),
        (momentum, {"lr": 0.1, "rho": 0.8}, partial(torch.optim.SGD, lr=0.1, momentum=0.8)),
        (adam, {"lr": 0.01, "eps": 0.0}, partial(torch.optim.Adam, lr=0.01, eps=0.0)),
        (adamw, {"lr": 0.01, "eps": 0.0, "decay": 0.1}, partial(torch.optim.AdamW, lr=0.01, eps=0.0, weight_decay=0.1)),
    ],
)
def test_training_equals_a_plain_loop_with_torchs_optimizer(rule, constants, oracle):
    x64, steps, K = x.astype(np.float64), 30, 16
    result = fit(net, (x64, y), rule, steps=steps, batch=K, seeds=[3], **constants)
    theta = start(net, [3], dtype=torch.float64).requires_grad_()
    optimizer, batches = oracle([theta]), np.random.default_rng([3, 1])
    rows = [part for _ in range(8) for part in np.split(batches.permutation(50), [16, 32, 48])]
    for t in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(torch.tensor(x64[rows[t]]), theta)[0], torch.tensor(y[rows[t]]))
        loss.backward()
        assert result["loss"][0, t] == pytest.approx(loss.item(), abs=1e-12)
        assert result["grad_norm"][0, t] == pytest.approx(theta.grad.norm().item(), abs=1e-12)
        optimizer.step()
    np.testing.assert_allclose(result["theta"], theta.detach(), rtol=0, atol=1e-11)


def test_replicas_with_equal_seeds_are_equal_and_with_different_seeds_are_not():
    result = fit(net, data, adam, steps=20, seeds=[1, 2, 1])
    assert torch.equal(result["theta"][0], result["theta"][2])
    assert not torch.allclose(result["theta"][0], result["theta"][1])


def test_a_number_of_seeds_stands_for_the_first_integers():
    assert_equal(fit(net, data, sgd, steps=5, seeds=3), fit(net, data, sgd, steps=5, seeds=[0, 1, 2]))


def test_different_rules_see_the_same_start_and_the_same_batches():
    a, b = (fit(net, data, rule, steps=9, lr=0.0, batch=8) for rule in (sgd, rmsprop))
    assert_equal(a, b)
    assert len(np.unique(a["loss"][0])) == 9


def test_a_replica_that_diverges_leaves_the_others_alone():
    lr, net = np.array([[0.1], [1e30], [0.1]]), mlp(4, 6, 3, activation=torch.relu)
    for rule, clip in ((sgd, None), (nesterov, None), (momentum, partial(clip_norm, b=0.1))):
        both = fit(net, data, rule, steps=60, seeds=[0, 1, 2], lr=lr, test=test, every=20, clip=clip)
        assert not both["theta"][1].isfinite().all()
        for r in (0, 2):
            alone = fit(net, data, rule, steps=60, seeds=[r], lr=0.1, test=test, every=20, clip=clip)
            assert_equal(replica(both, r), alone, atol=1e-6)


# Mini-batches


def batches_seen(steps, **options):
    """The numbers of the examples in each mini-batch, (R, K) each."""
    seen = []

    def spy(outputs, y):
        seen.append(y[..., 0].numpy().astype(int))
        return squared_error(outputs, y)

    fit(linear(4, 1), (x, np.arange(50.0)), sgd, steps=steps, loss=spy, lr=0.0, **options)
    return seen


def test_an_epoch_shows_each_example_once_and_its_last_batch_is_what_is_left():
    seen = batches_seen(8, batch=16, seeds=2)
    assert [batch.shape for batch in seen] == [(2, 16), (2, 16), (2, 16), (2, 2)] * 2
    for r in range(2):
        for epoch in (seen[:4], seen[4:]):
            assert sorted(np.concatenate([batch[r] for batch in epoch])) == list(range(50))
    assert (seen[0] != seen[4]).any() and (seen[0][0] != seen[0][1]).any()


def test_the_examples_keep_their_targets():
    table = torch.as_tensor(x)

    def match(outputs, y):
        assert torch.equal(outputs, y)
        return squared_error(outputs, y)

    class Identity:
        size = 1

        def __call__(self, x, theta):
            return x + 0 * theta[:, :, None]

    fit(Identity(), (x, table), sgd, steps=10, batch=8, seeds=2, theta=torch.zeros(2, 1), loss=match)


def test_the_whole_data_as_one_batch_is_gradient_descent():
    result = fit(net, data, sgd, steps=5, batch=None, seeds=2, lr=0.3, every=1)
    np.testing.assert_allclose(result["loss"], result["train_loss"][:, :-1], rtol=1e-6)
    shuffled = fit(net, data, sgd, steps=5, batch=50, seeds=2, lr=0.3, every=1)
    assert_equal(result, shuffled, atol=1e-6)


def test_gradient_descent_on_the_airfoil_data_reaches_the_known_optimum():
    result = fit(linear(5, 1), airfoil(), sgd, steps=600, batch=None, seeds=2, lr=0.5, loss=squared_error, every=600)
    assert result["theta"].dtype == torch.float64
    assert result["train_loss"][:, -1] == pytest.approx([0.241688] * 2, abs=5e-7)


# The history


@pytest.mark.parametrize("rule", [sgd, nesterov, adam, adamw])
def test_the_recorded_rates_equal_the_schedule_exactly(rule):
    schedule = partial(schedules.warmup, after=partial(schedules.cosine, lr=0.1, T=30), steps=5)
    result = fit(net, data, rule, steps=40, seeds=3, lr=schedule)
    np.testing.assert_array_equal(result["lr"], np.tile(schedule(np.arange(40)), (3, 1)))


def test_the_recorded_rate_is_the_one_that_moved_theta():
    result = fit(net, data, sgd, steps=1, seeds=3, lr=column)
    np.testing.assert_array_equal(result["lr"], column.astype(np.float32))
    moved = (result["theta"] - start(net, 3)).norm(dim=1)
    np.testing.assert_allclose(moved, result["lr"][:, 0] * result["grad_norm"][:, 0], rtol=1e-4)


def test_a_rule_of_the_readers_own_needs_no_rate():
    def sign_step(g, *, length=0.01):
        return (-length * g / (g * g + 1e-12) ** 0.5,)

    result = fit(net, data, sign_step, steps=3, seeds=2, length=np.array([[0.01], [0.02]]))
    assert np.isnan(result["lr"]).all() and result["lr"].shape == (2, 3)


def test_arrays_have_one_column_per_step_and_per_evaluation():
    result = fit(net, data, sgd, steps=25, seeds=3, test=test, every=10)
    assert result["step"].tolist() == [0, 10, 20, 25]
    assert all(isinstance(result[key], np.ndarray) for key in result if key != "theta")
    assert all(result[key].shape == (3, 25) for key in per_step)
    assert all(result[key].shape == (3, 4) for key in per_evaluation)
    assert result["theta"].shape == (3, net.size) and not result["theta"].requires_grad


def test_evaluations_are_asked_for():
    assert set(fit(net, data, sgd, steps=4)) == {*per_step, "theta"}
    assert fit(net, data, sgd, steps=4, test=test)["step"].tolist() == [0, 4]
    assert set(fit(net, data, sgd, steps=4, every=2)) == {*per_step, "step", "train_loss", "theta"}
    numbers = (x, x[:, :1])
    assert "test_accuracy" not in fit(linear(4, 1), numbers, sgd, steps=4, test=numbers, loss=squared_error)


def test_no_step_leaves_the_start():
    theta = start(net, 2)
    result = fit(net, data, sgd, steps=0, seeds=2, theta=theta, test=test)
    assert torch.equal(result["theta"], theta) and result["step"].tolist() == [0]
    assert all(result[key].shape == (2, 0) for key in per_step)


def test_losses_and_accuracy_are_those_of_theta_itself_also_with_look_ahead():
    whole, other = ([torch.as_tensor(array) for array in pair] for pair in (data, test))

    def grad(theta):
        theta = theta.detach().requires_grad_()
        return torch.autograd.grad(cross_entropy(net(whole[0], theta), whole[1]).sum(), theta)[0]

    result = fit(net, data, nesterov, steps=20, batch=None, seeds=2, lr=0.1, every=5, test=test)
    iterates = [theta.detach() for theta in trajectory(nesterov, grad, start(net, 2), 20, lr=0.1)]
    for e, t in enumerate(result["step"]):
        fitted, outputs = net(whole[0], iterates[t]), net(other[0], iterates[t])
        np.testing.assert_allclose(result["train_loss"][:, e], cross_entropy(fitted, whole[1]), rtol=1e-5)
        np.testing.assert_allclose(result["test_loss"][:, e], cross_entropy(outputs, other[1]), rtol=1e-5)
        np.testing.assert_allclose(result["test_accuracy"][:, e], accuracy(outputs, other[1]), rtol=1e-6)


def test_evaluating_in_blocks_changes_nothing(monkeypatch):
    whole = fit(net, data, sgd, steps=4, seeds=3, test=test)
    monkeypatch.setattr(training, "_BLOCK", 7 * 4 * 3)
    assert_equal(fit(net, data, sgd, steps=4, seeds=3, test=test), whole, atol=1e-6)


def test_the_norm_is_recorded_before_clipping_and_the_step_is_taken_after_it():
    for clip in (partial(clip_norm, b=0.01), partial(clip_value, a=-0.002, b=0.002)):
        result = fit(net, data, sgd, steps=1, seeds=3, lr=1.0, clip=clip)
        raw = fit(net, data, sgd, steps=1, seeds=3, lr=1.0)
        np.testing.assert_array_equal(result["grad_norm"], raw["grad_norm"])
        g = start(net, 3) - raw["theta"]
        expected = torch.stack([clip(row) for row in g])
        torch.testing.assert_close(start(net, 3) - result["theta"], expected, rtol=0, atol=1e-6)


def test_a_readers_own_clipping_sees_one_replica_at_a_time():
    def shorten(g):
        return g / g.norm() if g.norm() > 1e-3 else g

    result = fit(net, data, sgd, steps=1, seeds=3, lr=0.1, clip=shorten)
    torch.testing.assert_close((result["theta"] - start(net, 3)).norm(dim=1), torch.full((3,), 0.1))


# Penalties, projections, other outputs at a training step, soft targets


def test_a_penalty_is_added_to_the_gradient_and_not_to_the_loss():
    result = fit(net, data, sgd, steps=1, seeds=3, lr=0.1, penalty=partial(l2, lam=0.5), every=1)
    plain = fit(net, data, sgd, steps=1, seeds=3, lr=0.1, every=1)
    theta = start(net, 3)
    torch.testing.assert_close(result["theta"], plain["theta"] - 0.1 * 0.5 * theta)
    np.testing.assert_array_equal(result["loss"], plain["loss"])
    np.testing.assert_array_equal(result["train_loss"][:, 0], plain["train_loss"][:, 0])
    g = (theta - result["theta"]) / 0.1
    np.testing.assert_allclose(result["grad_norm"][:, 0], g.norm(dim=1), rtol=1e-4)


def test_clipping_acts_on_the_sum_of_both_gradients():
    clip = partial(clip_norm, b=0.01)
    result = fit(net, data, sgd, steps=1, seeds=3, lr=1.0, penalty=partial(l2, lam=100), clip=clip)
    torch.testing.assert_close((start(net, 3) - result["theta"]).norm(dim=1), torch.full((3,), 0.01), rtol=1e-3, atol=0)


@pytest.mark.parametrize("momentum_factor", [0.0, 0.9])
def test_the_l2_penalty_equals_torchs_weight_decay(momentum_factor):
    x64 = x.astype(np.float64)
    result = fit(net, (x64, y), momentum, steps=30, batch=None, seeds=[3], lr=0.1, rho=momentum_factor,
                 penalty=partial(l2, lam=0.2))  # fmt: skip
    theta = start(net, [3], dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.SGD([theta], lr=0.1, momentum=momentum_factor, weight_decay=0.2)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(net(torch.tensor(x64), theta)[0], torch.tensor(y)).backward()
        optimizer.step()
    np.testing.assert_allclose(result["theta"], theta.detach(), rtol=0, atol=1e-11)


@pytest.mark.parametrize("penalty", [l1, l2])
def test_several_weights_of_a_penalty_are_trained_at_once(penalty):
    column = np.array([[0.0], [0.01], [0.1]])
    together = fit(net, data, adam, steps=20, seeds=[4, 4, 4], penalty=partial(penalty, lam=column), test=test)
    assert together["theta"].dtype == torch.float32
    for r in range(3):
        alone = fit(net, data, adam, steps=20, seeds=[4], penalty=partial(penalty, lam=column[r, 0]), test=test)
        assert_equal(replica(together, r), alone, atol=1e-6)


def test_a_penalty_of_the_weights_alone_leaves_the_biases_out():
    is_weight = net.map_weights(torch.ones_like, torch.zeros(1, net.size))
    result = fit(net, data, sgd, steps=1, seeds=2, lr=0.1, penalty=lambda theta: l2(theta * is_weight, lam=1.0),
                 theta=start(net, 2) + 1)  # fmt: skip
    plain = fit(net, data, sgd, steps=1, seeds=2, lr=0.1, theta=start(net, 2) + 1)
    torch.testing.assert_close(plain["theta"] - result["theta"], 0.1 * is_weight * (start(net, 2) + 1))


def test_proximal_steps_make_exact_zeros_and_projections_keep_their_ball():
    sparse = fit(net, data, sgd, steps=50, seeds=3, lr=0.1, project=partial(soft_threshold, threshold=0.1 * 0.05))
    assert (sparse["theta"] == 0).any(dim=1).all()
    ball = fit(net, data, adam, steps=50, seeds=3, lr=0.1, project=partial(project_l2_ball, radius=2.0))
    assert (ball["theta"].norm(dim=1) <= 2 * (1 + 1e-6)).all()
    assert (fit(net, data, adam, steps=50, seeds=3, lr=0.1)["theta"].norm(dim=1) > 2).all()
    shortened = partial(net.map_weights, partial(max_norm, c=0.5))
    for W, b in net.unpack(fit(net, data, adam, steps=50, seeds=3, lr=0.1, project=shortened)["theta"]):
        assert (W.norm(dim=1) <= 0.5 * (1 + 1e-6)).all() and b.any()


def test_the_outputs_at_a_training_step_are_those_of_train_with_a_generator_for_each_replica():
    drawn = []

    def noisy(x, theta, rngs):
        drawn.append([rng.random() for rng in rngs])
        return net(x, theta) * 2

    result = fit(net, data, sgd, steps=5, seeds=[1, 2, 1], lr=0.0, train=noisy, batch=None, every=5)
    assert np.array_equal(drawn, np.array([np.random.default_rng([seed, 2]).random(5) for seed in (1, 2, 1)]).T)
    assert (result["loss"] != result["train_loss"][:, :1]).all()
    doubled = cross_entropy(2 * net(torch.tensor(x), start(net, [1, 2, 1])), torch.tensor(y))
    np.testing.assert_allclose(result["loss"][:, 0], doubled, rtol=1e-5)


def test_soft_targets_are_trained_on_and_hard_labels_tested():
    soft = label_smoothing(y, 3, eps=0.2)
    result = fit(net, (x, soft), adam, steps=20, seeds=2, test=test, every=10)
    assert result["test_accuracy"].shape == (2, 3)
    outputs = net(torch.tensor(x), result["theta"])
    expected = [F.cross_entropy(rows, torch.tensor(soft, dtype=torch.float32)).item() for rows in outputs]
    np.testing.assert_allclose(result["train_loss"][:, -1], expected, rtol=1e-5)
    hard = fit(net, (x, label_smoothing(y, 3, eps=0)), adam, steps=20, seeds=2, test=test, every=10)
    assert_equal(hard, fit(net, data, adam, steps=20, seeds=2, test=test, every=10), atol=1e-6)


def test_a_student_is_trained_on_a_teachers_logits_beside_the_labels():
    teacher = start(net, [7])
    targets = torch.cat([net(torch.tensor(x), teacher)[0], F.one_hot(torch.tensor(y), 3)], dim=1)

    def loss(outputs, y):
        if not y.is_floating_point():
            return cross_entropy(outputs, y)
        return distillation_loss(outputs, y[..., :3], y[..., 3:], T=2.0, alpha=1.0)

    student = fit(net, (x, targets), adam, steps=200, seeds=2, lr=0.05, loss=loss, test=test)
    own = fit(net, (x, targets), adam, steps=200, seeds=2, lr=0.05, theta=teacher.repeat(2, 1), loss=loss)
    np.testing.assert_allclose(own["grad_norm"][:, 0], 0, atol=1e-6)
    assert (student["grad_norm"][:, 0] > 0.1).all() and (student["grad_norm"][:, -1] < 0.1).all()
    assert student["test_accuracy"].shape == (2, 2)


# Sweeps


def test_a_sweep_equals_a_fit_per_rate():
    rates = [0.01, 0.1, 0.5]
    result = sweep(net, data, momentum, rates, seeds=[3, 4], steps=15, test=test, every=10, rho=0.5)
    assert result["loss"].shape == (3, 2, 15) and result["test_loss"].shape == (3, 2, 3)
    assert result["theta"].shape == (3, 2, net.size) and result["step"].tolist() == [0, 10, 15]
    for a, rate in enumerate(rates):
        one = fit(net, data, momentum, lr=rate, seeds=[3, 4], steps=15, test=test, every=10, rho=0.5)
        part = {key: value if key == "step" else value[a] for key, value in result.items()}
        assert_equal(part, one, atol=1e-6)


def test_a_sweep_in_parts_equals_the_whole(monkeypatch):
    theta = start(net, [8, 9, 10])
    run = partial(sweep, net, data, adam, [0.01, 0.02], seeds=3, theta=theta, steps=15, test=test)
    whole = run()
    monkeypatch.setattr(training, "REPLICAS", 4)
    assert_equal(run(), whole, atol=1e-6)
    np.testing.assert_allclose(whole["train_loss"][0, :, 0], whole["train_loss"][1, :, 0])


def test_a_sweep_takes_schedules_beside_numbers():
    schedule = partial(schedules.exponential, lr=0.2, beta=0.9)
    result = sweep(net, data, sgd, [0.1, schedule], seeds=2, steps=10)
    np.testing.assert_allclose(result["lr"][0], 0.1, rtol=1e-7)
    np.testing.assert_allclose(result["lr"][1], np.tile(schedule(np.arange(10)), (2, 1)), rtol=1e-7)


# Inputs


def test_tensors_read_only_arrays_and_whole_numbers_are_taken_as_they_are():
    frozen = x.copy()
    frozen.flags.writeable = False
    expected = fit(net, data, sgd, steps=5, seeds=2)
    for inputs in (frozen, torch.tensor(x), np.asfortranarray(x), x[::-1][::-1]):
        assert_equal(fit(net, (inputs, y.astype(np.uint8)), sgd, steps=np.int64(5), seeds=2), expected)
    pixels = (x > 0).astype(np.uint8)
    assert fit(net, (pixels, y), sgd, steps=1, batch=np.int64(7))["theta"].dtype == torch.float32


def test_the_inputs_are_left_unchanged():
    theta = start(net, 2)
    before = x.copy(), y.copy(), theta.clone()
    fit(net, data, adamw, steps=5, seeds=2, theta=theta)
    for a, b in zip(before, (x, y, theta), strict=True):
        assert (a == b).all()


def test_the_precision_is_that_of_theta_or_else_of_the_data():
    double = (x.astype(np.float64), y)
    assert fit(net, double, sgd, steps=2)["loss"].dtype == np.float64
    assert fit(net, double, sgd, steps=2, theta=start(net, 10), lr=np.full((10, 1), 0.1))["loss"].dtype == np.float32


def test_whole_numbers_are_targets_where_there_is_one_output():
    a = fit(linear(4, 1), (x, y), sgd, steps=3, loss=squared_error)
    assert_equal(a, fit(linear(4, 1), (x, y.astype(np.float32)), sgd, steps=3, loss=squared_error))


def test_a_progress_bar_stands_in_jupyter_alone(monkeypatch):
    monkeypatch.delenv("NNDL_PROGRESS", raising=False)
    path = iter(range(3))
    assert training._progress(path, 2) is path
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=None)))
    assert training._progress(path, 2) is not path
    monkeypatch.setenv("NNDL_PROGRESS", "0")
    assert training._progress(path, 2) is path


def broken(array, value):
    array = array.astype(float)
    array[3] = value
    return array


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"data": (x, y, x)}, ValueError, r"data: 3 items, expected a pair \(x, y\)"),
        ({"data": (x[:0], y[:0])}, ValueError, r"data: x, y of shapes \(0, 4\) and \(0,\), expected .* N >= 1"),
        ({"data": (x, y[:-1])}, ValueError, r"data: x, y of shapes \(50, 4\) and \(49,\)"),
        ({"data": (x[0], y[:4])}, ValueError, r"data: x, y of shapes \(4,\) and \(4,\)"),
        ({"data": (broken(x, np.nan), y)}, ValueError, "data: x or y has entries that are NaN or infinite"),
        ({"data": (x, broken(y, np.inf))}, ValueError, "data: x or y has entries that are NaN or infinite"),
        ({"data": (x, y + 1)}, ValueError, "labels from 1 to 3, expected labels from 0 to 2"),
        ({"data": (x, y - 1)}, ValueError, "labels from -1 to 1"),
        ({"data": (x, y[:, None])}, ValueError, r"y has shape \(10, 32, 1\), expected \(32,\)"),
        ({"data": (x, y / 2)}, TypeError, "expected labels of dtype"),
        ({"data": (x[:, :3], y)}, ValueError, r"x has shape \(1, 3\), expected \(K, 4\)"),
        ({"test": (x_test[:, :3], y_test)}, ValueError, r"x has shape \(1, 3\)"),
        ({"test": (broken(x_test, np.nan), y_test)}, ValueError, "test: x or y has entries that are NaN"),
        ({"test": (x_test, y_test + 1)}, ValueError, "labels from 1 to 3"),
        ({"batch": 0}, ValueError, "batch=0, expected an integer from 1 to 50"),
        ({"batch": 51}, ValueError, "batch=51, expected an integer from 1 to 50"),
        ({"batch": 2.5}, ValueError, "batch=2.5"),
        ({"steps": -1}, ValueError, "steps=-1, expected an integer from 0"),
        ({"steps": 1.5}, ValueError, "steps=1.5"),
        ({"every": 0}, ValueError, "every=0, expected an integer from 1"),
        ({"seeds": []}, ValueError, r"seeds=\[\]"),
        ({"seeds": 0}, ValueError, "seeds=0"),
        ({"seeds": [0, -1]}, ValueError, r"seeds=\[0, -1\]"),
        ({"theta": torch.zeros(2, net.size)}, ValueError, rf"shape \(2, {net.size}\), expected .* \(10, {net.size}\)"),
        ({"theta": torch.zeros(10, net.size, dtype=int)}, ValueError, "theta: torch.int64"),
        ({"lr": np.full(10, 0.1)}, ValueError, r"lr has shape \(10,\), expected a number or .* \(10, 1\)"),
        ({"lr": np.full((1, net.size), 0.1)}, ValueError, "lr has shape"),
        ({"lr": np.full((9, 1), 0.1)}, ValueError, r"lr has shape \(9, 1\)"),
        ({"lr": lambda t: np.full(10, 0.1)}, ValueError, r"lr has shape \(10,\)"),
        ({"lr": [0.1] * 10}, TypeError, "lr="),
        ({"lr": np.full((10, 1), -0.1)}, ValueError, "lr="),
        ({"lr": -0.1}, ValueError, "lr=-0.1"),
        ({"decay": np.full(10, 0.1)}, ValueError, r"decay has shape \(10,\)"),
        ({"rho": 0.9}, TypeError, "sgd has no constant 'rho'"),
        ({"rule": 3}, TypeError, "rule"),
        ({"loss": lambda outputs, y: outputs.mean()}, ValueError, r"loss returned shape \(\), expected .* \(10,\)"),
        ({"clip": lambda g: g.norm()}, ValueError, "shape"),
        ({"penalty": partial(l2, lam=np.ones((3, 1)))}, ValueError, r"l2: lam of shape \(3, 1\)"),
        ({"penalty": lambda theta: l2(theta[:3], lam=1.0)}, ValueError, r"penalty returned shape \(3,\), expected"),
        ({"project": lambda theta: theta[:3]}, ValueError, "theta after the update has shape"),
        ({"train": lambda x, theta, rngs: net(x, theta)[:3]}, ValueError, r"y has shape \(10, 32\)"),
        ({"data": (x, np.ones((50, 3)))}, ValueError, "rows that are no probabilities"),
    ],
)
def test_a_wrong_argument_of_fit_is_named_with_what_was_expected(arguments, error, message):
    good = {"net": net, "data": data, "rule": sgd, "steps": 3}
    with pytest.raises(error, match=message):
        fit(**good | arguments)


@pytest.mark.parametrize(
    ("rates", "arguments", "message"),
    [
        ([], {}, r"rates=\[\], expected a list"),
        (0.1, {}, "rates=0.1, expected a list"),
        ([0.1, -1], {}, r"rates=\[0.1, -1\]"),
        ([np.nan], {}, r"rates=\[nan\]"),
        ([0.1], {"theta": torch.zeros(2, net.size)}, r"theta: .*\(2, "),
        ([0.1], {"decay": np.ones((10, 1))}, r"sweep: decay has shape \(10, 1\), expected a number"),
    ],
)
def test_a_wrong_argument_of_sweep_is_named_with_what_was_expected(rates, arguments, message):
    with pytest.raises(ValueError, match=message):
        sweep(net, data, sgd, rates, steps=3, **arguments)
