"""Jacobians of a recurrent state through time, by the backward pass.

The state s is all layers' variables side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.engines.numpy.network import open_network
from charlm.inference.unroll import reset_marks, unroll, windows
from charlm.models.char_rnn import Model
from charlm.nn.readout import loss_and_gradient
from charlm.nn.state import States, select_columns


@dataclass(frozen=True)
class Passage:
    """Characters that a model reads, and its states.

    Attributes:
        x_T: the characters.
        states: T + 1 states of one sequence.
        dloss_S: gradient of the next loss by the last state.
        end: the id before which the state is reset.
    """

    x_T: TokenIds
    states: list[States]
    dloss_S: Floats
    end: int | None = None


def read_passages(model: Model, ids_TP: TokenIds, length: int, end: int | None = None) -> list[Passage]:
    """Read P texts (T, P) and keep the last ``length`` characters.

    The last of each is only predicted.
    """
    (steps, count), y_P = ids_TP[:-1].shape, ids_TP[-1]
    x_N = ids_TP[:-1].T.reshape(-1)
    network = open_network(model)
    network.begin(count)
    states = [network.state]
    for _ in unroll(network, windows(x_N, reset_marks(x_N, end), np.arange(count) * steps, 0, steps, size=1)):
        states = [*states[-length:], network.state]
    dloss_PS = _loss_gradients(model, states[-1], y_P)
    return [
        Passage(ids_TP[-1 - length : -1, p], [select_columns(state, [p]) for state in states], dloss_PS[p], end)
        for p in range(count)
    ]


def jacobians(model: Model, passage: Passage) -> Iterator[Floats]:
    """ds_t/ds_k for k = t - 1, t - 2, ... back to the start, each (S, S).

    Rows are components of s_t, columns of s_k; NaN where s_t has overflowed.
    """
    size = state_size(model)
    buffers = model.buffers(1, size)
    unused = model.params.zeros_like()
    zero_dh_TBH = np.zeros_like(buffers.dh_TBH)
    jacobian_SS: Floats = np.eye(size, dtype=model.dtype)
    if not np.isfinite(_joined(passage.states[-1])).all():
        jacobian_SS[:] = np.nan  # not 0, which is the derivative that a ReLU would give
    x_T, starts_S = passage.x_T, np.zeros(size, np.intp)
    steps = [*windows(x_T, reset_marks(x_T, passage.end), starts_S, 0, len(x_T), size=1)]
    for step, before in zip(reversed(steps), passage.states[-2::-1], strict=True):
        model.forward(step.x_TB, select_columns(before, [0] * size), buffers, step.carry_TB)
        dstate = _split(model, jacobian_SS)
        jacobian_SS = _joined(model.backward(zero_dh_TBH.copy(), dstate, buffers, unused))
        yield jacobian_SS


def state_size(model: Model) -> int:
    """S, the numbers of a state."""
    return model.config.layers * len(model.cell.state_names) * model.config.hidden


def components_of(model: Model, name: str) -> npt.NDArray[np.intp]:
    """The components of one of the cell's variables."""
    names = model.cell.state_names
    owners_S = np.arange(state_size(model)) // model.config.hidden % len(names)
    return np.flatnonzero(owners_S == names.index(name))


def _loss_gradients(model: Model, state: States, y_P: TokenIds) -> Floats:
    """Each sequence's next loss, differentiated by its state (P, S)."""
    gradients = model.zero_state(len(y_P))
    unused = model.params.zeros_like()
    dh_PH = gradients[-1][0]
    loss_and_gradient(model.params, model.output(state), y_P, None, 1, dh_PH, unused)
    for dlower_PH, *_ in gradients[:-1] if model.config.residual else ():
        dlower_PH[:] = dh_PH
    return _joined(gradients)


def _joined(states: States) -> Floats:
    return np.concatenate([variable for layer in states for variable in layer], axis=1)


def _split(model: Model, joined_BS: Floats) -> States:
    layers = np.split(joined_BS, model.config.layers, axis=1)
    return tuple(tuple(np.split(layer, len(model.cell.state_names), axis=1)) for layer in layers)
