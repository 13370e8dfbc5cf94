"""The LSTM."""

from charlm.models.equations.maths import sigmoid, split, tanh


def choose_step(config):
    """The step."""
    return step


def step(w, a, h, c):
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000."""
    i, f, g, o = split(a + h @ w["weight_hh"].T, 4)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c
