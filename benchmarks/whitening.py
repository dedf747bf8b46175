"""PCA whitening of MNIST, 60000 x 784 in float32, fit and transform: time and peak memory against scikit-learn.

The times of both are taken in turn in one run; a ratio is that of the medians. Memory is the
peak of what NumPy's arrays take besides the data.

    python benchmarks/whitening.py [rounds]
"""

import statistics
import sys
import time
import tracemalloc

from sklearn.decomposition import PCA

from nndl_lib.data import mnist
from nndl_lib.preprocessing import pca_whitening, zca_whitening


def ours(X):
    return pca_whitening(X)(X)


def ours_zca(X):
    return zca_whitening(X, eps=1e-2)(X)


def peer(X):
    return PCA(whiten=True, svd_solver="covariance_eigh").fit_transform(X)


def data():
    return mnist().x_train.reshape(-1, 784)


def seconds(run, X):
    start = time.perf_counter()
    run(X)
    return time.perf_counter() - start


def megabytes(run, X):
    tracemalloc.start()
    run(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20


if __name__ == "__main__":
    rounds, X, runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5, data(), (peer, ours, ours_zca)
    times = [[seconds(run, X) for run in runs] for _ in range(rounds)]
    medians = [statistics.median(column) for column in zip(*times, strict=True)]
    sizes = [megabytes(run, X) for run in runs]
    print("| | time | / scikit-learn | peak memory | / scikit-learn |\n|---|---|---|---|---|")
    for run, t, m in zip(("scikit-learn", "PCA", "ZCA"), medians, sizes, strict=True):
        print(f"| {run} | {t:.2f} s | {t / medians[0]:.2f} | {m:.0f} MB | {m / sizes[0]:.2f} |")
