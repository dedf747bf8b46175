"""The recurrent network of R replicas against `torch.nn.RNN`, one replica after the other."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nndl_lib.networks import start
from nndl_lib.normalization import standardize
from nndl_lib.recurrent import rnn


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_each_replica_equals_torchs(activation):
    net = rnn(5, 3, 4, 2, activation=getattr(torch, activation))
    theta = torch.randn(3, net.size, dtype=torch.float64)
    x = torch.randn(3, 6, 15, dtype=torch.float64)
    states = list(net.layers(x, theta))
    for r in range(3):
        (W, b), (U, c), (V, d) = [(part[0][r], part[1][r, 0]) for part in net.unpack(theta)]
        peer = nn.RNN(3, 4, nonlinearity=activation, batch_first=True, dtype=torch.float64)
        weights = (peer.weight_ih_l0, W.T), (peer.bias_ih_l0, b), (peer.weight_hh_l0, U.T), (peer.bias_hh_l0, c)
        for parameter, value in weights:
            parameter.data = value.clone()
        h, last = peer(x[r].reshape(6, 5, 3))
        for t in range(5):
            torch.testing.assert_close(states[t][r], h[:, t].detach(), rtol=0, atol=1e-12)
        torch.testing.assert_close(net(x, theta)[r], (last[0] @ V + d).detach(), rtol=0, atol=1e-12)


def test_a_layer_normalized_step_equals_torchs_layer_norm():
    net = rnn(4, 2, 5, 3, normalize=lambda z: standardize(z, -1)[0])
    theta, x = start(net, 1, dtype=torch.float64) + 0.1, torch.randn(6, 8, dtype=torch.float64)
    (W, b), (U, c), _ = [(part[0][0], part[1][0, 0]) for part in net.unpack(theta)]
    h = torch.zeros(6, 5, dtype=torch.float64)
    for t in range(4):
        h = torch.tanh(F.layer_norm(x[:, 2 * t : 2 * t + 2] @ W + h @ U, (5,)) + b + c)
        torch.testing.assert_close(list(net.layers(x, theta))[t][0], h, rtol=0, atol=1e-12)


def test_shared_inputs_equal_repeated_ones():
    net, x = rnn(3, 2, 4, 2), torch.randn(5, 6)
    theta = start(net, 2)
    torch.testing.assert_close(net(x, theta), net(x.expand(2, 5, 6), theta))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rnn(0, 2, 3, 4), "T=0"),
        (lambda: rnn(3, 0, 3, 4), "sizes"),
        (lambda: rnn(3, 2, 4, 2)(torch.zeros(5, 7), start(rnn(3, 2, 4, 2), 1)), r"x has shape \(5, 7\).*\(K, 6\)"),
        (lambda: rnn(3, 2, 4, 2)(torch.zeros(5, 6), torch.zeros(1, 9)), r"theta has shape \(1, 9\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
