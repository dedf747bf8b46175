"""The shipped data sets: what they hold, and that a damaged file is noticed."""

import subprocess
import sys

import numpy as np
import pytest

from nndl_lib import data
from nndl_lib.networks import mlp
from nndl_lib.optimizers import sgd
from nndl_lib.training import fit


def test_importing_the_data_needs_neither_torch_nor_scikit_learn():
    code = "import sys, nndl_lib, nndl_lib.data; assert not {'torch', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_mnist_is_the_genuine_one():
    x_train, y_train, x_test, y_test = data.mnist()
    assert x_train.shape == (60000, 784) and x_test.shape == (10000, 784)
    assert x_train.dtype == x_test.dtype == np.float32 and y_train.dtype == y_test.dtype == np.int64
    assert x_train.min() == 0 and x_train.max() == 1
    assert round(float(x_train.mean()), 4) == 0.1307 and round(float(x_train.std()), 4) == 0.3081
    assert y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_fewer_training_digits_are_the_first_ones_beside_the_whole_test_set():
    few, more = data.mnist(64), data.mnist(128)
    assert few.x_train.shape == (64, 784) and few.y_train.shape == (64,)
    np.testing.assert_array_equal(few.x_train, more.x_train[:64])
    np.testing.assert_array_equal(few.y_train, more.y_train[:64])
    np.testing.assert_array_equal(few.x_test, more.x_test)
    assert len(few.x_test) == len(few.y_test) == 10000


def test_changing_a_returned_array_leaves_the_next_call_unchanged():
    for load in (lambda: data.mnist(5), data.airfoil, data.digits, data.moons):
        first = [array.copy() for array in load()]
        for array in load():
            array[:] = 0
        for before, after in zip(first, load(), strict=True):
            np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("n", [0, -1, 60001, 2.5, "all", True, [10]])
def test_a_wrong_number_of_digits_is_named(n):
    with pytest.raises(ValueError, match=r"mnist: n=.*expected an integer from 1 to 60000"):
        data.mnist(n)


def test_the_airfoil_table_is_z_scored_over_all_its_rows():
    X, y = data.airfoil()
    assert X.shape == (1500, 5) and y.shape == (1500,) and X.dtype == y.dtype == np.float64
    table = np.loadtxt(data._FILES / "airfoil_self_noise.dat")
    z = (table - table.mean(axis=0)) / np.sqrt(((table - table.mean(axis=0)) ** 2).mean(axis=0))
    np.testing.assert_allclose(np.column_stack([X, y]), z[:1500], rtol=0, atol=1e-12)


def test_least_squares_on_the_airfoil_data_reaches_the_published_optimum():
    X, y = data.airfoil()
    A = np.column_stack([X, np.ones(len(X))])
    w = np.linalg.lstsq(A, y, rcond=None)[0]
    assert np.mean((A @ w - y) ** 2) / 2 == pytest.approx(0.241688, abs=5e-7)


def test_the_small_digits_and_the_moons_have_the_promised_form():
    x, y = data.digits()
    assert x.shape == (1797, 64) and x.dtype == np.float32 and y.dtype == np.int64
    assert x.min() == 0 and x.max() == 1 and set(y) == set(range(10))
    x, y = data.moons(101, noise=0.0)
    assert x.shape == (101, 2) and x.dtype == np.float64 and y.dtype == np.int64 and set(y) == {0, 1}
    outer = x[y == 0]
    np.testing.assert_allclose((outer**2).sum(axis=1), 1)


def test_the_moons_depend_on_their_seed_alone():
    np.testing.assert_array_equal(data.moons(seed=3)[0], data.moons(seed=3)[0])
    assert not np.array_equal(data.moons(seed=3)[0], data.moons(seed=4)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"n": 1}, "moons: n=1"), ({"noise": -1}, "moons: noise=-1"), ({"noise": float("nan")}, "noise=nan")],
)
def test_wrong_arguments_of_the_moons_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.moons(**arguments)


@pytest.mark.parametrize(("name", "load"), [("mnist.npz", data.mnist), ("airfoil_self_noise.dat", data.airfoil)])
def test_a_damaged_file_is_named_with_both_checksums(name, load, tmp_path, monkeypatch):
    damaged = bytearray((data._FILES / name).read_bytes())
    damaged[1000] ^= 1
    (tmp_path / name).write_bytes(damaged)
    monkeypatch.setattr(data, "_FILES", tmp_path)
    data._mnist.cache_clear()
    message = f"{name} is damaged: its sha256 is [0-9a-f]{{64}}, expected {data._SHA256[name]}"
    with pytest.raises(ValueError, match=message):
        load()


def test_the_tables_of_searches_are_consistent():
    table = data.searches()
    axes = tuple(map(len, (table.rates, table.widths, table.l2, table.batches)))
    assert table.wrong.shape == (*axes, 5, 82, 2) and table.loss.shape == table.wrong.shape[:-1]
    assert (table.wrong <= table.sizes[1:]).all() and (table.final <= table.sizes[1:]).all()
    assert table.final.shape == (9 + 9**2 + 9**3, 5, 2) and len(set(table.architectures)) == len(table.final)
    assert table.sizes.sum() == len(data.digits()[0])
    assert (np.diff(np.log2(table.rates)) == 1).all()


def test_a_network_of_the_table_is_what_training_gives():
    """The benchmark writes rule, batches and start down; here they come from `fit`, which shares its streams."""
    x, y = data.digits()
    order = np.random.default_rng(0).permutation(len(x))
    train, validation = order[:600], order[600:1197]
    table = data.searches()
    net = mlp(64, 8, 10)
    run = fit(net, (x[train], y[train]), sgd, steps=5 * 3, batch=128, seeds=5, lr=0.5, decay=1e-3, every=5,
              test=(x[validation], y[validation]))  # fmt: skip
    found = np.rint((1 - run["test_accuracy"]) * 597)
    stored = table.wrong[6, 1, 2, 3, :, :4, 0].astype(int)
    assert np.abs(found - stored).max() <= 2
