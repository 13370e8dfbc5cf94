"""The vanilla RNN."""

from charlm.models.equations.maths import relu, tanh


def choose_step(config):
    """The step with the cell's activation."""
    return step_relu if config.own.nonlinearity == "relu" else step


def step(w, a, h):
    """Elman 1990."""
    return (tanh(a + h @ w["weight_hh"].T),)


def step_relu(w, a, h):
    """Elman 1990, with ReLU."""
    return (relu(a + h @ w["weight_hh"].T),)
