"""What a recurrent cell is: a recurrence over pre-activations that are already projected from its input.

A layer multiplies its whole input by W_xh and adds b_h in one product; the cell then runs its recurrence over
the T steps of the result. So a cell's file holds its equations and their derivatives, and nothing else. Buffers
live on a tape, allocated once and reused for every chunk. The gradient of the loss with respect to x is called
``dx`` throughout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.config import ModelConfig
from charlm.nn.buffers import ForwardCache, Parameters, Scratch, State, block_length
from charlm.nn.init import orthogonal_


class Cell(ABC):
    """One kind of recurrence. Instances hold settings only; parameters and buffers are passed in.

    Attributes of a class:
        gates: the blocks of G = len(gates) * H, in the order of this file.
        torch_gates: the same in PyTorch's order; None where PyTorch has no cell with these equations.
        recurrent_biases: per gate, the name of a bias that belongs to the recurrent product alone.
        state_names: the state's variables; the first is the output h.
        settings: the fields of ModelConfig that only some cells use, and this one does.
        lr_scale: the share of an optimiser's own learning rate that suits it.
    """

    gates: ClassVar[tuple[str, ...]]
    torch_gates: ClassVar[tuple[str, ...] | None] = None
    recurrent_biases: ClassVar[Mapping[str, str]] = {}
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    settings: ClassVar[tuple[str, ...]] = ()
    lr_scale: ClassVar[float] = 1.0

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """The cell with its own settings taken from a model's."""
        return cls(**{name: getattr(config, name) for name in cls.settings})

    def shapes(self, hidden: int) -> dict[str, tuple[int, ...]]:
        """The recurrence's own parameters: W_hh, unless a cell has no recurrent product."""
        return {"W_hh": (hidden, len(self.gates) * hidden)}

    def saved_shapes(self, seq_len: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """What this cell keeps from forward to backward beside its state and its gates (T, B, X)."""
        return {}

    def scratch_shapes(self, block: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """Buffers that this cell wants for a step (B, X) or for a block of steps in backward (block, B, X)."""
        return {}

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        """Fill W_hh with one orthogonal block a gate (Saxe et al. 2014) and the biases with zeros, in place.

        ``params`` holds the recurrence's own and the layer's W_xh and b_h, where W_xh is filled already.
        """
        orthogonal_(params["W_hh"], rng)
        params["b_h"][:] = 0
        for name in self.recurrent_biases.values():
            params[name][:] = 0

    def scratch(self, seq_len: int, batch_size: int, hidden: int, dtype: npt.DTypeLike) -> Scratch:
        """What layers of one size can share, for chunks of up to ``seq_len`` steps of ``batch_size`` streams."""
        width = len(self.gates) * hidden
        scratch = self.scratch_shapes(block_length(seq_len, batch_size, width), batch_size, hidden)
        return Scratch(scratch, seq_len, batch_size, hidden, width, dtype)

    def cache(
        self,
        seq_len: int,
        batch_size: int,
        hidden: int,
        dtype: npt.DTypeLike,
        scratch: Scratch | None = None,
    ) -> ForwardCache:
        """A layer's own buffers; ``scratch`` is made for it where it shares none."""
        scratch = self.scratch(seq_len, batch_size, hidden, dtype) if scratch is None else scratch
        saved = self.saved_shapes(seq_len, batch_size, hidden)
        return ForwardCache(len(self.state_names), saved, seq_len, batch_size, hidden, dtype, scratch)

    @abstractmethod
    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None, cache: ForwardCache
    ) -> tuple[Floats, State]:
        """Run the recurrence.

        Args:
            params: the recurrence's own parameters.
            a_TBG: pre-activations x @ W_xh + b_h; taken over and overwritten by the tape. Fastest with the
                batch innermost.
            state: each variable of ``state_names`` before the first step (B, H).
            carry_TB: None, or 0 and 1 that multiply the state that arrives at each step.
            cache: this cell's buffers.

        Returns:
            The outputs h_TBH, a view that is valid until the tape is used again, and the state after the last
            step.
        """

    @abstractmethod
    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, cache: ForwardCache, grads: Parameters
    ) -> tuple[Floats, State]:
        """Run the recurrence's derivative, from the last step to the first.

        Args:
            params: as they were in forward.
            dh_TBH: gradient with respect to the outputs.
            dstate: gradient with respect to the state after the last step.
            cache: as forward left it; used up.
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


def like(array: Any, *shape: int) -> Floats:
    """An uninitialised array of this shape and another's type."""
    return np.empty(shape, array.dtype)
