"""Networks of which units are dropped: by given masks, or by masks drawn anew, for the keyword `train` of `fit`.

Masks (R, K, ...) multiply the units of R replicas and K examples; an axis of length 1 stands for one mask for all
along it. Without masks the networks are those of `networks` and `recurrent`, which are used for testing.
"""

import numpy as np
import torch

from .dropout import mask
from .networks import MLP
from .recurrent import Recurrent

_MADE_BY = {MLP: "an mlp", Recurrent: "an rnn"}


def dropout_outputs(net, x, theta, rngs, *, p, draw=mask):
    """Outputs (R, K, C) of an `mlp` or `rnn` with inverted dropout by new masks, for x (K, P) or (R, K, P).

    `p` holds a drop probability for the inputs and for each hidden layer; of an `rnn` for inputs, states and last
    state, as in `thinned_rnn`. Replica r draws its masks from rngs[r] by `draw`, one for each example and step; with
    `dropout.variational_mask` an `rnn` has the same at all steps.
    Equations (1.65), (R.51). Raises: as `thinned_mlp`; ValueError unless p has that many numbers in [0, 1).
    """
    units = _units(net, MLP, Recurrent)
    if np.ndim(p) != 1 or len(p) != len(units) or not all(0 <= q < 1 for q in p):
        raise ValueError(f"dropout_outputs: p={p!r}, expected {len(units)} drop probabilities in [0, 1)")
    if len(rngs) != len(theta):
        raise ValueError(f"dropout_outputs: {len(rngs)} generators, expected one for each of {len(theta)} replicas")
    masks = [_scaled(draw, rngs, (x.shape[-2], *unit), q, theta) for unit, q in zip(units, p, strict=True)]
    return (thinned_rnn if isinstance(net, Recurrent) else thinned_mlp)(net, x, theta, masks)


def thinned_mlp(net, x, theta, masks):
    """Outputs (R, K, C) of an `mlp` whose inputs and hidden layers are multiplied by `masks`, one (R, K, n) for each.

    x (K, P) or (R, K, P), theta (R, D). Equation (1.65). Source: Srivastava et al. 2014, section 4.
    Raises: TypeError for another network; ValueError for another number or shape of masks, of x or of theta.
    """
    first, *rest = _checked(net, x, theta, masks, MLP)
    *hidden, (V, d) = net.unpack(theta)
    h = first * x  # (1.65)
    for (W, b), m in zip(hidden, rest, strict=True):
        h = m * net.activation(h @ W + b)  # (1.65)
    return h @ V + d


def thinned_rnn(net, x, theta, masks):
    """Outputs (R, K, C) of an `rnn` with masks of inputs (R, K, T, P), of states (R, K, T, H) and of h_T (R, K, 1, H).

    The states h_0 ... h_{T-1} are masked where the next one is made of them. x (K, T P) or (R, K, T P), theta (R, D).
    Equation (R.86). Source: masks of inputs and h_T Zaremba, Sutskever and Vinyals 2014; of all, the same at all steps,
    Gal and Ghahramani 2016. Raises: as `thinned_mlp`.
    """
    m_x, m_h, m_y = _checked(net, x, theta, masks, Recurrent)
    (W, b), (U, c), (V, d) = net.unpack(theta)
    inputs = torch.einsum("rktp,rph->trkh", m_x * x.reshape(*x.shape[:-1], net.T, -1), W)
    h = inputs.new_zeros(inputs.shape[1:])
    for z, m in zip(inputs, m_h.expand(-1, -1, net.T, -1).unbind(2), strict=True):
        z = z + (m * h) @ U  # (R.86)
        h = net.activation((z if net.normalize is None else net.normalize(z)) + b + c)  # (R.86)
    return (m_y[:, :, 0] * h) @ V + d


def _units(net, *kinds):
    """The shape, for one example, of each thing that is masked in a network that is of one of these kinds."""
    if type(net) not in kinds:
        raise TypeError(f"net={net!r}, expected {' or '.join(_MADE_BY[kind] for kind in kinds)}")
    P, H, *_ = net.sizes
    return [(net.T, P), (net.T, H), (1, H)] if isinstance(net, Recurrent) else [(n,) for n in net.sizes[:-1]]


def _checked(net, x, theta, masks, kind):
    """The masks; they, x and theta have the shapes that fit the network."""
    units = _units(net, kind)
    net._check(x, theta)
    if len(masks) != len(units):
        raise ValueError(f"masks: {len(masks)} of them, expected {len(units)}")
    for m, unit in zip(masks, units, strict=True):
        full = (len(theta), x.shape[-2], *unit)
        if m.ndim != len(full) or any(a not in (1, b) for a, b in zip(m.shape, full, strict=True)):
            raise ValueError(f"mask of shape {tuple(m.shape)}, expected {full} or 1 along some axes")
    return masks


def _scaled(draw, rngs, shape, p, theta):
    """A mask (R, *shape) over 1 - p, or for p = 0 only ones, in theta's precision."""
    if p == 0:
        return theta.new_ones([1] * (1 + len(shape)))
    return torch.as_tensor(np.stack([draw(rng, shape, p=p) for rng in rngs])).to(theta.dtype) / (1 - p)  # (R.51)
