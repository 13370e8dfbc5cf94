"""A model's state, initially zero or learned (Forcada & Carrasco 1995)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.nn.buffers import ForwardCache, Parameters, State
from charlm.nn.cell import Cell

States: TypeAlias = tuple[State, ...]
SUFFIX = "_0"


def join_states(states: tuple[States, ...]) -> States:
    """Concatenate states along the batch axis."""
    return tuple(
        tuple(np.concatenate(parts) for parts in zip(*layers, strict=True))
        for layers in zip(*states, strict=True)
    )


def select_columns(states: States, columns: slice | list[int]) -> States:
    """Some sequences' states."""
    return tuple(tuple(variable_BH[columns] for variable_BH in layer) for layer in states)


def with_reset(carry_TB: Floats | None, shape: tuple[int, ...], dtype: npt.DTypeLike, step: int) -> Floats:
    """A copy of a mask (T, B), or of ones, that is 0 at one step, where a learned state is read."""
    reset_TB = np.ones(shape, dtype) if carry_TB is None else carry_TB.astype(dtype)
    reset_TB[step] = 0
    return reset_TB


def named_states(states: States, cell: Cell) -> Mapping[str, Floats]:
    """Arrays by name, such as ``state.0.h``."""
    return {
        f"state.{layer}.{name}": array
        for layer, arrays in enumerate(states)
        for name, array in zip(cell.state_names, arrays, strict=True)
    }


def restore_states(arrays: Mapping[str, Floats], like: States, cell: Cell) -> States:
    """The inverse of ``named_states``."""
    return tuple(
        tuple(arrays[f"state.{layer}.{name}"].copy() for name in cell.state_names) for layer in range(len(like))
    )


def initial_state_shapes(cell: Cell, hidden: int) -> dict[str, tuple[int, ...]]:
    """A learned initial state's shapes."""
    return {name + SUFFIX: (hidden,) for name in cell.state_names}


def write_initial_state(cell: Cell, params: Parameters, state: State) -> None:
    """Write a learned initial state to all sequences (B, H)."""
    for name, variable_BH in zip(cell.state_names, state, strict=True):
        if name + SUFFIX in params:
            variable_BH[:] = params[name + SUFFIX]


def use_initial_state(cell: Cell, params: Parameters, cache: ForwardCache) -> None:
    """Use a learned initial state next."""
    for name, variable in zip(cell.state_names, cache.history, strict=True):
        variable.initial_H = params.get(name + SUFFIX)


def write_initial_gradients(cell: Cell, cache: ForwardCache, grads: Parameters) -> None:
    """Write a learned initial state's gradient."""
    for name, variable in zip(cell.state_names, cache.history, strict=True):
        if variable.dinitial_H is not None:
            grads[name + SUFFIX][:] = variable.dinitial_H
