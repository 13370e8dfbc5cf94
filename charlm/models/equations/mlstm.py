"""The multiplicative LSTM."""

from charlm.models.equations.maths import sigmoid, split, tanh


def choose_step(config):
    """The step."""
    return step


def step(w, a, h, c):
    """Krause et al. 2016."""
    a_m, a_o, a_i, a_f, a_g = split(a, 5)
    U_m, U_o, U_i, U_f, U_g = split(w["weight_hh"].T, 5)
    m = a_m * (h @ U_m)
    c = sigmoid(a_f + m @ U_f) * c + sigmoid(a_i + m @ U_i) * tanh(a_g + m @ U_g)
    return sigmoid(a_o + m @ U_o) * tanh(c), c
