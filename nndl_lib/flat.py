"""The parameters of a network as one vector, and one step of an update rule on it.

A rule is arithmetic, the same for every element, so it runs once on the vector of all parameters instead of once for
each of them.
"""

from itertools import accumulate, groupby, pairwise

import numpy as np
import torch

from .compiled import numba, record
from .descent import attribute, name, signature

COMPILE_FROM = 10_000  # elements: below, the rule runs on plain tensors, since compiling takes longer than it saves
_CHUNK = 16_384  # elements: what one thread does at a time


def vector_states(rule, constants):
    """The names of the states of `rule` that have the shape of the gradient; the others are numbers.

    Raises: TypeError if the rule does not return a tuple of the update and its states.
    """
    state = signature(rule).states
    for _ in range(len(state) + 1):
        returned = rule(torch.ones(2, dtype=torch.float64), *state.values(), **constants)
        if not isinstance(returned, tuple) or len(returned) != 1 + len(state):
            expected = ", ".join(["delta", *state])
            raise TypeError(f"rule {name(rule)} returned {returned!r}, expected a tuple ({expected})")
        state = dict(zip(state, returned[1:], strict=True))
    return tuple(key for key, value in state.items() if isinstance(value, torch.Tensor))


def update(rule, theta, g, state, constants, shrink=None, ahead=None, ahead_next=None):
    """The new point and states: `theta` shrinks by the factor `shrink`, then the update is added (1.4).

    A rule with the attribute `lookahead` has its gradient taken ahead of theta (1.16). Then `theta` is the point ahead,
    before and after; `ahead` and `ahead_next` are the constants of the two displacements.
    """
    displacement = attribute(rule, "lookahead")
    if displacement:
        theta = theta - displacement(*state, **ahead)
    delta, *state = rule(g, *state, **constants)
    theta = shrink * theta + delta if shrink is not None else theta + delta
    if displacement:
        theta = theta + displacement(*state, **ahead_next)
    return theta, state


class Flat:
    """Parameters of one dtype and device as views of one vector `theta`, their states as views of one vector each.

    `counts[k]` holds what parameter k has in numbers: its scalar states, and under "ahead" the constants with which a
    rule that looks ahead last displaced it. `saved[k]` are the states to start from. Every vector is laid out in the
    order of `params`: those from `start` to `stop` are its slice `span(start, stop)`.
    """

    def __init__(self, rule, params, constants, saved):
        self.rule, self.params, self.displacement = rule, params, attribute(rule, "lookahead")
        self.ends = [0, *accumulate(p.numel() for p in params)]
        self.theta = torch.cat([p.detach().reshape(-1) for p in params])
        self.grad = torch.empty_like(self.theta)
        self.vectors = {key: torch.empty_like(self.theta) for key in vector_states(rule, constants)}
        self.scalars = [key for key in signature(rule).states if key not in self.vectors]
        self.counts = [self._restore(k, state, constants) for k, state in enumerate(saved)]
        self.gradients = self._views(self.grad)
        for p, view in zip(params, self._views(self.theta), strict=True):
            p.data = view
        self.addresses = [p.data_ptr() for p in params]
        self._chunks = {}
        self._recorded = self._record()

    def _views(self, vector):
        return [vector[a:b].view(p.shape) for p, (a, b) in zip(self.params, pairwise(self.ends), strict=True)]

    def _restore(self, k, saved, constants):
        """Write the saved vector states of parameter k into the vectors; return its numbers."""
        shape = self.params[k].shape
        values = {**signature(self.rule).states, **saved}
        for key, vector in self.vectors.items():
            if getattr(values[key], "shape", shape) != shape:
                raise ValueError(f"state {key!r} has shape {tuple(values[key].shape)}, expected {tuple(shape)}")
            vector[self.span(k, k + 1)].view(shape).copy_(torch.as_tensor(values[key]))
        ahead = {"ahead": saved.get("ahead", constants)} if self.displacement else {}
        return {key: values[key] for key in self.scalars} | ahead

    def states(self):
        """For each parameter its states by name: views of the vectors, and numbers."""
        views = {key: self._views(vector) for key, vector in self.vectors.items()}
        return [{**{key: v[k] for key, v in views.items()}, **counts} for k, counts in enumerate(self.counts)]

    def span(self, start, stop):
        return slice(self.ends[start], self.ends[stop])

    def check(self):
        """Raise RuntimeError where a parameter has left the vector, or has a gradient that it cannot hold."""
        if [p.data_ptr() for p in self.params] != self.addresses:
            raise RuntimeError(
                "parameters were given new memory after the optimizer was made (model.to(...), model.double(), p.data "
                "= ...): convert the model first, then make the optimizer; load_state_dict takes its state along"
            )
        if any(p.grad is not None and p.grad.layout is not torch.strided for p in self.params):
            raise RuntimeError("sparse gradients are not supported: make the layer with sparse=False")

    def step(self, constants, shrink, ahead):
        """One step of the parameters that have a gradient; neighbours with equal numbers are stepped together.

        `shrink` is the factor of theta or None, `ahead` the constants of the next displacement. Yields the parameters
        stepped and their new numbers.
        """
        grads = [p.grad for p in self.params]
        keys = [None if g is None else counts for g, counts in zip(grads, self.counts, strict=True)]
        for start, stop in _runs(keys):
            numbers = self._numbers(self.counts[start], constants, shrink, ahead)
            step = self._step_recorded if self._recorded else self._step_plain
            counts = dict(zip(self.scalars, step(start, stop, grads, numbers), strict=True))
            if ahead:
                counts["ahead"] = ahead
            self.counts[start:stop] = [counts] * (stop - start)
            torch.autograd.graph.increment_version(self.params[start:stop])
            yield self.params[start:stop], counts

    def _numbers(self, counts, constants, shrink, ahead):
        """All numbers of a step in a row, as `_stepped` reads them."""
        displaced = [*counts["ahead"].values(), *ahead.values()] if ahead else []
        return [*(counts[key] for key in self.scalars), *constants.values(), *displaced, shrink]

    def _stepped(self, arrays, numbers):
        """The new theta and vector states, and the new scalar states, from `arrays` = (theta, *vectors, g)."""
        (theta, *vectors, g), numbers = arrays, iter(numbers)
        states, constants = signature(self.rule)
        layout = [constants, constants] if self.displacement else [(), ()]
        scalars, constants, *displacements = (
            {key: next(numbers) for key in keys} for keys in (self.scalars, constants, *layout)
        )
        state = scalars | dict(zip(self.vectors, vectors, strict=True))
        state = [state[key] for key in states]
        theta, state = update(self.rule, theta, g, state, constants, next(numbers), *displacements)
        state = dict(zip(states, state, strict=True))
        return [theta, *(state[key] for key in self.vectors)], [state[key] for key in self.scalars]

    def _step_plain(self, start, stop, grads, numbers):
        span = self.span(start, stop)
        targets = [vector[span] for vector in (self.theta, *self.vectors.values())]
        torch._foreach_copy_(self.gradients[start:stop], grads[start:stop])
        results, scalars = self._stepped([*targets, self.grad[span]], numbers)
        results = [result.clone() if any(result is t for t in targets) else result for result in results]
        for target, result in zip(targets, results, strict=True):
            target.copy_(torch.as_tensor(result))
        return scalars

    def _record(self):
        """The step as a compiled loop, or None where it is to run on plain tensors."""
        if self.theta.numel() < COMPILE_FROM or self.theta.device.type != "cpu" or numba() is None:
            return None
        if self.theta.dtype not in (torch.float32, torch.float64):
            return None
        self._arrays = [vector.numpy() for vector in (self.theta, *self.vectors.values())]
        n_constants = len(signature(self.rule).constants) * (3 if self.displacement else 1)
        try:
            return record(self._stepped, len(self._arrays) + 1, len(self.scalars) + n_constants + 1)
        except Exception:  # not only + - * / **: the plain step runs it, or shows what is wrong with it
            return None

    def _step_recorded(self, start, stop, grads, numbers):
        """The numbers once, then the loop on the vectors; it reads the gradients where they lie."""
        numbers[-1] = 1.0 if numbers[-1] is None else numbers[-1]
        coefficients, scalars = self._recorded.numbers(*numbers)
        if (start, stop) not in self._chunks:
            self._chunks[start, stop] = self._cut(start, stop)
        chunks, owners, offsets = self._chunks[start, stop]
        grads = [g if g.is_contiguous() else g.contiguous() for g in grads[start:stop]]
        addresses = np.array([g.data_ptr() for g in grads])[owners] + offsets
        self._recorded.run(coefficients, chunks, addresses, self._arrays)
        return scalars

    def _cut(self, start, stop):
        """The chunks of a run: their starts and stops, whose they are, and at which byte of its gradient they begin."""
        spans = enumerate(pairwise(self.ends[start : stop + 1]))
        chunks = [(i, min(i + _CHUNK, b), k, i - a) for k, (a, b) in spans for i in range(a, b, _CHUNK)]
        first, last, owners, offsets = np.array(chunks, dtype=int).reshape(-1, 4).T
        return np.array([first, last]), owners, offsets * self.theta.element_size()

    def to_iterate(self):
        """Move the parameters from the point ahead to theta itself."""
        for start, stop in _runs(self.counts) if self.displacement else ():
            counts, span = self.counts[start], self.span(start, stop)
            state = counts | {key: vector[span] for key, vector in self.vectors.items()}
            state = [state[key] for key in signature(self.rule).states]
            self.theta[span] -= self.displacement(*state, **counts["ahead"])


def _runs(keys):
    """Start and stop of each run of equal neighbours in `keys`, leaving out None."""
    for key, members in groupby(range(len(keys)), key=keys.__getitem__):
        if key is not None:
            start, *rest = members
            yield start, start + 1 + len(rest)
