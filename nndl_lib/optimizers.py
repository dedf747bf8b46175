"""Update rules: `delta, *state = rule(g, *state, **constants)`, with `g` the gradient and `delta` the update (1.4).

A rule is its equation and nothing else: only `+ - * / **`, so it runs on floats, NumPy, torch and any other array, on
one parameter vector `(D,)` or on `R` replicas `(R, D)` at once. The default of a state argument is its initial value;
the keyword-only arguments are the constants. The drivers are `descent.trajectory`, `training.fit` and
`pytorch.RuleOptimizer`; they check the constants, a rule does not.

Powers `** 0.5` are element-wise square roots. Here epsilon stands inside the root, as in the text; where the paper or
torch has it outside, the docstring says so under `Differs:`.
"""

from functools import partial


def sgd(g, *, lr=0.01):
    """Step against the gradient; `g` of any shape, `lr` in units of parameter per gradient.

    Equations (1.3), (1.4). Source: Robbins and Monro 1951, equation (8).
    """
    return (-lr * g,)  # (1.3)


def momentum(g, v=0, *, lr=0.01, rho=0.9):
    """Keep the fraction `rho` of the last update and add a gradient step; state `v` is the last update.

    Equation (1.15). Source: Polyak 1964, equation (9).
    Differs: torch keeps the velocity without the rate, `v = rho v + g`, and steps by `-lr v`. The iterates are equal
    while `lr` is constant; when it changes, torch rescales the whole velocity and this rule only the new gradient.
    """
    v = rho * v - lr * g  # (1.15)
    return v, v


def nesterov(g, v=0, *, lr=0.01, rho=0.9):
    """Momentum with `g` taken at the look-ahead point `theta + rho v`, where a driver evaluates it.

    Equations (1.16), (1.18). Source: Nesterov 1983; in this form Sutskever et al. 2013, equations (3), (4).
    Differs: torch stores the look-ahead point as the parameter and keeps the rate outside the velocity.
    """
    v = rho * v - lr * g  # (1.18)
    return v, v


def _lookahead(v=0, *, rho=0.9, **_):
    return rho * v  # (1.16)


nesterov.lookahead = _lookahead


def adagrad(g, G=0, *, lr=0.01, eps=1e-10):
    """Divide the rate of each parameter by the root of its summed squared gradients `G`.

    Equations (1.8), (1.9). Source: Duchi, Hazan and Singer 2011, section 1.1 (diagonal form).
    Differs: torch adds `eps` outside the root, `sqrt(G) + eps`.
    """
    G = G + g * g                         # (1.8)
    return -lr / (G + eps) ** 0.5 * g, G  # (1.9)


def rmsprop(g, G=0, *, lr=1e-3, beta=0.9, eps=1e-8):
    """Divide the rate of each parameter by the root of a moving average `G` of its squared gradients.

    Equations (1.10), (1.12). Source: Tieleman and Hinton 2012, lecture 6.5.
    Differs: torch adds `eps` outside the root; it calls `beta` alpha, with default 0.99, and its rate is 0.01.
    """
    G = beta * G + (1 - beta) * g * g     # (1.10)
    return -lr / (G + eps) ** 0.5 * g, G  # (1.12)


def rmsprop_momentum(g, G=0, v=0, *, lr=1e-3, beta=0.9, rho=0.9, eps=1e-8):
    """RMSprop whose scaled gradient steps are accumulated as in momentum; states `G` (squares) and `v` (last update).

    Equations (1.10), (O.45). Source: Goodfellow et al. 2016, algorithm 8.6, without the look-ahead.
    Differs: torch adds `eps` outside the root and keeps the rate outside the velocity.
    """
    G = beta * G + (1 - beta) * g * g        # (1.10)
    v = rho * v - lr / (G + eps) ** 0.5 * g  # (O.45)
    return v, G, v


def adadelta(g, G=0, X=0, *, lr=1.0, beta=0.9, eps=1e-6):
    """Scale the gradient by the ratio of two moving roots: of past updates `X` and of gradients `G`.

    Equations (1.10), (1.13), (1.14); `lr` is 1 in the text and exists for schedules. `X` averages the updates before
    they are multiplied by `lr`. Source: Zeiler 2012, algorithm 1.
    """
    G = beta * G + (1 - beta) * g * g                   # (1.10)
    delta = -((X + eps) ** 0.5) / (G + eps) ** 0.5 * g  # (1.14)
    X = beta * X + (1 - beta) * delta * delta           # (1.13)
    return lr * delta, G, X


def adam(g, t=0, M=0, G=0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """Moving averages of the gradient `M` and of its square `G`, both corrected for their start at zero.

    Equations (1.19)-(1.23); `t` counts the steps from 1. Source: Kingma and Ba 2015, algorithm 1.
    Differs: the paper and torch add `eps` outside the root, `sqrt(G_hat) + eps`.
    """
    t = t + 1
    M = beta1 * M + (1 - beta1) * g                     # (1.19)
    G = beta2 * G + (1 - beta2) * g * g                 # (1.20)
    M_hat = M / (1 - beta1**t)                          # (1.21)
    G_hat = G / (1 - beta2**t)                          # (1.22)
    return -lr / (G_hat + eps) ** 0.5 * M_hat, t, M, G  # (1.23)


def nadam(g, t=0, M=0, G=0, P=1, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, momentum_decay=0.004):
    """Adam with Nesterov's look-ahead: the momentum of the *next* step is applied now.

    Equations (O.48)-(O.49), (1.19), (1.20), (1.22). State `P` is the product of the momentum factors so far, which
    take the place of `beta1**t`. Source: Dozat 2016, algorithm 2, with the momentum schedule of its section 3.
    Differs: Dozat averages `M` with mu_t; here, as in torch, with `beta1`. torch adds `eps` outside the root.
    """
    t = t + 1
    mu = beta1 * (1 - 0.5 * 0.96 ** (momentum_decay * t))             # (O.48)
    mu_next = beta1 * (1 - 0.5 * 0.96 ** (momentum_decay * (t + 1)))  # (O.48)
    P = P * mu
    M = beta1 * M + (1 - beta1) * g                                   # (1.19)
    G = beta2 * G + (1 - beta2) * g * g                               # (1.20)
    M_hat = mu_next / (1 - P * mu_next) * M + (1 - mu) / (1 - P) * g  # (O.47)
    G_hat = G / (1 - beta2**t)                                        # (1.22)
    return -lr / (G_hat + eps) ** 0.5 * M_hat, t, M, G, P             # (O.49)


adamw = partial(adam)
adamw.__name__ = "adamw"
adamw.__doc__ = """Adam; and at each step the parameters shrink by the factor `1 - lr * decay`, apart from the gradient.

Equations (1.19)-(1.23), (O.50). The drivers apply the attribute `adamw.decay` (their keyword `decay`).
Source: Loshchilov and Hutter 2019, algorithm 2.
Differs: in the paper the decay is not multiplied by the rate alpha, only by its schedule; here, as in torch, it is.
"""
adamw.decay = 0.01


def unified(history, phi, psi, *, lr=0.01, eps=0.0):
    """The step that most rules of this module share, from the whole history of gradients (t, ...), g_t last.

    Equation (O.60): `phi(history)` is the direction M and `psi(history)` the squared scale G, both shaped as g_t.
    """
    M, G = phi(history), psi(history)
    return -lr / (G + eps) ** 0.5 * M  # (O.60)


def _namespace(x):
    """The module of array functions that `x` belongs to."""
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    if type(x).__module__ == "torch":
        import torch

        return torch
    import numpy

    return numpy


def clip_value(g, *, a=-1.0, b=1.0):
    """Each component of `g` moved into the interval [a, b], in the units of the gradient.

    Equation (1.24). Source: Mikolov 2012, section 3.2.
    Raises: ValueError unless a <= b.
    """
    if not a <= b:
        raise ValueError(f"clip_value: expected a <= b, got a={a!r}, b={b!r}")
    xp = _namespace(g)
    return xp.clip(g, a, b)  # (1.24)


def clip_norm(g, *, b=1.0):
    """`g` shortened to Euclidean norm `b` where it is longer; the norm runs over the last axis, so each replica of
    `(R, D)` has its own.

    Equation (1.25). Source: Pascanu, Mikolov and Bengio 2013, algorithm 1.
    Differs: `torch.nn.utils.clip_grad_norm_` divides by the norm plus 1e-6.
    Raises: ValueError unless b > 0.
    """
    if not b > 0:
        raise ValueError(f"clip_norm: expected a threshold b > 0, got b={b!r}")
    xp = _namespace(g)
    g = xp.asarray(g)
    if g.ndim == 0:
        return clip_value(g, a=-b, b=b)
    size = xp.sum(xp.abs(g), axis=-1, keepdims=True)
    scale = xp.where(size > 0, size, xp.ones_like(size))
    norm = scale * xp.sum((g / scale) ** 2, axis=-1, keepdims=True) ** 0.5
    return b / xp.clip(norm, b, None) * g  # (1.25)
