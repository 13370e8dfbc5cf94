"""The layer-normalized LSTM."""

from charlm.models.equations.maths import normalize, sigmoid, split, tanh


def choose_step(config):
    """The step."""
    return step


def step(w, a, h, c):
    """Ba, Kiros & Hinton 2016, equations 20 to 22."""
    a = normalize(h @ w["weight_hh"].T) * w["gain_h"] + normalize(a) * w["gain_x"] + w["bias"]
    o, i, f, g = split(a, 4)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(normalize(c) * w["gain_c"] + w["bias_c"]), c
