"""The state of a whole model: for each layer, its cell's variables; zero or learned at first.

A learned initial state is a parameter h_0 (and c_0) of each layer in place of zero (Forcada & Carrasco 1995,
"Learning the initial state of a second-order recurrent neural network"). Its gradient comes from the steps that
start from it: a window that carries its state from the one before teaches it nothing. Its values start at zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from charlm.base.arrays import Floats
from charlm.nn.buffers import ForwardCache, Parameters, State
from charlm.nn.cell import Cell

States: TypeAlias = tuple[State, ...]
SUFFIX = "_0"


def join_states(states: tuple[States, ...]) -> States:
    """The states of several groups of streams as one, columns side by side."""
    return tuple(
        tuple(np.concatenate(parts) for parts in zip(*layers, strict=True))
        for layers in zip(*states, strict=True)
    )


def named_states(states: States, cell: Cell) -> Mapping[str, Floats]:
    """A state's arrays by name, such as ``state.0.h``, as files hold them."""
    return {
        f"state.{layer}.{name}": array
        for layer, arrays in enumerate(states)
        for name, array in zip(cell.state_names, arrays, strict=True)
    }


def states_of(arrays: Mapping[str, Floats], like: States, cell: Cell) -> States:
    """The state whose arrays ``named_states`` named, with as many layers as ``like`` has."""
    return tuple(
        tuple(arrays[f"state.{layer}.{name}"].copy() for name in cell.state_names) for layer in range(len(like))
    )


def initial_shapes(cell: Cell, hidden: int) -> dict[str, tuple[int, ...]]:
    """The parameters of a layer's initial state."""
    return {name + SUFFIX: (hidden,) for name in cell.state_names}


def write_initial_state(cell: Cell, params: Parameters, state: State) -> None:
    """Write a layer's initial state into every stream (B, H), where it is learned."""
    for name, variable_BH in zip(cell.state_names, state, strict=True):
        if name + SUFFIX in params:
            variable_BH[:] = params[name + SUFFIX]


def start_from(cell: Cell, params: Parameters, cache: ForwardCache) -> None:
    """Have a layer's streams start from its initial state, where it is learned, in the pass that follows."""
    for name, track in zip(cell.state_names, cache.history, strict=True):
        track.initial_H = params.get(name + SUFFIX)


def write_gradients(cell: Cell, cache: ForwardCache, grads: Parameters) -> None:
    """Write the gradients of a layer's initial state, where it is learned, after its backward pass."""
    for name, track in zip(cell.state_names, cache.history, strict=True):
        if track.dinitial_H is not None:
            grads[name + SUFFIX][:] = track.dinitial_H
