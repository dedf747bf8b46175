"""A recurrent network that writes configurations and is trained by the losses they bring: architecture search."""

from math import isfinite

import torch

from ..optimizers import adam
from ..pytorch import RuleOptimizer
from .space import check_space, check_whole


class Controller(torch.nn.Module):
    """Writes one choice after the other with a recurrent network, which is fed the choice before; `sizes` of each."""

    def __init__(self, sizes, hidden):
        super().__init__()
        self.first = torch.nn.Parameter(torch.zeros(hidden))
        self.cell = torch.nn.RNNCell(hidden, hidden)
        self.heads = torch.nn.ModuleList(torch.nn.Linear(hidden, n) for n in sizes)
        self.embeddings = torch.nn.ModuleList(torch.nn.Embedding(n, hidden) for n in sizes)

    def forward(self, n, rng):
        """n sequences drawn with the generator `rng`, (n, L), and the logarithms of their probabilities (n,)."""
        x = self.first.expand(n, -1)
        h, drawn, log_p = torch.zeros_like(x), [], 0
        for head, embedding in zip(self.heads, self.embeddings, strict=True):
            h = self.cell(x, h)
            log_q = torch.log_softmax(head(h), dim=1)
            choice = torch.multinomial(log_q.exp().detach(), 1, generator=rng)
            log_p = log_p + log_q.gather(1, choice)[:, 0]  # (H.48)
            x = embedding(choice[:, 0])
            drawn.append(choice)
        return torch.cat(drawn, dim=1), log_p


def reinforce(space, *, trials=100, batch=10, lr=0.01, hidden=32, beta=0.8, seed=0):
    """Architecture search by a controller whose choices become more probable the less loss they bring.

    The reward is the negative loss (a failed trial has the worst so far), compared with its moving average of factor
    `beta`, this batch included, which only scales the mean gradient (H.55). All hyper-parameters of `space` are
    choices, written in the order of the dict.
    Equations (H.48), (H.52). Source: Zoph and Le 2017, section 3.2. Raises: ValueError if one is no choice.
    """
    for name, values in check_space(space).items():
        if not isinstance(values, list):
            raise ValueError(f"reinforce: {name}: {values!r}, expected a list of choices")
    check_whole("reinforce", "batch", batch, 1)
    rng, controller = torch.Generator().manual_seed(seed), _controller(space, hidden, seed)
    optimizer = RuleOptimizer(controller.parameters(), adam, lr=lr)
    finite, baseline = [], None
    for i in range(0, trials, batch):
        choices, log_p = controller(min(batch, trials - i), rng)
        losses = yield [_config(space, row) for row in choices.tolist()]
        finite += filter(isfinite, losses)
        reward = -torch.tensor([min(loss, max(finite, default=0.0)) for loss in losses])
        baseline = reward.mean() if baseline is None else beta * baseline + (1 - beta) * reward.mean()
        optimizer.zero_grad()
        (-(reward - baseline) * log_p).mean().backward()  # (H.52)
        optimizer.step()


def _controller(space, hidden, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Controller([len(values) for values in space.values()], hidden)


def _config(space, row):
    return {name: values[i] for (name, values), i in zip(space.items(), row, strict=True)}
