"""The self-checks: the right answer, each letter's mistake, an unanswered exercise, an answer that raises."""

from itertools import combinations, pairwise, product
from math import ceil, comb

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.special import log_softmax

from nndl_lib.checks import _EXERCISES, check
from nndl_lib.losses import softmax
from nndl_lib.regularizers import label_smoothing


def average(t, rho):
    return (1 - rho) * rho ** np.arange(t - 1.0, -1, -1)


def lag(t, beta):
    """How far the corrected average is behind a mean that grows by 1 per step, added up term by term."""
    return t - average(t, beta) @ np.arange(1.0, t + 1) / (1 - beta**t)


def tents(x, depths, base=4):
    """x minus the sawtooths with 2^s pieces over base^s, each as the distance to the nearest even number."""
    return x - sum(abs(2**s * x - 2 * np.round(2**s * x / 2)) / base**s for s in depths)


def masked_softmax(h, V, d, p, scale):
    """The mean softmax over all masks, added up mask by mask."""
    total = 0
    for m in product([0, 1], repeat=len(h)):
        e = np.exp(np.array(m) * h / scale @ V + d)
        total = total + p ** (len(m) - sum(m)) * (1 - p) ** sum(m) * e / e.sum()
    return total


def last_state(x, W, U, inputs, states, p, columns=1):
    """The last state of a recurrent network with the same masks at all steps."""
    h = np.zeros(len(U))
    for row in x:
        h = np.tanh((inputs * row / (1 - p)) @ W + (states * h / (1 - p)) @ U * columns)
    return h


def confusion_targets(C, y, eps, counts, keep=1):
    """Row by row: 1 - eps for the label and eps shared as its row of counts."""
    rows = [eps * (keep * counts)[k] / counts[k].sum() for k in y]
    return np.array(rows) + (1 - eps) * np.eye(len(C))[y]


def margin_stop(losses, patience, margin, reference="accepted"):
    """(stop, best), an improvement being `margin` below the best accepted, the last or the least loss before."""
    best = 0
    for e in range(1, len(losses)):
        compared = {"accepted": losses[best], "last": losses[e - 1], "least": min(losses[:e])}[reference]
        best = e if losses[e] < compared - margin else best
        if e - best >= patience:
            return e, best
    return len(losses) - 1, best


def elu(x):
    """The exponential linear unit and its derivative."""
    e = np.exp(np.minimum(x, 0))
    return np.where(x > 0, x, e - 1), np.where(x > 0, 1, e)


def relu_under(mean, sigma, tail=True):
    """The mean of relu of a normal number with these moments, integrated on a fine grid; without `tail` only mu Phi."""
    t = np.linspace(-12, 12, 200001)
    density = np.exp(-t * t / 2) / (2 * np.pi) ** 0.5 * (t[1] - t[0])
    value = np.maximum(mean[..., None] + sigma[..., None] * t, 0) @ density
    return value if tail else value - sigma * np.exp(-0.5 * (mean / sigma) ** 2) / (2 * np.pi) ** 0.5


def spread(x, W, p):
    return (p * (1 - p) * (x**2 @ W**2)) ** 0.5


def adam_step(count, sign=-1, write=True, advance=True):
    """The exercise's Adam with `count(step, i, n)` as t for tensor i of n."""

    def step(params, grads, state, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        state["t"] += 1
        for i, g in enumerate(grads):
            t = count(state["t"], i, len(grads))
            state["M"][i] = beta1 * state["M"][i] + (1 - beta1) * g
            state["G"][i] = beta2 * state["G"][i] + (1 - beta2) * g * g
            delta = lr * state["M"][i] / (1 - beta1**t) / ((state["G"][i] / (1 - beta2**t)) ** 0.5 + eps)
            if write:
                params[i] = params[i] + sign * delta

    return step


def adam_counting(early=0, inside=0, late=0):
    """The exercise's Adam whose count advances before, inside or behind the loop."""

    def step(params, grads, state, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        state["t"] += early
        for i, g in enumerate(grads):
            state["t"] += inside
            state["M"][i] = beta1 * state["M"][i] + (1 - beta1) * g
            state["G"][i] = beta2 * state["G"][i] + (1 - beta2) * g * g
            M_hat, G_hat = state["M"][i] / (1 - beta1 ** state["t"]), state["G"][i] / (1 - beta2 ** state["t"])
            params[i] = params[i] - lr * M_hat / (G_hat**0.5 + eps)
        state["t"] += late

    return step


def rmsprop_keeping(average):
    """The exercise's RMSprop, right but for `average(G, g, beta)` as the new G."""

    def step(theta, g, G, lr=0.01, beta=0.9, eps=1e-3):
        G = average(G, g, beta)
        return theta - lr * g / np.sqrt(G + eps), G

    return step


def rmsprop_step(update, store=0.0):
    """The exercise's RMSprop with `update(g, G, lr, eps)` added to theta and `store * eps` added to G."""

    def step(theta, g, G, lr=0.01, beta=0.9, eps=1e-3):
        G = beta * G + (1 - beta) * g * g + store * eps
        return theta + update(g, G, lr, eps), G

    return step


def bn_forward(fraction):
    """The exercise's batch normalization with `fraction(d, var, eps)` as the standardized input, d = x - mean."""

    def forward(x, gamma, beta, eps=1e-5):
        return gamma * fraction(x - x.mean(axis=0), x.var(axis=0), eps) + beta

    return forward


def bn_class(moves=lambda training: training, own=lambda training: training, factor=lambda m: 1, swap=False):
    """The exercise's class: it moves its statistics if `moves(training)`, and uses the batch's if `own(training)`."""

    class Norm:
        def __init__(self, n, rho=0.1, eps=1e-5):
            self.mean, self.var, self.rho, self.eps = np.zeros(n), np.ones(n), 1 - rho if swap else rho, eps

        def __call__(self, x, training):
            mean, var = x.mean(axis=0), x.var(axis=0)
            used = (mean, var) if own(training) else (self.mean, self.var)
            if moves(training):
                self.mean = (1 - self.rho) * self.mean + self.rho * mean
                self.var = (1 - self.rho) * self.var + self.rho * var * factor(len(x))
            return (x - used[0]) / np.sqrt(used[1] + self.eps)

    return Norm


def tied(factors):
    """The exercise's gradient of tied weights with `factors(h, dh)` as what meets dy and x."""

    def gradient(x, W, dy):
        h, dz = factors(np.tanh(x @ W), dy @ W)
        return dy.T @ h + x.T @ dz

    return gradient


def standardize_by(rows, ddof=0, power=1):
    """The exercise's `scale(train, new)` with the statistics of some rows; what is constant is divided by 1."""

    def scale(train, new):
        known = rows(train, new)
        size = known.std(axis=0, ddof=ddof) ** power
        return (new - known.mean(axis=0)) / np.where(size == 0, 1, size)

    return scale


def rounded(whole):
    """The exercise's power of 1 + alpha next to k, whose exponent is made `whole`."""
    return lambda k, alpha: np.exp(whole(np.log(k) / np.log1p(alpha)) * np.log1p(alpha))


def halved(sign=1, paid=lambda r, before: r - before, column=lambda r, before: r, row=True):
    """The exercise's successive halving of the rows of `curves`."""

    def halving(curves, eta):
        rows, r, before, cost = list(range(len(curves))), 1, 0, 0
        while len(rows) > 1:
            cost += len(rows) * paid(r, before)
            order = sorted(range(len(rows)), key=lambda i: sign * curves[rows[i], column(r, before)])
            order = order[: ceil(len(rows) / eta)]
            rows, before, r = [rows[i] for i in order], r, r * eta
        return (rows if row else order)[0], cost

    return halving


def surrogate(variance, noise_in_mean=1):
    """The exercise's posterior of m features, by way of the N x N matrix; its `variance` of v, the noise and `phi`."""

    def posterior(Phi, y, phi, noise):
        def explained(target, noise):
            return phi @ Phi.T @ np.linalg.solve(Phi @ Phi.T + noise * np.eye(len(y)), target)

        if not noise_in_mean:
            A = Phi.T @ Phi
            return phi @ np.linalg.solve(A, Phi.T @ y), noise * phi @ np.linalg.solve(A, phi)
        return explained(y, noise), variance(phi @ phi - explained(Phi @ phi, noise), noise)

    return posterior


def least_of(weight=lambda i, M, n: comb(M - 1 - i, n - 1), order=sorted):
    """The exercise's expected least of n losses, with a weight for the loss at each place i = 0 ... M - 1."""

    def best_of(losses, n):
        M = len(losses)
        return sum(y * weight(i, M, n) / comb(M, n) for i, y in enumerate(order(losses)))

    return best_of


def net_class(train=None, test=None, draw=lambda rng, shape, p: rng.binomial(1, 1 - p, shape)):
    """The exercise's network: `train` and `test` act on the hidden units h, a mask m, and p."""

    class Net:
        def __init__(self, W, V, p, rng):
            self.W, self.V, self.p, self.rng, self.training = W, V, p, rng, True

        def __call__(self, x):
            h = np.maximum(x @ self.W, 0)
            f = self.training and (train or (lambda h, m, p: m * h / (1 - p))) or test or (lambda h, m, p: h)
            return f(h, draw(self.rng, h.shape, self.p), self.p) @ self.V

    return Net


def dropped(h, m, p):
    return m * h / (1 - p)


def frozen(h, m, p):
    return h * np.random.default_rng(5).binomial(1, 1 - p, h.shape) / (1 - p)


def moved_in_place(theta, g, lr, lam):
    theta -= lr * (g + lam * theta)
    return theta


def balanced(step, lr=0.5, lam=0.4, theta=(1.0, -2, 3)):
    theta = np.array(theta)
    return np.allclose(step(theta, -lam * theta, lr, lam), theta)


def asserted_row(smooth):
    rows = smooth(np.array([0, 1]), 4, 0.3)
    assert rows.shape == (2, 4)
    return bool(np.allclose(rows[0], [0.7, 0.1, 0.1, 0.1]))


def masks_seen(Net, p=0.2, batch=5000):
    """The exercise's test: zeros at frequency p in training and no change at test."""
    x, net = np.ones((batch, 1)), Net(np.eye(1), np.eye(1), p, np.random.default_rng(2))
    z = net(x)
    net.training = False
    return bool(abs((z == 0).mean() - p) < 0.03 and np.allclose(z.max(), 1 / (1 - p)) and np.allclose(net(x), 1))


def answers_twice(Net):
    net = Net(np.eye(3), np.eye(3), 0.5, np.random.default_rng(2))
    net.training = False
    return np.array_equal(net(np.ones((50, 3))), net(np.ones((50, 3))))


def gradient_gain(widths, variance):
    gain = 1.0
    for n, m in pairwise(widths):
        gain *= m * variance(n, m)
    return gain


def distances(layers):
    """Between neighbouring units, in pixels: of the image and of each layer (F, S)."""
    return np.cumprod([1] + [S for _, S in layers]).tolist()


def receptive(layers):
    return 1 + sum((F - 1) * d for (F, _), d in zip(layers, distances(layers), strict=False))


def early_receptive(layers):
    return 1 + sum((F - 1) * d for (F, _), d in zip(layers, distances(layers)[1:], strict=True))


TABLE = [
    ("clipping-1", (-3.2473, 1.68), None),
    ("clipping-1", (-4, 1.68), "A"),
    ("clipping-1", (-3.2473, 2), "B"),
    ("clipping-1", (-3.2473, 0.21), "C"),
    ("clipping-1", (-1.5527, 1.68), "D"),
    ("clipping-1", (-4, 2), "A B"),
    ("clipping-1", (0, 0), "? ?"),
    ("clipping-1", (3,), "ValueError: expected 2 values, got 1"),
    ("momentum-1", (0.04, 0.64), None),
    ("momentum-1", (0.64, 0.04), "D"),
    ("1-1", average, None),
    ("1-1", lambda t, rho: average(t, rho).tolist(), None),
    ("1-1", lambda t, rho: average(t, rho) / (1 - rho), "A"),
    ("1-1", lambda t, rho: -average(t, rho), "B"),
    ("1-1", lambda t, rho: average(t, rho)[::-1], "C"),
    ("1-1", lambda t, rho: rho * average(t, rho), "D"),
    ("1-1", lambda t, rho: average(t, rho) / (1 - rho**t), "E"),
    ("1-1", lambda t, rho: np.full(t, 1 / t), "F"),
    ("1-1", lambda t, rho: [rho ** (t - 1), *average(t - 1, rho)], "G"),
    ("1-1", lambda t, rho: [rho**t, *average(t, rho)], "H"),
    ("1-1", lambda t, rho: 0.5, "?"),
    ("7-1", (0.4, 8**0.5, 19 / 12, 640, 32 / 11, 8**0.5), None),
    ("7-1", (0.1414, 8**0.5, 19 / 12, 640, 32 / 11, 8**0.5), "A"),
    ("7-1", (0.00625, 8**0.5, 19 / 12, 640, 32 / 11, 8**0.5), "B"),
    ("7-1", (0.4, 8, 19 / 12, 640, 32 / 11, 8**0.5), "C"),
    ("7-1", (0.4, 1, 19 / 12, 640, 32 / 11, 8**0.5), "D"),
    ("7-1", (0.4, 8**-0.5, 19 / 12, 640, 32 / 11, 8**0.5), "E"),
    ("7-1", (0.4, 8**0.5, 1, 640, 32 / 11, 8**0.5), "F"),
    ("7-1", (0.4, 8**0.5, 12 / 19, 640, 32 / 11, 8**0.5), "G"),
    ("7-1", (0.4, 8**0.5, 19 / 12, 320, 32 / 11, 8**0.5), "H"),
    ("7-1", (0.4, 8**0.5, 19 / 12, 1280, 32 / 11, 8**0.5), "I"),
    ("7-1", (0.4, 8**0.5, 19 / 12, 640, 8, 8**0.5), "J"),
    ("7-1", (0.4, 8**0.5, 19 / 12, 640, 11 / 32, 8**0.5), "K"),
    ("7-1", (0.4, 8**0.5, 19 / 12, 640, 32 / 11, 8), "L"),
    ("7-1", (0.4, 8**0.5, 19 / 12, 640, 32 / 11, 1), "M"),
    ("7-1", (0.4, 8**0.5, 19 / 12, 500, 32 / 11, 8**0.5), "?"),
    ("7-1", (0.4, 8, 1, 640, 32 / 11, 8), "C F L"),
    ("7-1", (0.4, 8**0.5), "ValueError: expected 6 values, got 2"),
    ("7-3", (1, -0.5, -0.21822, -0.53452, 0.28571, 0.14133), None),
    ("7-3", (0.5, -0.5, -0.21822, -0.53452, 0.28571, 0.14133), "A"),
    ("7-3", (4.75, -0.5, -0.21822, -0.53452, 0.28571, 0.14133), "B"),
    ("7-3", (4 / 7, -0.5, -0.21822, -0.53452, 0.28571, 0.14133), "C"),
    ("7-3", (1, 1, -0.21822, -0.53452, 0.28571, 0.14133), "D"),
    ("7-3", (1, 1.5, -0.21822, -0.53452, 0.28571, 0.14133), "E"),
    ("7-3", (1, -0.5, -(7**-0.5), -0.53452, 0.28571, 0.14133), "F"),
    ("7-3", (1, -0.5, -1 / 21, -0.53452, 0.28571, 0.14133), "G"),
    ("7-3", (1, -0.5, -0.21822, -0.5, 0.28571, 0.14133), "H"),
    ("7-3", (1, -0.5, -0.21822, -(7**-0.5), 0.28571, 0.14133), "I"),
    ("7-3", (1, -0.5, -0.21822, -0.53452, 0.2673, 0.14133), "J"),
    ("7-3", (1, -0.5, -0.21822, -0.53452, 0.5, 0.14133), "K"),
    ("7-3", (1, -0.5, -0.21822, -0.53452, -0.5, 0.14133), "L"),
    ("7-3", (1, -0.5, -0.21822, -0.53452, 0.28571, 0), "M"),
    ("7-3", (1, -0.5, -0.21822, -0.53452, 0.28571, 0.09997), "N"),
    ("7-3", (1, -0.5, -0.21822, -0.53452, 0.28571, 0.035333), "O"),
    ("7-3", (1, -0.5, -0.21822, -0.53452, 0.28571, -0.14133), "?"),
    ("7-3", (0.5, 1, -0.21822, -0.5, 0.28571, 0), "A D H M"),
    ("1-2", lag, None),
    ("1-2", lambda t, beta: beta / (1 - beta) - t * beta**t / (1 - beta**t), None),
    ("1-2", lambda t, beta: t - average(t, beta) @ np.arange(1.0, t + 1), "A"),
    ("1-2", lambda t, beta: beta / (1 - beta), "B"),
    ("1-2", lambda t, beta: -lag(t, beta), "C"),
    ("1-2", lambda t, beta: lag(t, beta) * (1 - beta**t), "D"),
    ("1-2", lambda t, beta: 1 / (1 - beta), "E"),
    ("1-2", lambda t, beta: 1 - beta**t, "?"),
    ("bug-1", adam_step(lambda t, i, n: t), None),
    ("bug-1", adam_step(lambda t, i, n: (t - 1) * n + i + 1), "A"),
    ("bug-1", adam_step(lambda t, i, n: 1), "B"),
    ("bug-1", adam_step(lambda t, i, n: t + 1), "C"),
    ("bug-1", adam_step(lambda t, i, n: i + 1), "D"),
    ("bug-1", adam_step(lambda t, i, n: t, write=False), "E"),
    ("bug-1", adam_step(lambda t, i, n: t, sign=1), "?"),
    ("bug-1", adam_counting(early=1), None),
    ("bug-1", adam_counting(inside=1), "A"),
    ("bug-1", adam_counting(early=1, inside=1), "A"),
    ("bug-1", adam_counting(early=2), "A"),
    ("bug-1", adam_counting(early=1, late=1), "?"),
    ("bug-1", adam_counting(late=1), "F"),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: -lr * g / (G + eps) ** 0.5), None),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: -lr * g / (G**0.5 + eps)), None),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: -(lr * g / G**0.5 + eps)), "A"),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: -(lr * g / (G + eps) ** 0.5 + eps)), "B"),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: -lr * g / G**0.5, store=1.0), "C"),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: lr * g / (G + eps) ** 0.5), "D"),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: -lr * g / (G + eps)), "?"),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: -lr * g / np.maximum(G**0.5, eps)), None),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: -lr * abs(g) / (G + eps) ** 0.5), "D"),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: np.where(g == 0, 0, -lr * g / G**0.5)), "F"),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: np.nan_to_num(-lr * g / G**0.5)), "F"),
    ("bug-2", rmsprop_step(lambda g, G, lr, eps: -lr * g / (G + 1e-300) ** 0.5), "F"),
    ("bug-2", rmsprop_keeping(lambda G, g, beta: np.maximum(beta * G + (1 - beta) * g * g, 1e-12)), "C"),
    ("bug-2", rmsprop_keeping(lambda G, g, beta: (1 - beta) * g * g), "C"),
    ("bug-2", lambda theta, g, G, **constants: theta, "TypeError: return theta, G"),
    ("bug-2", lambda theta, g, G, **constants: (G,), "TypeError: return theta, G"),
    ("bug-2", lambda theta, g, G, **constants: (theta[0], G), "TypeError: return theta, G"),
    ("bug-2", lambda theta, g, G, **constants: None, "TypeError: return theta, G"),
    ("conditioning-1", (10 / 41, 1476 / 6570, 0.8), None),
    ("conditioning-1", (5 / 41, 1476 / 6570, 0.8), "A"),
    ("conditioning-1", (2 / 9, 738 / 6570, 8 / 9), "B C D"),
    ("conditioning-1", (1.0, 1476 / 6570, 7 / 9), "? E"),
    ("landscape-1", (-1, 5, 145), None),
    ("landscape-1", (2, 5, 138.2), "A C"),
    ("landscape-1", (-0.5, 2, 34.1), "B F D"),
    ("landscape-1", (5, -1, 72.5), "H I E"),
    ("vanishing-exploding-1", (2.4, 9 * 0.9**8, 128), None),
    ("vanishing-exploding-1", (2, 1, 1024), "A C D"),
    ("vanishing-exploding-1", (5, 0.9**8, 128), "B C"),
    ("residual-1", (1431, 10.8), None),
    ("residual-1", (2862, 27), "A B"),
    ("residual-1", (1431, 13.5), "C"),
    ("symmetry-1", (np.log(100), 99, 4999.5), None),
    ("symmetry-1", (2, 100, 9999), "A B C"),
    ("symmetry-1", (99, 4999.5, 999999 / 3), "D E F"),
    ("variance-scaling-1", (0.015**0.5, 4 * 0.015**0.5, 0.0816497), None),
    ("variance-scaling-1", (4 * 0.015**0.5, 0.015**0.5, 2 / 300), "A B E"),
    ("variance-scaling-1", (0.005**0.5, 4 * 0.005**0.5, 0.02), "C D F"),
    ("variance-scaling-1", (0.015**0.5, 4 * 0.015**0.5, 0.1), "G"),
    ("7-4", lambda widths: gradient_gain(widths, lambda n, m: 2 / (n + m)), None),
    ("7-4", lambda widths: gradient_gain(widths[::-1], lambda n, m: 2 / (n + m)), "A"),
    ("7-4", lambda widths: gradient_gain(widths, lambda n, m: 2 / (n + m)) ** 0.5, "B"),
    ("7-4", lambda widths: 1 / gradient_gain(widths, lambda n, m: 2 / (n + m)), "C"),
    ("7-4", lambda widths: widths[-1] / widths[0], "D"),
    ("7-4", lambda widths: 1, "E"),
    ("7-4", lambda widths: gradient_gain(widths, lambda n, m: (n + m) / (2 * n * m)), "F"),
    ("7-4", lambda widths: gradient_gain(widths[1:], lambda n, m: 2 / (n + m)), "G"),
    ("7-4", lambda widths: gradient_gain(widths, lambda n, m: 4 / (n + m)), "H"),
    ("7-4", lambda widths: gradient_gain(widths[:-1], lambda n, m: 2 / (n + m)), "I"),
    ("7-4", lambda widths: 2.0, "?"),
    ("7-5", lambda n, m, s: 2 / (n + n * s * s), None),
    ("7-5", lambda n, m, s: 2 * np.pi / (n * (np.pi + np.pi * s**2 - (1 - s) ** 2)), "A"),
    ("7-5", lambda n, m, s: 2 / (m + m * s * s), "B"),
    ("7-5", lambda n, m, s: 4 / (1 + s * s) / (m + n), "C"),
    ("7-5", lambda n, m, s: 1 / (n + m), "D"),
    ("7-5", lambda n, m, s: 1 / n, "E"),
    ("7-5", lambda n, m, s: (2 / (n + n * s * s)) ** 0.5, "F"),
    ("7-5", lambda n, m, s: 2 / (n * (1 + s) ** 2), "G"),
    ("7-5", lambda n, m, s: 2 / n, "H"),
    ("7-5", lambda n, m, s: 3 / n, "?"),
    ("orthogonal-sparse-1", (2 / 3, 4 / 3, 4.9679), None),
    ("orthogonal-sparse-1", (4 / 9, 16 / 9, 2**-0.01), "A B E"),
    ("orthogonal-sparse-1", (2, 4, -4.9679), "C D F"),
    ("orthogonal-sparse-1", (-2, 4 / 3, 0), "C G"),
    ("pretraining-1", (0.6, 0.24, 0.1114286), None),
    ("pretraining-1", (0.4, 0.16, 0.1), "A B D"),
    ("pretraining-1", (0.6, 0.18, 0.1 * 4 / 35), "C E"),
    ("pretraining-3", lambda g, s: -0.1 * s * np.sign(g), None),
    ("pretraining-3", lambda g, s: -0.1 * np.sign(s * g), "A"),
    ("pretraining-3", lambda g, s: 0.1 * s * np.sign(g), "B"),
    ("pretraining-3", lambda g, s: -0.1 * np.sign(g), "C"),
    ("7-6", ((1, -1, 1, -1), (5.8, 4.6, -0.6, -1.8), (-1.3333, 1.6667, 0), (50, 200)), None),
    ("7-6", ((3, 1, 3, 1), (3.8, 2.6, -2.6, -3.8), (-12, 0.6, 0), (100, 200)), "A D G J"),
    ("7-6", ((1 / 3, -1 / 3, 1 / 3, -1 / 3), (3.4, 2.2, -3, -4.2), (-4, 5, 0), (50, 100)), "B E H K"),
    ("7-6", ((0.866, -0.866, 0.866, -0.866), (5.96, 5.72, -1.72, -1.96), (-1.3333, 1.6667, 2), (50, 0)), "C F I L"),
    ("7-6", ((0, 0, 0, 0), (5.8, 4.6, -0.6, -1.8), (0, 0), (150, 200)), "? ? J"),
    ("7-6", ((1, -1, 1, -1), (5.8, 4.6, -0.6, -1.8), (-1.3333, 0.066667, 0), (50, 250)), "G M"),
    ("7-7", ((1.5, 4), (1.6, 4, 5.2, 5.2), (0.1, 0.025), (119, 1)), None),
    ("7-7", ((1.414, 4), (1, 5, 7, 7), (0.1, 0.4), (10.91, 1)), "A F H L"),
    ("7-7", ((1.664, 4), (1.551, 4, 5.225, 5.225), (0.1, 0.05), (10, 1)), "B G I M"),
    ("7-7", ((2.25, 4), (1.6, 4, 5.2, 5.2), (0.025, 0.1), (119, 1)), "C J"),
    ("7-7", ((1.5, -4), (1.6, 4, 5.2, 5.2), (0.1, 0.1), (119, 2)), "D K ?"),
    ("7-7", ((1.708, 4), (0, 0, 0, 0), (0.1, 0.025), (119, 1)), "E ?"),
    ("7-7", ((1.633, 4), (1.6, 4, 5.2, 5.2), (0.1, 0.025), (119, 1)), "E"),
    ("7-7", ((2, 4), (1.6, 4, 5.2, 5.2), (0.1, 0.025), (119, 1)), "C"),
    ("1-3", ([5, 4, 2, 1, 1], [4, 5], 6, 1.3125), None),
    ("1-3", (np.array([5, 4, 2, 1, 1]), (4, 5), 6, 21 / 16), None),
    ("1-3", ([1, 2, 1, 0, 1], [4, 5], 6, 1.3125), "A"),
    ("1-3", ([5, 5, 5, 5, 5], [], 4, 1), "B E G L"),
    ("1-3", ([5, 3, 2, 2, 1], [4, 5], 3, 1.75), "C H I"),
    ("1-3", ([4, 2, 1, 1, 0], [3, 4, 5], 6, 1.25), "D F J"),
    ("1-3", ([5, 4, 2, 1, 1], [4, 5], 6, 4 / 3), "K"),
    ("1-3", ([5, 4, 2, 1], 4, 6, 1.3125), "? ?"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / (var + eps) ** 0.5), None),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / var**0.5), "A"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / var**0.5 + eps), "A"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: np.nan_to_num(d / var**0.5)), "B"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / np.where(var == 0, 1, var) ** 0.5), "B"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / (var + 1e-300) ** 0.5), "B"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / (var**0.5 + eps)), "C"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: (d + eps) / (var + eps) ** 0.5), "D"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / ((d**2).sum(axis=0) / 5 + eps) ** 0.5), "E"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / (var + eps)), "F"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / (var + 1e-5) ** 0.5), "G"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: d / np.maximum(var, eps) ** 0.5), "H"),
    ("bug-normalization-1", bn_forward(lambda d, var, eps: -d / (var + eps) ** 0.5), "?"),
    ("bug-normalization-1", lambda x, gamma, beta, eps: x[0], "TypeError: return an array of the shape of x"),
    ("bug-normalization-2", bn_class(), None),
    ("bug-normalization-2", bn_class(factor=lambda m: m / (m - 1)), None),
    ("bug-normalization-2", bn_class(moves=lambda training: True), "A"),
    ("bug-normalization-2", bn_class(moves=lambda training: not training), "B"),
    ("bug-normalization-2", bn_class(moves=lambda training: False), "B"),
    ("bug-normalization-2", bn_class(own=lambda training: True), "C"),
    ("bug-normalization-2", bn_class(own=lambda training: False), "D"),
    ("bug-normalization-2", bn_class(own=lambda training: not training), "D"),
    ("bug-normalization-2", bn_class(swap=True), "E"),
    ("bug-normalization-2", bn_class(factor=lambda m: m), "?"),
    ("bug-normalization-2", bn_forward, "TypeError: bn_forward() got an unexpected keyword argument 'rho'"),
    ("scaling-1", (36, 25 / 9), None),
    ("scaling-1", (6, 5 / 3), "A"),
    ("scaling-1", (36, 0.36), "B"),
    ("scaling-1", (36, 3600), "C"),
    ("scaling-2", standardize_by(lambda train, new: train), None),
    ("scaling-2", standardize_by(lambda train, new: new), "A"),
    ("scaling-2", standardize_by(lambda train, new: np.vstack([train, new])), "B"),
    ("scaling-2", standardize_by(lambda train, new: train, ddof=1), "C"),
    ("scaling-2", standardize_by(lambda train, new: train, power=2), "D"),
    ("scaling-2", lambda train, new: (new - train.mean(axis=0)) / train.std(axis=0), "E"),
    ("whitening-1", np.array([[2.0, -1.0], [-1.0, 2.0]]) / 3, None),
    ("whitening-1", np.array([[1.0, 1.0], [3.0, -3.0]]).T / 18**0.5, "A"),
    ("whitening-1", np.array([[5.0, -4.0], [-4.0, 5.0]]) / 9, "B"),
    ("whitening-1", [[2, 1], [1, 2]], "C"),
    ("whitening-1", np.eye(2) / 5**0.5, "D"),
    ("whitening-1", np.array([[1.0, 1.0], [3.0, -3.0]]) / 18**0.5, "E"),
    ("whitening-2", lambda C: np.linalg.cholesky(np.linalg.inv(C)), None),
    ("whitening-2", np.linalg.cholesky, "A"),
    ("whitening-2", lambda C: np.linalg.inv(np.linalg.cholesky(C)), "B"),
    ("whitening-2", lambda C: np.linalg.inv(np.linalg.cholesky(C)).T, "C"),
    ("whitening-2", lambda C: np.real(sqrtm(np.linalg.inv(C))), "D"),
    ("batch-norm-1", (4, -4, 0, 0, -4, 4), None),
    ("batch-norm-1", (8, 0, 0, 0, -4, 4), "A"),
    ("batch-norm-1", (6, -2, -2, -2, -4, 4), "B"),
    ("batch-norm-1", (2, -2, 0, 0, -4, 4), "C"),
    ("batch-norm-1", (8, 0, -4, -4, -4, 4), "D"),
    ("batch-norm-1", (-8, -16, 0, 0, -4, 4), "E"),
    ("batch-norm-1", (4, -4, 0, 0, 4, -4), "F"),
    ("batch-norm-1", (4, -4, 0, 0, 4, 4), "G"),
    ("batch-norm-1", (4, -4, 0, 0, 12, 4), "H"),
    ("layer-norm-1", np.array([-3, -2, 1, 4]) / 7.5**0.5, None),
    ("layer-norm-1", np.array([-3, -2, 1, 4]) / 10**0.5, "A"),
    ("layer-norm-1", np.array([-3, -2, 1, 4]) / 7.5, "B"),
    ("layer-norm-1", (-1, -1, 1, 1), "C"),
    ("layer-norm-1", (0, 0.3651, 1.4606, 2.5560), "D"),
    ("other-norms-1", (1.4, 0.064, -0.048, 29), None),
    ("other-norms-1", (7, 0.4, 0.4, 21), "A B D F"),
    ("other-norms-1", (1.4, 0.16, -0.12, 25), "C E G"),
    ("why-it-works-1", (2.5, 0.0625, 0.04), None),
    ("why-it-works-1", (3.5, 0.125, 0.1), "A C D"),
    ("why-it-works-1", (8, 0.0625, 0.0625), "B E"),
    ("architecture-1", (30, 54, 0.2222), None),
    ("architecture-1", (31, 81, 0.1333), "A B C"),
    ("architecture-1", (30, 54, 0.0741), "D"),
    ("architecture-2", lambda p, R: np.array([p[k] * (R[k] - sum(p * R)) for k in range(len(p))]), None),
    ("architecture-2", lambda p, R: p * R, "A"),
    ("architecture-2", lambda p, R: R - sum(p * R), "B"),
    ("architecture-2", lambda p, R: -p * (R - sum(p * R)), "C"),
    ("architecture-2", lambda p, R: p * (R - np.mean(R)), "D"),
    ("halving-1", (27, 12, 6, 4), None),
    ("halving-1", (27, 9, 6, 4), "A"),
    ("halving-1", (27, 9, 3, 1), "B"),
    ("halving-1", (21, 9, 5, 3), "C"),
    ("halving-1", (4, 6, 12, 27), "D"),
    ("halving-3", halved(), None),
    ("halving-3", halved(sign=-1), "A"),
    ("halving-3", halved(paid=lambda r, before: r), "B"),
    ("halving-3", halved(column=lambda r, before: r - before), "C"),
    ("halving-3", halved(row=False), "D"),
    ("local-lipo-1", (2, 0.15, 0.25), None),
    ("local-lipo-1", (1.25, 0.85, 0.4), "A B E"),
    ("local-lipo-1", (1 / 7, -0.1, -0.6), "A C F"),
    ("local-lipo-1", (2, 0, 0.25), "D"),
    ("local-lipo-1", (2, 0.15, -0.9), "F"),
    ("local-lipo-2", rounded(np.ceil), None),
    ("local-lipo-2", rounded(np.floor), "A"),
    ("local-lipo-2", lambda k, alpha: k + alpha * k, "B"),
    ("local-lipo-2", rounded(np.rint), "C"),
    ("local-lipo-2", lambda k, alpha: np.exp(np.ceil(np.log(k))), "D"),
    ("scaling-out-1", (2.2945, 1.3008), None),
    ("scaling-out-1", (0.5736, 1.3008), "A"),
    ("scaling-out-1", (1.75, 2.25), "B D"),
    ("scaling-out-1", (6.919, 5.203), "C E"),
    ("bayesian-1", (-0.6, 0.8, 0.1583), None),
    ("bayesian-1", (-1, 0.64, 0.5582), "A B C"),
    ("bayesian-1", (0.6, 0.8, 0.3085), "A D"),
    ("bayesian-1", (-0.6, 0.8, -0.1234), "E"),
    ("bayesian-1", (-0.6, 0.64, 0.1036), "B F"),
    ("bayesian-2", surrogate(lambda v, noise: v), None),
    ("bayesian-2", surrogate(None, noise_in_mean=0), "A"),
    ("bayesian-2", surrogate(lambda v, noise: v / noise), "B"),
    ("bayesian-2", surrogate(lambda v, noise: v + noise), "C"),
    ("bayesian-2", surrogate(lambda v, noise: v**0.5), "D"),
    ("grid-random-1", (144, 114, 0.4, 0.9988), None),
    ("grid-random-1", (15, 113, 1, 0.3439), "A B D E"),
    ("grid-random-1", (144, 50, 0.4, 0.00118), "C F"),
    ("grid-random-2", least_of(), None),
    ("grid-random-2", lambda y, n: np.mean([min(z) for z in combinations(y, n)]), None),
    ("grid-random-2", lambda y, n: np.mean([min(z) for z in product(y, repeat=n)]), "A"),
    ("grid-random-2", least_of(order=list), "B"),
    ("grid-random-2", lambda y, n: np.mean([max(z) for z in combinations(y, n)]), "C"),
    ("grid-random-2", least_of(lambda i, M, n: comb(M - 1 - i, n)), "D"),
    ("grid-random-2", least_of(lambda i, M, n: comb(M - i, n - 1)), "E"),
    ("generalization-1", (1.8, 2.2), None),
    ("generalization-1", (2, 2), "A C"),
    ("generalization-1", (20 / 9, 2.2), "B"),
    ("1-4", (0.05, 0.09, 0.9524, -0.1, -0.2), None),
    ("1-4", (0.5, 0, 2 / 3, -0.2, -0.1), "A B E G H"),
    ("1-4", (0.05, -0.09, 1 / 6, -0.1, 0), "C F I"),
    ("1-4", (0.05, 0.045, 0.9524, -0.1, -0.2), "D"),
    ("1-4", (0.1, 0.09, 0.9524, -0.1, -0.2), "?"),
    ("1-5", (0.107, 0.8, 8.313, 4, 0.41), None),
    ("1-5", (0.8, 0.107, 2.5, 3, 0.107), "A C D F G"),
    ("1-5", (0.2**10, 0.8, 9.313, 3.106, 0.512), "B E F H"),
    ("1-5", (0.1, 0.8, 8.313, 4, 0.41), "?"),
    ("1-6", (np.log(10), -0.8, np.log(81), 0.545), None),
    ("1-6", (2.072, -0.9, 2.197, 0), "A B D F"),
    ("1-6", (2.303, 0.8, np.log(91), 0.5003), "C E G"),
    ("1-6", (2.303, -0.8, 4.394, 0.325), "H"),
    ("1-6", (1, -0.8, 4.394, 0.545), "?"),
    ("label-smoothing-1", (0.85, 0.05, 0.15, np.log(17)), None),
    ("label-smoothing-1", (0.8, 0.2 / 3, 0.2, np.log(12)), "A B C E"),
    ("label-smoothing-1", (0.85, 0.05, 0.8 / 3, np.log(0.85 / 0.15)), "D F"),
    ("label-smoothing-1", (0.85, 0.05, 0.1, 2.833), "?"),
    ("label-smoothing-2", lambda C, y, eps: confusion_targets(C, y, eps, C - np.diag(np.diag(C))), None),
    ("label-smoothing-2", lambda C, y, eps: confusion_targets(C, y, eps, C), "A"),
    ("label-smoothing-2", lambda C, y, eps: confusion_targets(C, y, eps, (C - np.diag(np.diag(C))).T), "B"),
    ("label-smoothing-2", lambda C, y, eps: confusion_targets(C, y, eps, C, 1 - np.eye(len(C))), "C"),
    ("label-smoothing-2", lambda C, y, eps: label_smoothing(y, len(C), eps=eps), "D"),
    ("weight-decay-1", (2.4, 2.927, 2.4, 2), None),
    ("weight-decay-1", (2, 2.4, 3, 2.4), "A B D E"),
    ("weight-decay-1", (2.4, 0.857, 2, 3), "C D F"),
    ("weight-decay-1", (2.4, 2.927, 1, 0.5), "? G"),
    ("weight-decay-2", lambda lr, n: -np.expm1(-np.log(2) / n) / lr, None),
    ("weight-decay-2", lambda lr, n: 1 - 2 ** (-1 / n), "A"),
    ("weight-decay-2", lambda lr, n: np.log(2) / n / lr, "B"),
    ("weight-decay-2", lambda lr, n: 1 / (2 * lr), "C"),
    ("weight-decay-2", lambda lr, n: (1 - 2 ** (-1 / n)) * lr, "D"),
    ("dropout-in-practice-1", (1, 1.25, 80, 0.577), None),
    ("dropout-in-practice-1", (0.8, 5, 320, 0.707), "A C E G"),
    ("dropout-in-practice-1", (0.25, 0.8, 76.8, 1 / 3), "B D F H"),
    ("dropout-in-practice-1", (1, 1.25, 81, 0.577), "?"),
    ("augmentation-1", (1.128, 50), None),
    ("augmentation-1", (1.222, 10), "A E"),
    ("augmentation-1", (1.189, 32), "B F"),
    ("augmentation-1", (1.048, 27), "C G"),
    ("augmentation-1", (1.173, 25), "D ?"),
    ("norms-1", (5 / 3, 0, 7 / 15), None),
    ("norms-1", np.array([2, 0, 0.2]) / 1.5, "A"),
    ("norms-1", (2.5, 0, 0.7), "B"),
    ("norms-1", np.array([2.5, 0.2, 0.7]) / 1.5, "C"),
    ("norms-1", np.array([3, 0, 1.2]) / 1.5, "D"),
    ("norms-1", (1.25, 0, 0.35), "E"),
    ("norms-1", (1.5, 0, 0.3), "F"),
    ("norms-1", (1.667, 0, 0.467), None),
    ("norms-1", (1.667, -0.133, 0.467), "?"),
    ("norms-2", lambda X, y: np.linalg.norm(X.T @ y / len(y), ord=np.inf), None),
    ("norms-2", lambda X, y: np.linalg.norm(X.T @ y, ord=np.inf), "A"),
    ("norms-2", lambda X, y: max(X.T @ y / len(y)), "B"),
    ("norms-2", lambda X, y: np.linalg.norm(X.T @ y, ord=1) / len(y), "C"),
    ("norms-2", lambda X, y: np.linalg.norm(X.T @ y / len(y)), "D"),
    ("recurrent-dropout-1", (0.1335, 15.405, 300, 17), None),
    ("recurrent-dropout-1", (0.1001, 0.15405, 33.33, 16), "A C E G"),
    ("recurrent-dropout-1", (0.00006104, 13.348, 15.405, 18), "B D F H"),
    ("recurrent-dropout-2", last_state, None),
    ("recurrent-dropout-2", lambda x, W, U, a, b, p: last_state(x, W, U, a, b, 0), "A"),
    ("recurrent-dropout-2", lambda x, W, U, a, b, p: last_state(x, W, U, a, 1, p, b), "B"),
    ("recurrent-dropout-2", lambda x, W, U, a, b, p: b * last_state(x, W, U, a, b, p), "C"),
    ("recurrent-dropout-2", lambda x, W, U, a, b, p: last_state(x, W, U * (1 - p), a, b, p), "D"),
    ("recurrent-dropout-2", lambda x, W, U, a, b, p: last_state(x, W, U / (1 - p), a, b, p), "E"),
    ("dropout-1", (1.6, 0.96, 1.5, 2.04), None),
    ("dropout-1", (0.4, 0.64, 1.2, 2), "A C D F"),
    ("dropout-1", (2, 0.96, 24, 1.632), "B E G"),
    ("dropout-1", (1.6, 0.96, 1.5, 3), "?"),
    ("dropout-2", lambda h, V, d, p: masked_softmax(h, V, d, p, 1 - p), None),
    ("dropout-2", lambda h, V, d, p: masked_softmax(h, V, d, 0.5, 1 - p), "A"),
    ("dropout-2", lambda h, V, d, p: masked_softmax(h, V, d, p, 1), "B"),
    ("dropout-2", lambda h, V, d, p: np.exp(h @ V + d) / np.exp(h @ V + d).sum(), "C"),
    ("dropout-2", lambda h, V, d, p: masked_softmax(h, V, d, 1 - p, 1 - p), "D"),
    ("dropout-variants-1", (0.25, 0.8, 2.08, 0.32, 7.25), None),
    ("dropout-variants-1", (0.16, 0.8, 0.16, 0, 5), "A C E F"),
    ("dropout-variants-1", (4, 0.8, 3.25, 0.32, 7.5), "B D G"),
    ("dropout-variants-1", (0.25, 1, 2.08, 0.32, 7.25), "?"),
    ("dropout-variants-2", lambda x, W, p: relu_under((1 - p) * x @ W, spread(x, W, p)), None),
    ("dropout-variants-2", lambda x, W, p: np.clip((1 - p) * x @ W, 0, None), "A"),
    ("dropout-variants-2", lambda x, W, p: relu_under((1 - p) * x @ W, spread(x, W, p) ** 2), "B"),
    ("dropout-variants-2", lambda x, W, p: relu_under(p * x @ W, spread(x, W, p)), "C"),
    ("dropout-variants-2", lambda x, W, p: relu_under((1 - p) * x @ W, spread(x, W, p), tail=False), "D"),
    ("early-stopping-1", (7, 4, 11), None),
    ("early-stopping-1", (9, 7, 12), "A D E"),
    ("early-stopping-1", (11, 4, -1), "B F"),
    ("early-stopping-1", (8, 4, 11), "C"),
    ("early-stopping-1", (6, 4, 11), "?"),
    ("early-stopping-2", lambda losses, patience, margin: margin_stop(losses, patience, margin)[0], None),
    ("early-stopping-2", lambda losses, patience, margin: margin_stop(losses, patience, 0)[0], "A"),
    ("early-stopping-2", lambda losses, patience, margin: margin_stop(losses, patience, margin, "last")[0], "B"),
    ("early-stopping-2", lambda losses, patience, margin: margin_stop(losses, patience, margin, "least")[0], "C"),
    ("early-stopping-2", lambda losses, patience, margin: margin_stop(losses, patience, margin)[1], "D"),
    ("bug-l2", lambda theta, g, lr, lam: (1 - lr * lam) * theta - lr * g, None),
    ("bug-l2", moved_in_place, None),
    ("bug-l2", lambda theta, g, lr, lam: (1 - lam) * theta - lr * g, "A"),
    ("bug-l2", lambda theta, g, lr, lam: (1 - lr**2 * lam) * theta - lr * g, "B"),
    ("bug-l2", lambda theta, g, lr, lam: (1 - 2 * lr * lam) * theta - lr * g, "C"),
    ("bug-l2", lambda theta, g, lr, lam: (1 + lr * lam) * theta - lr * g, "D"),
    ("bug-l2", lambda theta, g, lr, lam: theta - lr * g, "E"),
    ("bug-l2", lambda theta, g, lr, lam: theta - lr * (g + lam * theta / abs(theta)), "F"),
    ("bug-l2", lambda theta, g, lr, lam: theta - lr * g - lr * lam * (theta - lr * g), "G"),
    ("bug-l2", lambda theta, g, lr, lam: (1 - 2 * lr * lam) * theta - 2 * lr * g, "H"),
    ("bug-l2", lambda theta, g, lr, lam: theta + lr * (g + lam * theta), "?"),
    ("bug-l2-test", lambda step: balanced(step) and step(2.0, 1.0, 0.5, 0) == 1.5, None),
    ("bug-l2-test", lambda step: np.isclose(step(2.0, 1.0, 0.5, 0.4), 1.1), None),
    ("bug-l2-test", balanced, "H"),
    ("bug-l2-test", lambda step: balanced(step, lr=1), "A B H"),
    ("bug-l2-test", lambda step: balanced(step, theta=(1.0, 1, 1)), "F H"),
    ("bug-l2-test", lambda step: step(2.0, 3.0, 0.5, 0) == 0.5, "A B C D E F G"),
    ("bug-l2-test", lambda step: True, "A B C D E F G H"),
    ("bug-l2-test", lambda step: False, "R"),
    ("bug-l2-test", lambda step: 1.0, "TypeError: return True or False"),
    ("bug-dropout", net_class(), None),
    ("bug-dropout", net_class(test=dropped), "A"),
    ("bug-dropout", net_class(train=lambda h, m, p: h), "B"),
    ("bug-dropout", net_class(train=lambda h, m, p: h, test=dropped), "C"),
    ("bug-dropout", net_class(test=lambda h, m, p: h * (1 - p)), "D"),
    ("bug-dropout", net_class(train=lambda h, m, p: m * h), "E"),
    ("bug-dropout", net_class(train=lambda h, m, p: m * h, test=lambda h, m, p: h * (1 - p)), "E"),
    ("bug-dropout", net_class(draw=lambda rng, shape, p: rng.binomial(1, 1 - p, shape[1:])), "F"),
    ("bug-dropout", net_class(train=lambda h, m, p: m * h / p, draw=lambda rng, s, p: rng.binomial(1, p, s)), "G"),
    ("bug-dropout", net_class(test=frozen), "H"),
    ("bug-dropout", net_class(train=lambda h, m, p: 2 * m * h), "?"),
    ("bug-dropout", net_class(test=lambda h, m, p: h - 1), "?"),
    ("bug-dropout", net_class(test=lambda h, m, p: h[0]), "TypeError: return an array with one row per example"),
    ("bug-dropout-test", masks_seen, None),
    ("bug-dropout-test", answers_twice, "B D E F G H"),
    ("bug-dropout-test", lambda Net: not masks_seen(Net), "R"),
    ("bug-smoothing", lambda y, K, eps: label_smoothing(np.asarray(y), K, eps=eps), None),
    ("bug-smoothing", lambda y, K, eps: label_smoothing(y, K, eps=eps) + eps / (K - 1) * np.eye(K)[y], "A"),
    ("bug-smoothing", lambda y, K, eps: label_smoothing(y, K, eps=eps - eps / K), "B"),
    ("bug-smoothing", lambda y, K, eps: np.where(np.eye(K)[y] > 0, 1 - eps, eps), "C"),
    ("bug-smoothing", lambda y, K, eps: np.where(np.eye(K)[y] > 0, 1 - eps, eps / K), "D"),
    ("bug-smoothing", lambda y, K, eps: np.where(np.eye(K)[y] > 0, 1, eps / (K - 1)), "E"),
    ("bug-smoothing", lambda y, K, eps: label_smoothing(y, K, eps=eps / (1 + eps / (K - 1))), "F"),
    ("bug-smoothing", lambda y, K, eps: label_smoothing(y, y.max() + 1, eps=eps), "G"),
    ("bug-smoothing", lambda y, K, eps: label_smoothing(y, K, eps=0.1), "H"),
    ("bug-smoothing", lambda y, K, eps: np.eye(K)[y], "?"),
    ("bug-smoothing-test", asserted_row, None),
    ("bug-smoothing-test", lambda smooth: np.allclose(smooth(np.array([0, 1]), 4, 0.3).sum(axis=1), 1), "B F G H"),
    ("bug-smoothing-test", lambda smooth: np.allclose(smooth(np.array([0, 2]), 3, 0.1)[0], [0.9, 0.05, 0.05]), "G H"),
    ("neuron-1", (-2, 2), None),
    ("neuron-1", (-1, 1), "A"),
    ("neuron-1", (-2, 1), "B"),
    ("neuron-1", (-2, -2), "C"),
    ("neuron-1", (2, -2), "?"),
    ("neuron-2", lambda x: elu(x), None),
    ("neuron-2", lambda x: (elu(x)[0], np.where(x > 0, 1, elu(x)[0])), "A"),
    ("neuron-2", lambda x: (elu(x)[0], np.exp(x)), "B"),
    ("neuron-2", lambda x: (np.where(x > 0, x, np.exp(x)), elu(x)[1]), "C"),
    ("neuron-2", lambda x: (elu(x)[0], (x > 0).astype(float)), "D"),
    ("neuron-2", lambda x: (x, x), "?"),
    ("backpropagation-1", (24, -16, 32), None),
    ("backpropagation-1", (24, -16, 24), "A"),
    ("backpropagation-1", (24, -16, 8), "B"),
    ("backpropagation-1", (24, -16, 4), "C"),
    ("backpropagation-1", (12, -8, 32), "D"),
    ("backpropagation-1", (72, -32, 88), "E"),
    ("backpropagation-1", (-24, 16, -32), "F"),
    ("backpropagation-1", (24, 16, 32), "?"),
    ("backpropagation-2", tied(lambda h, dh: (h, dh * (1 - h**2))), None),
    ("backpropagation-2", tied(lambda h, dh: (h, 0 * dh)), "A"),
    ("backpropagation-2", tied(lambda h, dh: (0 * h, dh * (1 - h**2))), "B"),
    ("backpropagation-2", tied(lambda h, dh: (h, dh * h)), "C"),
    ("backpropagation-2", tied(lambda h, dh: (h, dh)), "D"),
    ("backpropagation-2", lambda x, W, dy: 2 * dy.T @ np.tanh(x @ W), "?"),
    ("softmax-cross-entropy-1", (0.125, -0.625, 0.5), None),
    ("softmax-cross-entropy-1", (-0.125, 0.625, -0.5), "A"),
    ("softmax-cross-entropy-1", softmax(np.log([1.0, 3, 4]))[0], "B"),
    ("softmax-cross-entropy-1", (0, -8 / 3, 0), "C"),
    ("softmax-cross-entropy-1", softmax(np.log([1.0, 3, 4]))[1](np.array([0.125, -0.625, 0.5]))[0], "D"),
    ("softmax-cross-entropy-1", (1, 2, 3), "?"),
    ("softmax-cross-entropy-2", lambda z: log_softmax(z), None),
    ("softmax-cross-entropy-2", lambda z: z - np.log(np.exp(z).sum()), "A"),
    ("softmax-cross-entropy-2", lambda z: np.log(softmax(z)[0]), "A"),
    ("softmax-cross-entropy-2", lambda z: softmax(z)[0], "B"),
    ("softmax-cross-entropy-2", lambda z: z - np.log(np.exp(z - z.max()).sum()), "C"),
    ("softmax-cross-entropy-2", lambda z: -log_softmax(z), "D"),
    ("softmax-cross-entropy-2", lambda z: np.zeros_like(z), "?"),
    ("convolution-1", (16, 7, 1216, 7850), None),
    ("convolution-1", (17, 7, 1216, 7850), "A"),
    ("convolution-1", (14, 7.5, 1200, 7850), "B C D"),
    ("convolution-1", (15, 8, 416, 40970), "B C E F"),
    ("convolution-2", lambda layers: receptive(layers), None),
    ("convolution-2", lambda layers: receptive(layers[::-1]), "?"),
    ("convolution-2", early_receptive, "A"),
    ("convolution-2", lambda layers: 1 + sum(F * d for (F, _), d in zip(layers, distances(layers), strict=False)), "B"),
    ("convolution-2", lambda layers: 1 + sum(F - 1 for F, _ in layers), "C"),
    ("convolution-2", lambda layers: receptive(layers) - 1, "D"),
    ("practice-1", (14, 43, 128), None),
    ("practice-1", (7, 49, 127), "A B C"),
    ("practice-1", (128, 43, 129), "A ?"),
    ("practice-2", lambda x, L: tents(x, range(1, L + 1)), None),
    ("practice-2", lambda x, L: tents(x, range(1, L + 1), base=2), "A"),
    ("practice-2", lambda x, L: tents(x, range(L + 1)), "B"),
    ("practice-2", lambda x, L: 2 * x - tents(x, range(1, L + 1)), "C"),
    ("practice-2", lambda x, L: x**2, "?"),
]


@pytest.mark.parametrize("exercise, answer, letter", TABLE)
def test_each_answer_gets_a_tick_or_the_letter_of_its_mistake(exercise, answer, letter):
    assert check(exercise, answer) == (f"✓ {exercise}" if letter is None else f"✗ {exercise}  {letter}")


@pytest.mark.parametrize("exercise", _EXERCISES)
def test_an_unanswered_exercise_shows_a_dash(exercise):
    assert check(exercise, ...) == f"– {exercise}"


@pytest.mark.parametrize("exercise", _EXERCISES)
@pytest.mark.parametrize("answer", [None, "text", [[1], [1, 2]], object(), lambda *args, **constants: 1 / 0])
def test_no_answer_makes_a_check_raise_and_none_of_these_is_right(exercise, answer):
    assert check(exercise, answer).startswith(f"✗ {exercise}  ")


def test_an_answer_that_raises_shows_its_error():
    assert check("1-2", lambda t, beta: 1 / 0) == "✗ 1-2  ZeroDivisionError: division by zero"


def test_an_unknown_exercise_lists_the_known_ones():
    assert check("9-9", 1).startswith("? 9-9: ") and "1-1" in check("9-9", 1)


def test_feedback_is_shown_without_quotes_and_as_escaped_html():
    assert repr(check("1-1", ...)) == "– 1-1"
    assert check("<b>", 1)._repr_html_().startswith('<div class="check">? &lt;b&gt;')
