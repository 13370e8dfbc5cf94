"""The GRU, with the reset gate before or after the product."""

from charlm.models.equations.maths import sigmoid, split, tanh


def choose_step(config):
    """The step of the variant."""
    return step_reset_after if config.own.reset_after else step


def step(w, a, h):
    """Cho et al. 2014: the reset gate comes before the product, unlike in torch.nn.GRU."""
    a_r, a_z, a_n = split(a, 3)
    U_r, U_z, U_n = split(w["weight_hh"].T, 3)
    r = sigmoid(a_r + h @ U_r)
    z = sigmoid(a_z + h @ U_z)
    n = tanh(a_n + (r * h) @ U_n)
    return (z * h + (1 - z) * n,)


def step_reset_after(w, a, h):
    """The GRU of torch.nn.GRU: the reset gate comes after the product."""
    a_r, a_z, a_n = split(a, 3)
    u_r, u_z, u_n = split(h @ w["weight_hh"].T + w["bias_hh"], 3)
    r = sigmoid(a_r + u_r)
    z = sigmoid(a_z + u_z)
    n = tanh(a_n + r * u_n)
    return (z * h + (1 - z) * n,)
