"""A stack of recurrent layers of one direction."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import FlatVector, Floats
from charlm.nn.buffers import State
from charlm.nn.cell import Cell
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from charlm.nn.embedding import Encoding
from charlm.nn.layer import Inputs, LayerBuffers, RecurrentLayer, SymbolLayer
from charlm.nn.state import States, write_initial_state
from charlm.nn.units import Units


class Stack:
    """The layers under a prefix, such as ``layers.0.W_hh``."""

    def __init__(
        self,
        cell: Cell,
        params: FlatVector,
        layers: int,
        prefix: str = "layers.",
        encoding: Encoding | None = None,
        is_residual: bool = False,
        is_reversed: bool = False,
    ) -> None:
        """Build on ``params``; without an ``encoding`` it reads vectors."""
        self.cell = cell
        self.dtype = params.flat.dtype
        self._prefix = prefix
        self._encoding = encoding
        self._is_residual = is_residual and layers > 1
        self._is_reversed = is_reversed
        self.layers = [self._layer(params, number) for number in range(layers)]
        self.hidden = len(self.layers[0].params["b_h"]) // len(cell.gates)

    def _layer(self, params: FlatVector, number: int) -> RecurrentLayer:
        own = self._part(params, number)
        if number == 0 and self._encoding is not None:
            return SymbolLayer(self.cell, own, self._encoding)
        return RecurrentLayer(self.cell, own, self._is_residual and number > 0)

    def _part(self, vector: FlatVector, number: int) -> dict[str, Floats]:
        """A layer's views."""
        own = vector.part(f"{self._prefix}{number}.")
        if number == 0 and self._encoding is not None:
            own |= {name: vector[name] for name in self._encoding.shared if name in vector}
        return own

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw every parameter."""
        for layer in self.layers:
            layer.initialize(rng)

    def zero_state(self, batch_size: int) -> States:
        """Each layer's zero state (B, H)."""
        shape = (batch_size, self.hidden)
        return tuple(tuple(np.zeros(shape, self.dtype) for _ in self.cell.state_names) for _ in self.layers)

    def initial_state(self, batch_size: int) -> States:
        """Each layer's initial state (B, H), learned or zero."""
        state = self.zero_state(batch_size)
        for layer, own in zip(self.layers, state, strict=True):
            write_initial_state(self.cell, layer.params, own)
        return state

    def forward(
        self,
        x: Inputs,
        state: States,
        buffers: StackBuffers,
        carry_TB: Floats | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[Floats, States]:
        """Run over ids (T, B) or vectors (T, B, E): the outputs (T, B, H), a view, and the state after.

        ``carry_TB`` is None, or 0 where a document starts and 1 elsewhere.
        """
        if self._is_reversed:
            x, carry_TB = x[::-1], None if carry_TB is None else carry_TB[::-1]
        for layer, own in zip(self.layers, buffers.layers, strict=True):
            own.weight_drop.forward(layer.params, rng)
        after: list[State] = []
        for layer, before, own in zip(self.layers, state, buffers.layers, strict=True):
            x, layer_state = layer.forward(x, before, carry_TB, own, rng)
            after.append(layer_state)
        return buffers.output_TBH[::-1] if self._is_reversed else buffers.output_TBH, tuple(after)

    def backward(
        self, dh_TBH: Floats, dstate: States, buffers: StackBuffers, grads: FlatVector
    ) -> tuple[Floats, States]:
        """The gradients of x (T, B, E), empty for ids, and of the state before.

        ``dh_TBH`` and the buffers are overwritten; a tied embedding's gradient is added.
        """
        dh_TBH = dh_TBH[:: -1 if self._is_reversed else 1, :, buffers.units.own]
        before: list[State] = []
        for number, layer in reversed(list(enumerate(self.layers))):
            dh_TBH, layer_state = layer.backward(
                dh_TBH, dstate[number], buffers.layers[number], self._part(grads, number)
            )
            before.append(layer_state)
        return dh_TBH[::-1] if self._is_reversed else dh_TBH, tuple(reversed(before))

    def step(self, x: Inputs, state: States, table_VG: Floats | None = None) -> tuple[Floats, States]:
        """One step on (B,) or (B, E): the output (B, H), and the state."""
        after: list[State] = []
        for layer, before in zip(self.layers, state, strict=True):
            x, layer_state = layer.step(x, before, table_VG)
            after.append(layer_state)
        return x, tuple(after)

    def output(self, state: States) -> Floats:
        """A state's output (B, H), summed if residual."""
        if not self._is_residual:
            return state[-1][0]
        total_BH: Floats = np.sum([h_BH for h_BH, *_ in state], axis=0)
        return total_BH


class StackBuffers:
    """Buffers for up to ``seq_len`` steps."""

    def __init__(
        self,
        stack: Stack,
        seq_len: int,
        batch_size: int,
        regularization: Regularization = NO_REGULARIZATION,
        units: Units | None = None,
    ) -> None:
        """Allocate for all units, or for a worker's share."""
        self.units = units = Units(stack.hidden) if units is None else units
        size, dtype = (seq_len, batch_size, units.width), stack.dtype
        scratch = stack.cell.scratch(size, dtype, any(layer.is_residual for layer in stack.layers), units)
        self.stopwatch, self.dh_TBH = scratch.stopwatch, scratch.dx_TBH
        if units.width != units.hidden:  # the workers write it by rows, and read it by units
            self.dh_TBH = units.empty((seq_len, batch_size, units.hidden), dtype)
        self.layers = [LayerBuffers(stack.cell, size, dtype, regularization, scratch) for _ in stack.layers]

    @property
    def output_TBH(self) -> Floats:
        """The output of the last pass."""
        return self.layers[-1].output_TBH
