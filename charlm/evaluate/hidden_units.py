"""Hidden units: their values through a text, and their names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.engines.numpy.network import open_network
from charlm.engines.threads import ThreadPool
from charlm.inference.unroll import reset_marks, unroll, windows
from charlm.models.char_rnn import Model

SEQUENCES, BURN_IN = 64, 256  # a text is read as so many sequences, each after so many characters before its own


def read_units(model: Model, x_N: npt.NDArray[Any], end: int | None, pool: ThreadPool | None = None) -> Floats:
    """Every unit after each character (S, N): layer by layer, h and then c."""
    count = max(1, min(SEQUENCES, len(x_N) // (4 * BURN_IN)))
    length = math.ceil(len(x_N) / count)
    starts_B = np.arange(count) * length
    ends_B = np.minimum(starts_B + length, len(x_N))
    network = open_network(model, pool)
    network.begin(count)
    marks_N = reset_marks(x_N, end, np.zeros(1, np.intp))
    burn_in = min(BURN_IN, int(starts_B[-1]))
    units_SN: Floats = np.empty((unit_count(model), len(x_N)), model.dtype)
    parts = windows(x_N, marks_N, starts_B, -burn_in, 0, length, ends_B=ends_B, size=1)
    for window, _ in unroll(network, parts):
        own_B = window.is_own_TB[0]
        units_BS = np.concatenate([variable for layer in network.state for variable in layer], axis=1)
        units_SN[:, window.places_TB[0, own_B]] = units_BS[own_B].T
    return units_SN


def unit_count(model: Model) -> int:
    """S, over all layers and variables of the state."""
    return model.config.layers * len(model.cell.state_names) * model.config.hidden


def unit_name(model: Model, unit: int) -> str:
    """A unit's layer, variable and number, counted from 1.

    >>> from charlm.config import ModelConfig
    >>> unit_name(Model(ModelConfig(cell="lstm", hidden=4), 3), 6)
    'c 3'
    """
    variable, number = divmod(unit, model.config.hidden)
    layer, variable = divmod(variable, len(model.cell.state_names))
    name = f"{model.cell.state_names[variable]} {number + 1}"
    return f"layer {layer + 1} {name}" if model.config.layers > 1 else name


def mean_ranks(values_N: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Ranks from 1, tied values at their mean.

    >>> mean_ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    order_N = np.argsort(values_N)
    sorted_N = values_N[order_N]
    starts = np.flatnonzero(np.append(True, sorted_N[1:] != sorted_N[:-1]))
    counts = np.diff(np.append(starts, len(values_N)))
    ranks_N = np.empty(len(values_N))
    ranks_N[order_N] = np.repeat(starts + (counts + 1) / 2, counts)
    return ranks_N
