"""The state of a whole model, for each layer its cell's variables: joined, named for files, read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from charlm.arrays import Floats
from charlm.cells import Cell, State

States: TypeAlias = tuple[State, ...]


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
