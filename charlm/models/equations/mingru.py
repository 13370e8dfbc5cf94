"""The minimal GRU."""

from charlm.models.equations.maths import sigmoid, split


def choose_step(config):
    """The step."""
    return step


def step(w, a, h):
    """Feng et al. 2024, with a linear candidate."""
    a_z, candidate = split(a, 2)
    z = sigmoid(a_z)
    return ((1 - z) * h + z * candidate,)
