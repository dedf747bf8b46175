"""Our rules and their oracles in `torch.optim`; epsilon is negligible where it stands in another place."""

import numpy as np

from nndl_lib.optimizers import (
    adadelta,
    adagrad,
    adam,
    adamw,
    momentum,
    nadam,
    nesterov,
    rmsprop,
    rmsprop_momentum,
    sgd,
)

RULES = [sgd, momentum, nesterov, adagrad, rmsprop, rmsprop_momentum, adadelta, adam, nadam, adamw]
TINY = {"eps": 1e-30}

TABLE = [
    (sgd, dict(lr=0.1), "SGD", dict(lr=0.1)),
    (momentum, dict(lr=0.05, rho=0.8), "SGD", dict(lr=0.05, momentum=0.8)),
    (nesterov, dict(lr=0.05, rho=0.8), "SGD", dict(lr=0.05, momentum=0.8, nesterov=True)),
    (adagrad, dict(lr=0.1, **TINY), "Adagrad", dict(lr=0.1, **TINY)),
    (rmsprop, dict(lr=0.01, beta=0.7, **TINY), "RMSprop", dict(lr=0.01, alpha=0.7, **TINY)),
    (rmsprop_momentum, dict(lr=0.01, beta=0.7, rho=0.6, **TINY), "RMSprop",
     dict(lr=0.01, alpha=0.7, momentum=0.6, **TINY)),
    (adadelta, dict(), "Adadelta", dict()),
    (adadelta, dict(lr=0.5, beta=0.7, eps=0.01), "Adadelta", dict(lr=0.5, rho=0.7, eps=0.01)),
    (adam, dict(TINY), "Adam", dict(TINY)),
    (adam, dict(lr=0.05, beta1=0.7, beta2=0.8, **TINY), "Adam", dict(lr=0.05, betas=(0.7, 0.8), **TINY)),
    (nadam, dict(TINY), "NAdam", dict(TINY)),
    (nadam, dict(lr=0.05, beta1=0.7, beta2=0.8, momentum_decay=0.2, **TINY), "NAdam",
     dict(lr=0.05, betas=(0.7, 0.8), momentum_decay=0.2, **TINY)),
    (adamw, dict(TINY), "AdamW", dict(TINY)),
    (adamw, dict(lr=0.05, beta2=0.8, decay=0.3, **TINY), "AdamW",
     dict(lr=0.05, betas=(0.9, 0.8), weight_decay=0.3, **TINY)),
]  # fmt: skip
IDS = [f"{rule.__name__}-{i}" for i, (rule, *_) in enumerate(TABLE)]


def run(rule, gradients, **constants):
    """The updates of the rule for given gradients, and the states after each."""
    state, rows = (), []
    for g in gradients:
        delta, *state = rule(g, *state, **constants)
        rows.append((delta, *state))
    return [np.array(column) for column in zip(*rows, strict=True)]
