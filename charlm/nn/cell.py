"""The base class of recurrent cells, over pre-activations x @ W_xh + b_h."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.config import Configurable, ModelConfig
from charlm.nn.buffers import ForwardCache, Parameters, Scratch, State, WindowSize, block_length
from charlm.nn.init import orthogonal_
from charlm.nn.units import Units


class Cell(Configurable, ABC):
    """A recurrence; parameters and buffers are passed in.

    Attributes of a class:
        gates: the blocks of G = len(gates) * H.
        torch_gates: PyTorch's order, or None.
        recurrent_biases: each gate's bias of the recurrent product alone.
        state_names: the state's variables; the first is h.
        lr_scale: factor on the default learning rate.
        by_rows: the recurrence can run on a share of the units.
    """

    gates: ClassVar[tuple[str, ...]]
    torch_gates: ClassVar[tuple[str, ...] | None] = None
    recurrent_biases: ClassVar[Mapping[str, str]] = {}
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    lr_scale: ClassVar[float] = 1.0
    by_rows: ClassVar[bool] = False

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """The cell with its settings."""
        return cls(**config.own.to_json())

    def shapes(self, hidden: int) -> dict[str, tuple[int, ...]]:
        """The recurrence's own parameters."""
        return {"W_hh": (hidden, len(self.gates) * hidden)}

    def saved_shapes(self, seq_len: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """Arrays saved for backward (T, B, X)."""
        return {}

    def scratch_shapes(self, block: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """Temporary arrays (B, X) or (block, B, X)."""
        return {}

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        """Fill the parameters: W_hh with orthogonal blocks (Saxe et al. 2014), biases with zeros."""
        orthogonal_(params["W_hh"], rng)
        params["b_h"][:] = 0
        for name in self.recurrent_biases.values():
            params[name][:] = 0

    def scratch(
        self, size: WindowSize, dtype: npt.DTypeLike, is_residual: bool = False, units: Units | None = None
    ) -> Scratch:
        """Temporary arrays of one size; H counts own units."""
        seq_len, batch_size, hidden = size
        width = len(self.gates) * hidden
        shapes = self.scratch_shapes(block_length(seq_len, batch_size, width), batch_size, hidden)
        return Scratch(shapes, size, len(self.gates), dtype, is_residual, units)

    def cache(self, size: WindowSize, dtype: npt.DTypeLike, scratch: Scratch | None = None) -> ForwardCache:
        """A layer's own buffers."""
        scratch = self.scratch(size, dtype) if scratch is None else scratch
        return ForwardCache(len(self.state_names), self.saved_shapes(*size), size, dtype, scratch)

    @abstractmethod
    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None, cache: ForwardCache
    ) -> tuple[Floats, State]:
        """Run the recurrence over a window.

        Args:
            params: the recurrence's own.
            a_TBG: pre-activations, kept and overwritten.
            state: each variable before the first step (B, H).
            carry_TB: None, or 0 and 1 that multiply the incoming states.
            cache: this cell's buffers.

        Returns:
            The outputs h_TBH, valid until the cache's next use, and the last state.
        """

    @abstractmethod
    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, cache: ForwardCache, grads: Parameters
    ) -> tuple[Floats, State]:
        """Run the derivative, last step first.

        Args:
            params: as in forward.
            dh_TBH: gradient of the outputs.
            dstate: gradient of the last state.
            cache: as forward left it; overwritten.
            grads: written, not added to.

        Returns:
            The gradients of a_TBG (a view) and of the first state.
        """

    @abstractmethod
    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        """One step without a cache; a_BG is overwritten."""


def sigmoid_(z: Floats) -> None:
    """The logistic function in place, as tanh(z / 2) / 2 + 1/2."""
    z *= 0.5
    np.tanh(z, out=z)
    z *= 0.5
    z += 0.5
