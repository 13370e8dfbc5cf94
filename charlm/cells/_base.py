"""What a recurrent cell is: a recurrence over pre-activations that are already projected from its input.

A layer multiplies its whole input by W_xh and adds b_h in one product; the cell then runs its recurrence over
the T steps of the result. So a cell's file holds its equations and their derivatives, and nothing else. Buffers
live on a tape, allocated once and reused for every chunk. The gradient of the loss with respect to x is called
``dx`` throughout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.arrays import Floats, empty_steps
from charlm.config import ModelConfig
from charlm.initialise import orthogonal_blocks

State: TypeAlias = tuple[Floats, ...]
Parameters: TypeAlias = Mapping[str, Floats]

# Backward passes first turn activations into local derivatives, a block of time steps at a time: few enough
# values to stay in a core's second-level cache, enough steps to spare the interpreter.
BLOCK_VALUES = 100_000


class Track:
    """One state variable over a chunk: slot 0 holds what came in, slot t + 1 what step t produced."""

    def __init__(self, seq_len: int, batch_size: int, hidden: int, dtype: npt.DTypeLike) -> None:
        self.slots_TBH = empty_steps(seq_len + 1, batch_size, hidden, dtype=dtype)
        self._kept_TBH: Floats | None = None
        self._keep_TB: Floats | None = None

    def begin(self, initial_BH: Floats, keep_TB: Floats | None) -> None:
        """Start a chunk from a state; ``keep_TB`` holds 0 where a stream starts afresh before a step."""
        self.slots_TBH[0] = initial_BH
        self._keep_TB = keep_TB
        if keep_TB is not None and self._kept_TBH is None:
            self._kept_TBH = np.empty_like(self.slots_TBH[1:])

    def incoming(self, t: int) -> Floats:
        """The state that step t sees (B, H): what the step before produced, or zero."""
        slot_BH: Floats = self.slots_TBH[t]
        if self._keep_TB is None or self._kept_TBH is None:
            return slot_BH
        kept_BH: Floats = self._kept_TBH[t]
        return np.multiply(slot_BH, self._keep_TB[t, :, None], out=kept_BH)

    def all_incoming(self, steps: slice) -> Floats:
        """The states that these steps saw, once they have run (T, B, H)."""
        seen_TBH: Floats = self.slots_TBH[:-1]
        if self._keep_TB is not None and self._kept_TBH is not None:
            seen_TBH = self._kept_TBH
        return seen_TBH[steps]

    def produced(self, steps: slice) -> Floats:
        """The states that these steps produced (T, B, H)."""
        after_TBH: Floats = self.slots_TBH[1:]
        return after_TBH[steps]

    def final(self, seq_len: int) -> Floats:
        """A copy of the state after the last step (B, H), which outlives the tape's next use."""
        last_BH: Floats = self.slots_TBH[seq_len]
        return last_BH.copy()

    def cut(self, t: int, dstate_BH: Floats) -> None:
        """Stop a gradient in place where the stream started afresh before step t."""
        if self._keep_TB is not None:
            dstate_BH *= self._keep_TB[t, :, None]


class Tape:
    """What a forward pass leaves for its backward pass: buffers for chunks of up to ``seq_len`` steps.

    Attributes:
        tracks: the state's variables over the chunk.
        gates_TBG: the pre-activations that forward was given, then activations, then their gradient.
        W_HG: W_hh with the gates outermost in memory, as products with few streams want it.
        product_BG: a step's recurrent product.
        h_TBH: the outputs, in rows.
        scratch: the cell's own buffers.
    """

    def __init__(
        self,
        cell: Cell,
        seq_len: int,
        batch_size: int,
        hidden: int,
        dtype: npt.DTypeLike,
        rows_TBG: Floats | None = None,
    ) -> None:
        width = len(cell.gates) * hidden
        self.tracks = tuple(Track(seq_len, batch_size, hidden, dtype) for _ in cell.state_names)
        self.gates_TBG = empty_steps(0, batch_size, width, dtype=dtype)
        self.W_HG = empty_steps(hidden, width, dtype=dtype)
        self.product_BG = empty_steps(batch_size, width, dtype=dtype)
        self.h_TBH: Floats = np.empty((seq_len, batch_size, hidden), dtype)
        self._rows_TBG: Floats = np.empty((seq_len, batch_size, width), dtype) if rows_TBG is None else rows_TBG
        self._rows: dict[str, Floats] = {}
        self.scratch: dict[str, Floats] = {
            name: empty_steps(*shape, dtype=dtype)
            for name, shape in cell.scratch_shapes(seq_len, batch_size, hidden).items()
        }

    def begin(self, params: Parameters, a_TBG: Floats, state: State, keep_TB: Floats | None) -> None:
        """Take over a chunk's pre-activations, and start from a state."""
        self.gates_TBG = a_TBG
        np.copyto(self.W_HG, params["W_hh"])
        for track, initial_BH in zip(self.tracks, state, strict=True):
            track.begin(initial_BH, keep_TB)

    def finish(self) -> tuple[Floats, State]:
        """The outputs, in rows, and the state after the chunk."""
        seq_len = len(self.gates_TBG)
        h_TBH: Floats = self.h_TBH[:seq_len]
        np.copyto(h_TBH, self.tracks[0].produced(slice(seq_len)))
        return h_TBH, tuple(track.final(seq_len) for track in self.tracks)

    def gradient_rows(self) -> Floats:
        """The gradient of the pre-activations in rows (T, B, G), valid until the buffer's next use."""
        da_TBG: Floats = self._rows_TBG[: len(self.gates_TBG)]
        np.copyto(da_TBG, self.gates_TBG)
        return da_TBG

    def in_rows(self, x_TBH: Floats, name: str) -> Floats:
        """A copy as rows (T * B, H), valid until the next call for a buffer of this name."""
        if name not in self._rows:
            self._rows[name] = np.empty_like(self.h_TBH)
        copy_TBH: Floats = self._rows[name][: len(x_TBH)]
        np.copyto(copy_TBH, x_TBH)
        return rows(copy_TBH)

    def blocks_backward(self) -> Iterator[slice]:
        """The chunk's steps as blocks that fit the cache, last block first."""
        seq_len, batch_size, width = self.gates_TBG.shape
        length = max(1, BLOCK_VALUES // (batch_size * width))
        for stop in range(seq_len, 0, -length):
            yield slice(max(0, stop - length), stop)


class Cell(ABC):
    """One kind of recurrence. Instances hold settings only; parameters and buffers are passed in.

    Attributes of a class:
        gates: the blocks of G = len(gates) * H, in the order of this file.
        torch_gates: the same in PyTorch's order; None where PyTorch has no cell with these equations.
        recurrent_biases: per gate, the name of a bias that belongs to the recurrent product alone.
        state_names: the state's variables; the first is the output h.
        settings: the fields of ModelConfig that only some cells use, and this one does.
    """

    gates: ClassVar[tuple[str, ...]]
    torch_gates: ClassVar[tuple[str, ...] | None] = None
    recurrent_biases: ClassVar[Mapping[str, str]] = {}
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    settings: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """The cell with its own settings taken from a model's."""
        return cls(**{name: getattr(config, name) for name in cls.settings})

    def shapes(self, hidden: int) -> dict[str, tuple[int, ...]]:
        """The recurrence's own parameters."""
        return {"W_hh": (hidden, len(self.gates) * hidden)}

    def scratch_shapes(self, seq_len: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """Further buffers that this cell wants on its tape, (B, X) or (T, B, X), batch innermost."""
        return {}

    def initialise(self, params: Parameters, rng: np.random.Generator) -> None:
        """Fill W_hh with one orthogonal block a gate (Saxe et al. 2014) and the biases with zeros, in place.

        ``params`` holds the recurrence's own and the layer's W_xh and b_h, where W_xh is filled already.
        """
        orthogonal_blocks(params["W_hh"], rng)
        params["b_h"][:] = 0
        for name in self.recurrent_biases.values():
            params[name][:] = 0

    def tape(
        self,
        seq_len: int,
        batch_size: int,
        hidden: int,
        dtype: npt.DTypeLike,
        rows_TBG: Floats | None = None,
    ) -> Tape:
        """Buffers for chunks of up to ``seq_len`` steps of ``batch_size`` streams.

        Several layers can share ``rows_TBG``, where backward leaves the gradient of the pre-activations.
        """
        return Tape(self, seq_len, batch_size, hidden, dtype, rows_TBG)

    @abstractmethod
    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, keep_TB: Floats | None, tape: Tape
    ) -> tuple[Floats, State]:
        """Run the recurrence.

        Args:
            params: the recurrence's own parameters.
            a_TBG: pre-activations x @ W_xh + b_h; taken over and overwritten by the tape. Fastest with the
                batch innermost.
            state: each variable of ``state_names`` before the first step (B, H).
            keep_TB: None, or 0 and 1 that multiply the state that arrives at each step.
            tape: this cell's buffers.

        Returns:
            The outputs h_TBH, a view that is valid until the tape is used again, and the state after the last
            step.
        """

    @abstractmethod
    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, tape: Tape, grads: Parameters
    ) -> tuple[Floats, State]:
        """Run the recurrence's derivative, from the last step to the first.

        Args:
            params: as they were in forward.
            dh_TBH: gradient with respect to the outputs.
            dstate: gradient with respect to the state after the last step.
            tape: as forward left it; used up.
            grads: where the gradients of the recurrence's own parameters are written, not added.

        Returns:
            The gradients with respect to a_TBG (a view of the tape's, in rows) and to the state before the first
            step.
        """

    @abstractmethod
    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        """One step of forward with no tape, for sampling; a_BG is overwritten."""


def sigmoid_(z: Floats) -> None:
    """The logistic function in place, as tanh(z / 2) / 2 + 1/2: it cannot overflow, and tanh is vectorised."""
    z *= 0.5
    np.tanh(z, out=z)
    z *= 0.5
    z += 0.5


def rows(x: Floats) -> Floats:
    """Time and batch as one axis: (T, B, X) as (T * B, X), a view."""
    return x.reshape(-1, x.shape[-1])


def like(array: Any, *shape: int) -> Floats:
    """An uninitialised array of this shape and another's type."""
    return np.empty(shape, array.dtype)
