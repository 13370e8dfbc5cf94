"""A learned initial state: what a stream starts from, a parameter h_0 (and c_0) of each layer in place of zero.

The gradient comes from the steps that start afresh: a chunk that goes on from the one before teaches it nothing.
(Long practice; Forcada & Carrasco 1995, "Learning the initial state of a second-order recurrent neural network".)
The values start at zero, so that a network begins as one without.
"""

from __future__ import annotations

from charlm.cells import Cell, Parameters, State, Tape

SUFFIX = "_0"


def initial_shapes(cell: Cell, hidden: int) -> dict[str, tuple[int, ...]]:
    """The parameters of a layer's initial state."""
    return {name + SUFFIX: (hidden,) for name in cell.state_names}


def write_initial_state(cell: Cell, params: Parameters, state: State) -> None:
    """Write a layer's initial state into every stream (B, H), where it is learned."""
    for name, variable_BH in zip(cell.state_names, state, strict=True):
        if name + SUFFIX in params:
            variable_BH[:] = params[name + SUFFIX]


def start_from(cell: Cell, params: Parameters, tape: Tape) -> None:
    """Have a layer's streams start from its initial state, where it is learned, in the pass that follows."""
    for name, track in zip(cell.state_names, tape.tracks, strict=True):
        track.fresh_H = params.get(name + SUFFIX)


def write_gradients(cell: Cell, tape: Tape, grads: Parameters) -> None:
    """Write the gradients of a layer's initial state, where it is learned, after its backward pass."""
    for name, track in zip(cell.state_names, tape.tracks, strict=True):
        if track.dfresh_H is not None:
            grads[name + SUFFIX][:] = track.dfresh_H
