"""Two parameter vectors of one function."""


def rescaled(net, theta, factor):
    """The same ReLU network with one hidden layer: its first layer times the factor, its second divided by it."""
    twin = theta.clone()
    (W1, b1), (W2, _) = net.unpack(twin)
    W1 *= factor
    b1 *= factor
    W2 /= factor
    return twin
