"""The buffers of a recurrence, allocated once and reused for every window.

A forward pass leaves on its tape what its backward pass needs; what nobody keeps lies on a workbench, which the
layers of a network share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, Shapes, empty_steps

State: TypeAlias = tuple[Floats, ...]
Parameters: TypeAlias = Mapping[str, Floats]

# Backward passes first turn activations into local derivatives, a block of time steps at a time: few enough
# values to stay in a core's second-level cache, enough steps to spare the interpreter.
BLOCK_VALUES = 100_000
COPIED_ROWS = 64  # of a matrix at once: their cache lines stay in the first-level cache until they are used up


def block_length(seq_len: int, batch_size: int, width: int) -> int:
    """How many time steps of so many pre-activations a backward pass treats as one block."""
    return min(seq_len, max(1, BLOCK_VALUES // (batch_size * width)))


class Scratch:
    """Buffers for chunks of up to ``seq_len`` steps, for layers of one size, and their clock.

    Attributes:
        W_HG: W_hh with the gates outermost in memory, as products with few streams want it.
        product_BG: a step's recurrent product.
        rows_TBG: the gradient of a layer's pre-activations, in rows.
        dh_TBH: a block of the gradient with respect to the outputs, batch innermost.
        arrays: what the cell asks for, by name.
        after_recurrence: called in backward after the last step, before the weights' gradients.
    """

    def __init__(
        self,
        scratch_shapes: Shapes,
        seq_len: int,
        batch_size: int,
        hidden: int,
        width: int,
        dtype: npt.DTypeLike,
    ) -> None:
        """Allocate for layers of G = ``width``, and the cell's own shapes."""
        self.W_HG = empty_steps(hidden, width, dtype=dtype)
        self.product_BG = empty_steps(batch_size, width, dtype=dtype)
        self.rows_TBG: Floats = np.empty((seq_len, batch_size, width), dtype)
        self.dh_TBH = empty_steps(block_length(seq_len, batch_size, width), batch_size, hidden, dtype=dtype)
        self.arrays: dict[str, Floats] = {
            name: empty_steps(*shape, dtype=dtype) for name, shape in scratch_shapes.items()
        }
        self.after_recurrence: Callable[[], None] = lambda: None

    def arrange(self, W_hh: Floats) -> None:
        """Copy a layer's recurrent weights [H, G] into ``W_HG``."""
        for start in range(0, len(W_hh), COPIED_ROWS):
            some = slice(start, start + COPIED_ROWS)
            self.W_HG[some] = W_hh[some]


class StateHistory:
    """One state variable over a chunk: slot 0 holds what came in, slot t + 1 what step t produced.

    Attributes:
        slots_TBH: the slots (T + 1, B, H).
        initial_H: what a stream starts afresh from; None for zero.
        dinitial_H: the gradient with respect to that, as ``mask_gradient`` has summed it.
    """

    def __init__(self, seq_len: int, batch_size: int, hidden: int, dtype: npt.DTypeLike) -> None:
        self.slots_TBH = empty_steps(seq_len + 1, batch_size, hidden, dtype=dtype)
        self.initial_H: Floats | None = None
        self.dinitial_H: Floats | None = None
        self._carried_TBH: Floats | None = None
        self._carry_TB: Floats | None = None

    def begin(self, initial_BH: Floats, carry_TB: Floats | None) -> None:
        """Start a chunk from a state; ``carry_TB`` holds 0 where a stream starts afresh before a step."""
        self.slots_TBH[0] = initial_BH
        self._carry_TB = carry_TB
        self.dinitial_H = None if self.initial_H is None else np.zeros_like(self.initial_H)
        if carry_TB is not None and self._carried_TBH is None:
            self._carried_TBH = np.empty_like(self.slots_TBH[1:])

    def before_step(self, t: int) -> Floats:
        """The state that step t sees (B, H): what the step before produced, or the fresh state."""
        slot_BH: Floats = self.slots_TBH[t]
        if self._carry_TB is None or self._carried_TBH is None:
            return slot_BH
        kept_BH: Floats = self._carried_TBH[t]
        np.multiply(slot_BH, self._carry_TB[t, :, None], out=kept_BH)
        if self.initial_H is not None:
            kept_BH[self._carry_TB[t] == 0] = self.initial_H
        return kept_BH

    def states_before(self, steps: slice) -> Floats:
        """The states that these steps saw, once they have run (T, B, H)."""
        seen_TBH: Floats = self.slots_TBH[:-1]
        if self._carry_TB is not None and self._carried_TBH is not None:
            seen_TBH = self._carried_TBH
        return seen_TBH[steps]

    def states_after(self, steps: slice) -> Floats:
        """The states that these steps produced (T, B, H)."""
        after_TBH: Floats = self.slots_TBH[1:]
        return after_TBH[steps]

    def final(self, seq_len: int) -> Floats:
        """A copy of the state after the last step (B, H), which outlives the tape's next use."""
        last_BH: Floats = self.slots_TBH[seq_len]
        return last_BH.copy()

    def reset(self, h_TBH: Floats) -> None:
        """Make a chunk's incoming states the fresh one in place where a stream started afresh."""
        if self._carry_TB is not None:
            h_TBH *= self._carry_TB[..., None]
            if self.initial_H is not None:
                h_TBH[self._carry_TB == 0] = self.initial_H

    def mask_gradient(self, t: int, dstate_BH: Floats) -> None:
        """Stop a gradient in place where the stream started afresh before step t."""
        if self._carry_TB is not None:
            if self.dinitial_H is not None:
                self.dinitial_H += dstate_BH[self._carry_TB[t] == 0].sum(axis=0)
            dstate_BH *= self._carry_TB[t, :, None]


class ForwardCache:
    """What a forward pass leaves for its backward pass: buffers for chunks of up to ``seq_len`` steps.

    Attributes:
        history: the state's variables over the chunk.
        gates_TBG: the pre-activations that forward was given, then activations, then their gradient.
        saved: what else the cell keeps from forward to backward.
        scratch: what is not kept; layers of the same size can share it.
    """

    def __init__(
        self,
        states: int,
        saved_shapes: Shapes,
        seq_len: int,
        batch_size: int,
        hidden: int,
        dtype: npt.DTypeLike,
        scratch: Scratch,
    ) -> None:
        """Allocate for ``states`` variables and the cell's own shapes."""
        self.history = tuple(StateHistory(seq_len, batch_size, hidden, dtype) for _ in range(states))
        self.gates_TBG = empty_steps(0, batch_size, 0, dtype=dtype)
        self.saved: dict[str, Floats] = {
            name: empty_steps(*shape, dtype=dtype) for name, shape in saved_shapes.items()
        }
        self.scratch = scratch
        self._h_TBH: Floats = np.empty((seq_len + 1, batch_size, hidden), dtype)
        self._copy_TBH: Floats | None = None

    def begin(self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None) -> None:
        """Take over a chunk's pre-activations, and start from a state."""
        self.gates_TBG = a_TBG
        if "W_hh" in params:
            self.scratch.arrange(params["W_hh"])
        for track, initial_BH in zip(self.history, state, strict=True):
            track.begin(initial_BH, carry_TB)

    def finish(self) -> tuple[Floats, State]:
        """The outputs, in rows, and the state after the chunk."""
        seq_len = len(self.gates_TBG)
        slots_TBH: Floats = self._h_TBH[: seq_len + 1]
        np.copyto(slots_TBH, self.history[0].slots_TBH[: seq_len + 1])
        return slots_TBH[1:], tuple(track.final(seq_len) for track in self.history)

    def rows_before(self) -> Floats:
        """The states h that the steps saw, in rows (T * B, H); the outputs are used up."""
        h_TBH: Floats = self._h_TBH[: len(self.gates_TBG)]
        self.history[0].reset(h_TBH)
        return flatten_time(h_TBH)

    def gradient_rows(self) -> Floats:
        """The gradient of the pre-activations in rows (T, B, G), valid until the buffer's next use."""
        da_TBG: Floats = self.scratch.rows_TBG[: len(self.gates_TBG)]
        np.copyto(da_TBG, self.gates_TBG)
        return da_TBG

    def in_rows(self, x_TBH: Floats) -> Floats:
        """A copy of values over time as rows (T * B, H), valid until the next call."""
        if self._copy_TBH is None:
            self._copy_TBH = np.empty_like(self._h_TBH[1:])
        copy_TBH: Floats = self._copy_TBH[: len(x_TBH)]
        np.copyto(copy_TBH, x_TBH)
        return flatten_time(copy_TBH)

    def blocks_backward(self, dh_TBH: Floats) -> Iterator[tuple[slice, Floats]]:
        """The chunk's steps as blocks that fit the cache, last block first, each with its part of ``dh_TBH``.

        That part is a copy with the batch innermost, valid until the next block.
        """
        length = len(self.scratch.dh_TBH)
        for stop in range(len(dh_TBH), 0, -length):
            block = slice(max(0, stop - length), stop)
            own_TBH = self.scratch.dh_TBH[: stop - block.start]
            np.copyto(own_TBH, dh_TBH[block])
            yield block, own_TBH
        self.scratch.after_recurrence()


def flatten_time(x: Floats) -> Floats:
    """Time and batch as one axis: (T, B, X) as (T * B, X), a view."""
    return x.reshape(-1, x.shape[-1])
