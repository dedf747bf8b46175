"""Hyper-parameter optimization: search spaces, the loop `search`, strategies, Gaussian processes, problems."""

from .bayesian import bayesian, fit, latin_hypercube
from .gp import (
    confidence_bound,
    expected_improvement,
    gaussian_process,
    matern52,
    probability_of_improvement,
    rbf,
    squared_distances,
)
from .search import Trial, best, read_journal, search, spent
from .space import check_config, check_space, decode, encode, sample
from .strategies import (
    brackets,
    evolution,
    grid,
    hyperband,
    lipo,
    local_search,
    median_stopping,
    mutate,
    random_search,
    successive_halving,
)

__all__ = [
    "Trial", "bayesian", "best", "brackets", "check_config", "check_space", "confidence_bound", "decode", "encode",
    "evolution", "expected_improvement", "fit", "gaussian_process", "grid", "hyperband", "latin_hypercube", "lipo",
    "local_search", "matern52", "median_stopping", "mutate", "probability_of_improvement", "random_search", "rbf",
    "read_journal", "sample", "search", "spent", "squared_distances", "successive_halving",
]  # fmt: skip
