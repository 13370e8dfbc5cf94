"""Buffers of a recurrence, reused for every window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, Shapes, empty_steps
from charlm.base.timing import Stopwatch
from charlm.nn.units import Units

State: TypeAlias = tuple[Floats, ...]
Parameters: TypeAlias = Mapping[str, Floats]
WindowSize: TypeAlias = tuple[int, int, int]
"""(T, B, H)."""

# Backward passes turn activations into local derivatives in blocks of time steps: small enough for a core's
# second-level cache, large enough to keep the interpreter's share low.
BLOCK_VALUES = 100_000
COPIED_ROWS = 8  # of a matrix at a time, so that their cache lines stay in the first-level cache


def block_length(seq_len: int, batch_size: int, width: int) -> int:
    """The number of steps in a backward block."""
    return min(seq_len, max(1, BLOCK_VALUES // (batch_size * width)))


class Scratch:
    """Temporary arrays for up to (T, B, H), shared by layers."""

    def __init__(
        self,
        shapes: Shapes,
        size: WindowSize,
        gates: int,
        dtype: npt.DTypeLike,
        is_residual: bool = False,
        units: Units | None = None,
    ) -> None:
        """Allocate for layers with this number of gates; H in ``size`` counts own units."""
        seq_len, batch_size, hidden = size
        width = gates * hidden
        self.units = Units(hidden) if units is None else units
        self.W_HG = empty_steps(self.units.hidden, width, dtype=dtype)
        self.product_BG = empty_steps(batch_size, width, dtype=dtype)
        self.units.reserve(seq_len, batch_size, gates, dtype)
        self.rows_TBG: Floats = np.empty((seq_len, batch_size, width), dtype)
        self.dh_TBH = empty_steps(block_length(seq_len, batch_size, width), batch_size, hidden, dtype=dtype)
        self.dx_TBH: Floats = np.empty(size, dtype)
        self.around_TBH: Floats = np.empty(size if is_residual else (0, 0, 0), dtype)
        self.arrays = {name: empty_steps(*shape, dtype=dtype) for name, shape in shapes.items()}
        self.stopwatch = Stopwatch()

    def arrange(self, W_hh: Floats) -> None:
        """Copy the columns of own units of W_hh [H, G] into ``W_HG``."""
        columns = self.units.columns(W_hh)
        own = self.W_HG.reshape(columns.shape)
        for start in range(0, len(W_hh), COPIED_ROWS):
            own[start : start + COPIED_ROWS] = columns[start : start + COPIED_ROWS]


class StateHistory:
    """One state variable; slot t is the state before step t."""

    def __init__(self, seq_len: int, batch_size: int, hidden: int, dtype: npt.DTypeLike) -> None:
        self.slots_TBH = empty_steps(seq_len + 1, batch_size, hidden, dtype=dtype)
        self.initial_H: Floats | None = None
        self.dinitial_H: Floats | None = None
        self._carried_TBH: Floats | None = None
        self._carry_TB: Floats | None = None

    def begin(self, initial_BH: Floats, carry_TB: Floats | None) -> None:
        """Start; ``carry_TB`` is 0 where a document starts."""
        self.slots_TBH[0] = initial_BH
        self._carry_TB = carry_TB
        self.dinitial_H = None if self.initial_H is None else np.zeros_like(self.initial_H)
        if carry_TB is not None and self._carried_TBH is None:
            self._carried_TBH = np.empty_like(self.slots_TBH[1:])

    def before_step(self, t: int) -> Floats:
        """The state that step t reads (B, H)."""
        slot_BH: Floats = self.slots_TBH[t]
        if self._carry_TB is None or self._carried_TBH is None:
            return slot_BH
        kept_BH: Floats = self._carried_TBH[t]
        np.multiply(slot_BH, self._carry_TB[t, :, None], out=kept_BH)
        if self.initial_H is not None:
            kept_BH[self._carry_TB[t] == 0] = self.initial_H
        return kept_BH

    def states_before(self, steps: slice) -> Floats:
        """The states before these steps (T, B, H)."""
        before_TBH: Floats = self.slots_TBH[:-1]
        if self._carry_TB is not None and self._carried_TBH is not None:
            before_TBH = self._carried_TBH
        return before_TBH[steps]

    def states_after(self, steps: slice) -> Floats:
        """The states after these steps (T, B, H)."""
        after_TBH: Floats = self.slots_TBH[1:]
        return after_TBH[steps]

    def final(self, seq_len: int) -> Floats:
        """A copy of the last state (B, H)."""
        last_BH: Floats = self.slots_TBH[seq_len]
        return last_BH.copy()

    def reset(self, h_TBH: Floats) -> None:
        """Write the initial state where carry is 0."""
        if self._carry_TB is not None:
            h_TBH *= self._carry_TB[..., None]
            if self.initial_H is not None:
                h_TBH[self._carry_TB == 0] = self.initial_H

    def mask_gradient(self, t: int, dstate_BH: Floats) -> None:
        """Zero a gradient where carry is 0; ``dinitial_H`` receives it if learned."""
        if self._carry_TB is not None:
            if self.dinitial_H is not None:
                self.dinitial_H += dstate_BH[self._carry_TB[t] == 0].sum(axis=0)
            dstate_BH *= self._carry_TB[t, :, None]


class ForwardCache:
    """What a layer saves for backward, up to (T, B, H)."""

    def __init__(
        self, states: int, shapes: Shapes, size: WindowSize, dtype: npt.DTypeLike, scratch: Scratch
    ) -> None:
        """Allocate for ``states`` variables."""
        seq_len, batch_size, hidden = size
        self.history = tuple(StateHistory(seq_len, batch_size, hidden, dtype) for _ in range(states))
        self.gates_TBG = empty_steps(0, batch_size, 0, dtype=dtype)
        self.saved = {name: empty_steps(*shape, dtype=dtype) for name, shape in shapes.items()}
        self.scratch = scratch
        self.gather, self.transpose = scratch.units.gather, scratch.units.transpose
        self._h_TBH = scratch.units.empty((seq_len + 1, batch_size, scratch.units.hidden), dtype)
        self._copy_TBH: Floats | None = None

    def begin(self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None) -> None:
        """Take over pre-activations and first state."""
        self.gates_TBG = a_TBG
        if "W_hh" in params:
            self.scratch.arrange(params["W_hh"])
        for variable, initial_BH in zip(self.history, state, strict=True):
            variable.begin(initial_BH, carry_TB)

    def finish(self) -> tuple[Floats, State]:
        """The outputs of all units (T, B, H), after the next barrier, and the last state of own units."""
        seq_len = len(self.gates_TBG)
        slots_TBH: Floats = self._h_TBH[: seq_len + 1]
        np.copyto(slots_TBH[..., self.scratch.units.own], self.history[0].slots_TBH[: seq_len + 1])
        return slots_TBH[1:], tuple(variable.final(seq_len) for variable in self.history)

    def rows_before(self) -> Floats:
        """The incoming h of all units as rows (T * B, H); overwrites the outputs."""
        h_TBH: Floats = self._h_TBH[: len(self.gates_TBG)]
        self.history[0].reset(h_TBH[..., self.scratch.units.own])
        self.scratch.units.synchronize()
        return flatten_time(h_TBH)

    def gradient_rows(self) -> Floats:
        """The pre-activations' gradient (T, B, G), until the next use."""
        da_TBG: Floats = self.scratch.rows_TBG[: len(self.gates_TBG)]
        np.copyto(da_TBG, self.gates_TBG)
        return da_TBG

    def in_rows(self, x_TBH: Floats) -> Floats:
        """A copy as rows (T * B, H), until the next call."""
        if self._copy_TBH is None:
            self._copy_TBH = np.empty((len(self._h_TBH) - 1, *x_TBH.shape[1:]), x_TBH.dtype)
        copy_TBH: Floats = self._copy_TBH[: len(x_TBH)]
        np.copyto(copy_TBH, x_TBH)
        return flatten_time(copy_TBH)

    def all_rows(self, x_TBH: Floats) -> Floats:
        """A copy of all units' values as rows (T * B, H), until the next call."""
        return self.scratch.units.gather_rows(self.in_rows(x_TBH))

    def blocks_backward(self, dh_TBH: Floats) -> Iterator[tuple[slice, Floats]]:
        """Blocks of steps, last first, with copies of ``dh_TBH``."""
        length = len(self.scratch.dh_TBH)
        for stop in range(len(dh_TBH), 0, -length):
            block = slice(max(0, stop - length), stop)
            own_TBH = self.scratch.dh_TBH[: stop - block.start]
            np.copyto(own_TBH, dh_TBH[block])
            yield block, own_TBH
        self.scratch.stopwatch.end("recurrence backward")


def flatten_time(x: Floats) -> Floats:
    """A view (T * B, X) of (T, B, X)."""
    return x.reshape(-1, x.shape[-1])
