"""The book's rules, layers and initializers in PyTorch: `RuleOptimizer`, `Layer` and `initialize`."""

import inspect
from contextlib import contextmanager
from itertools import groupby
from numbers import Real

import numpy as np
import torch
from torch import nn
from torch.autograd.function import once_differentiable

from .descent import at, attribute, constants_of, name, signature
from .flat import Flat
from .initializers import fans, normal


class RuleOptimizer(torch.optim.Optimizer):
    """Any update rule `delta, *state = rule(g, *state, **constants)` as an optimizer of torch.

    `params` are parameters or groups of them, each group with constants of its own. A constant is a number or a
    callable of the step t = 0, 1, ... of the optimizer; `decay` shrinks theta by 1 - lr * decay at each step (default:
    the rule's own). `optimizer.state[p]` holds the states of a parameter by the names they have in the rule.

    The parameters become views of one vector for each group, dtype and device, and the rule runs on that vector:
    convert or move the model first, then make its optimizer. Where Numba is installed a long vector on the CPU is
    stepped by a compiled loop; a global that the rule reads is fixed when the optimizer is made. A rule acts element
    by element; one that also sums (a norm) sees the parameters that are stepped together: neighbours in their group
    that have a gradient and the same count t.

    For a rule with the attribute `lookahead` the parameters hold the point ahead, where the gradient is taken (1.16);
    `with optimizer.iterate():` puts theta itself in their place. A model to be trained on is saved outside of it.

    Source: the equations are the rule's; `flat.update` adds (1.4) and (1.16).
    Differs: torch's optimizers leave the parameters' memory alone and make their state at the first step. A schedule
    given as a callable is code and not saved: an optimizer that loads a state uses its own.
    Raises: TypeError for an unknown constant, one that is not a number, a parameter that is not real floating point;
    ValueError for a wrong value; RuntimeError in `step` if parameters left the vector or a gradient is sparse.
    """

    def __init__(self, params, rule, *, decay=None, **constants):
        constants, decay = constants_of(rule, constants, decay)
        self.rule, self._flats, self._iterating = rule, [], False
        super().__init__(params, {**constants, "decay": decay, "step": 0})

    def add_param_group(self, param_group):
        """Add parameters, with constants of their own where the group names them; their states start anew."""
        super().add_param_group(param_group)
        group, *others = self.param_groups[-1:] + self.param_groups[:-1]
        try:
            group["step"] = others[0]["step"] if others else 0
            self._check(group)
            self._flats.append(self._flatten(group))
        except Exception:
            self.param_groups.pop()
            raise

    def _check(self, group):
        given = {key: value for key, value in group.items() if key not in _KEYS}
        constants, decay = constants_of(self.rule, given, group["decay"])
        for key, value in {**constants, "decay": decay}.items():
            if not callable(value) and not isinstance(value, Real):
                raise TypeError(f"{name(self.rule)}: {key}={value!r}, expected a number or a callable of the step")
        for p in group["params"]:
            _check_parameter(p)
        addresses = [p.data_ptr() for p in group["params"] if p.numel()]
        if len(set(group["params"])) < len(group["params"]) or len(set(addresses)) < len(addresses):
            raise ValueError("params: two of them are the same or share their memory, expected each of them once")

    def _flatten(self, group):
        """The vectors of a group, one `Flat` for each dtype and device."""
        constants = self._constants(group, group["step"])
        params = sorted(group["params"], key=_kind)
        flats = []
        for _, members in groupby(params, key=_kind):
            members = list(members)
            flats.append(Flat(self.rule, members, constants, [self.state[p] for p in members]))
            self.state.update(zip(members, flats[-1].states(), strict=True))
        return flats

    def _constants(self, group, t):
        return {key: at(group[key], t) for key in signature(self.rule).constants}

    @torch.no_grad()
    def step(self, closure=None):
        """One step of every parameter that has a gradient; `closure` computes the loss (and gradients), returned."""
        if self._iterating:
            raise RuntimeError("step inside of iterate(): the parameters are to hold the point ahead")
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for flat in self._all():
            flat.check()
        for group, flats in zip(self.param_groups, self._flats, strict=True):
            self._step_group(group, flats)
        return loss

    def _step_group(self, group, flats):
        t = group["step"]
        constants = self._constants(group, t)
        ahead = self._constants(group, t + 1) if attribute(self.rule, "lookahead") else None
        decay = at(group["decay"], t)
        shrink = 1 - constants["lr"] * decay if decay else None
        for flat in flats:
            for params, counts in flat.step(constants, shrink, ahead):
                for p in params:
                    self.state[p].update(counts)
        group["step"] = t + 1

    def _all(self):
        return [flat for flats in self._flats for flat in flats]

    @contextmanager
    def iterate(self):
        """Within `with optimizer.iterate():` the parameters hold theta itself, not the point ahead of it.

        Afterwards they hold what they held before, also when an exception ended the block.
        """
        if self._iterating:
            raise RuntimeError("iterate() inside of iterate()")
        flats = self._all()
        for flat in flats:
            flat.check()
        kept = [flat.theta.clone() for flat in flats]
        self._iterating = True
        try:
            for flat in flats:
                flat.to_iterate()
            yield
        finally:
            for flat, theta in zip(flats, kept, strict=True):
                flat.theta.copy_(theta)
            self._iterating = False

    def state_dict(self):
        """As in torch; a constant that is a callable is saved as None."""
        saved = super().state_dict()
        for group in saved["param_groups"]:
            group.update({key: None for key, value in group.items() if callable(value)})
        return saved

    def load_state_dict(self, state_dict):
        """Go on from a saved state, bit by bit as the optimizer that saved it; callables stay this optimizer's own.

        Raises: ValueError if the state belongs to another rule or other parameters, or a callable is missing here.
        """
        groups = [dict(group) for group in state_dict["param_groups"]]
        for own, saved in zip(self.param_groups, groups, strict=False):
            self._check_saved(own, saved)
            saved.update({key: own[key] for key, value in saved.items() if value is None and key in own})
        expected = {*signature(self.rule).states, *(["ahead"] if attribute(self.rule, "lookahead") else [])}
        for state in state_dict["state"].values():
            if set(state) != expected:
                raise ValueError(f"state_dict: states {sorted(state)}, {name(self.rule)} has {sorted(expected)}")
        super().load_state_dict({**state_dict, "param_groups": groups})

    def _check_saved(self, own, saved):
        for key in (*signature(self.rule).constants, "decay", "step"):
            if key not in saved:
                raise ValueError(f"state_dict: a group without {key!r}, which {name(self.rule)} has")
            if saved[key] is None and not callable(own[key]):
                raise ValueError(f"state_dict: {key} was a callable, expected one in this optimizer, got {own[key]!r}")

    def __getstate__(self):
        return {**super().__getstate__(), "rule": self.rule}

    def __setstate__(self, state):
        super().__setstate__(state)
        self._iterating = False
        self._flats = [self._flatten(group) for group in self.param_groups]


_KEYS = {"params", "param_names", "decay", "step", "initial_lr", "differentiable"}
_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def _kind(p):
    return str(p.dtype), str(p.device)


def _check_parameter(p):
    if not p.is_floating_point() or p.layout is not torch.strided:
        raise TypeError(f"params: a tensor of {p.dtype}, {p.layout}; expected dense real floating point")
    if any(stride == 0 and size > 1 for stride, size in zip(p.stride(), p.shape, strict=True)):
        raise ValueError(f"params: elements of a parameter of shape {tuple(p.shape)} share memory (expand); clone it")


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(ctx, layer, constants, *inputs):
        y, ctx.vjp = layer(*inputs, **constants)
        ctx.save_for_backward(*inputs)
        return y.detach()  # not y itself: what vjp keeps must not know its own graph

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        inputs = ctx.saved_tensors  # raises if one of them was changed since
        gradients = ctx.vjp(dy)
        if not isinstance(gradients, (tuple, list)) or len(gradients) != len(inputs):
            raise ValueError(f"vjp: expected {len(inputs)} gradients, one for each input, got {gradients!r}")
        return None, None, *gradients


class Layer(torch.nn.Module):
    """Any layer `y, vjp = layer(x, *params, **constants)` as a module of torch, called on the tensors `(x, *params)`.

    `vjp(dy)` gives the gradients of the inputs in their order, None for integers and masks. The gradient is the layer's
    own, and it is not differentiated again: a Hessian raises.
    Raises: TypeError for a constant that the layer does not have; ValueError for a wrong number of gradients.
    """

    def __init__(self, layer, **constants):
        super().__init__()
        inspect.signature(layer).bind_partial(**constants)
        self.layer, self.constants = layer, constants

    def forward(self, *inputs):
        return _Apply.apply(self.layer, self.constants, *inputs)

    def extra_repr(self):
        return ", ".join([name(self.layer), *(f"{key}={value!r}" for key, value in self.constants.items())])


def initialize(model, variance, distribution=normal, *, seed=0, bias=0.0):
    """Draw the weights of all `nn.Linear` and `nn.Conv*d` in `model` anew, set its biases, return it.

    A weight is `distribution(rng, (n, out), variance(fan_in, fan_out))` transposed, n = fan_in, one column per unit.
    Other parameters stay as they are. Differs: torch's own default is `uniform` with variance 1/(3 fan_in), also
    for biases. Raises: ValueError if the model has none of these layers.
    """
    rng = np.random.default_rng(seed)
    layers = [m for m in model.modules() if isinstance(m, _WEIGHTED)]
    if not layers:
        raise ValueError("initialize: model has no nn.Linear, nn.Conv1d, nn.Conv2d or nn.Conv3d")
    with torch.no_grad():
        for layer in layers:
            n, m = fans(layer.weight.shape)
            W = distribution(rng, (n, len(layer.weight)), variance(n, m))
            layer.weight.copy_(torch.as_tensor(W.T).reshape(layer.weight.shape))
            if layer.bias is not None:
                layer.bias.fill_(bias)
    return model
