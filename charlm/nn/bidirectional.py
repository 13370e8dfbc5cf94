"""An encoder: layers that read whole sequences, in one direction or in both.

The directions of a layer read the same input, and their outputs are joined for the layer above (Schuster &
Paliwal 1997), as ``torch.nn.LSTM(bidirectional=True)`` has it. Sequences end together: padding stands in front,
and the state is reset at each sequence's first symbol, so that padding leaves no trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import FlatVector, Floats, TokenIds
from charlm.base.errors import UsageError
from charlm.nn.buffers import State
from charlm.nn.cell import Cell
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from charlm.nn.embedding import Encoding
from charlm.nn.layer import Inputs, LayerBuffers, RecurrentLayer, SymbolLayer
from charlm.nn.pyramid import Lengths, halve, join_pairs, split_pairs
from charlm.nn.state import initial_state_shapes

DIRECTIONS = ("", "reverse.")


class Encoder:
    """Layers under a prefix, such as ``encoder.layers.0.W_hh`` and ``encoder.reverse.layers.0.W_hh``."""

    def __init__(
        self,
        cell: Cell,
        params: FlatVector,
        layers: int,
        encoding: Encoding,
        is_bidirectional: bool,
        prefix: str = "encoder.",
        is_pyramid: bool = False,
    ) -> None:
        self.cell = cell
        self.is_pyramid = is_pyramid
        self.dtype = params.flat.dtype
        self.is_bidirectional = is_bidirectional
        self._encoding = encoding
        self._prefixes = [f"{prefix}{each}layers." for each in DIRECTIONS[: 1 + is_bidirectional]]
        self.layers = [self._directions(params, number) for number in range(layers)]
        self.hidden = len(self.layers[0][0].params["b_h"]) // len(cell.gates)

    def _directions(self, params: FlatVector, number: int) -> list[RecurrentLayer]:
        parts = [self._part(params, prefix, number) for prefix in self._prefixes]
        if number == 0:
            return [SymbolLayer(self.cell, part, self._encoding) for part in parts]
        return [RecurrentLayer(self.cell, part) for part in parts]

    def _part(self, vector: FlatVector, prefix: str, number: int) -> dict[str, Floats]:
        """A direction's views."""
        own = vector.part(f"{prefix}{number}.")
        if number == 0:
            own |= {name: vector[name] for name in self._encoding.shared}
        return own

    @property
    def width(self) -> int:
        """D: the width of the output, of both directions."""
        return self.hidden * len(self._prefixes)

    @property
    def halvings(self) -> int:
        """How often the steps are halved."""
        return (len(self.layers) - 1) * self.is_pyramid

    def output_length(self, length_B: Lengths) -> Lengths:
        """The lengths of the outputs for sequences of these lengths."""
        return halve(length_B, self.halvings)

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw every parameter; the last symbol, which training never sees, enters as zeros."""
        for layer in self.layers:
            for direction in layer:
                direction.initialize(rng)
        for direction in self.layers[0]:
            direction.params["embedding" if self._encoding.shared else "W_xh"][-1] = 0

    def forward(
        self,
        x_TB: TokenIds,
        length_B: Lengths,
        buffers: EncoderBuffers,
        rng: np.random.Generator | None = None,
    ) -> tuple[Floats, list[State]]:
        """Read sequences of these lengths, each at the end of its column.

        Returns:
            The outputs (T, B, D), in fewer steps of a pyramid, and the last layer's final state in each
            direction, in reverse the state after the first symbol.
        """
        for layer, own in zip(self.layers, buffers.layers, strict=True):
            for direction, its in zip(layer, own, strict=True):
                its.weight_drop.forward(direction.params, rng)
        x: Inputs = x_TB
        finals: list[State] = []
        buffers.lengths = []
        for layer, own in zip(self.layers, buffers.layers, strict=True):
            if buffers.lengths and self.is_pyramid:
                x, length_B = join_pairs(x, length_B), halve(length_B)
            buffers.lengths.append((len(x), length_B))
            buffers.arrange(len(buffers.lengths) - 1)
            carry_TB = (np.arange(len(x))[:, None] != len(x) - length_B).astype(self.dtype)
            outputs, finals = [], []
            for number, (direction, its) in enumerate(zip(layer, own, strict=True)):
                zero = tuple(np.zeros((x_TB.shape[1], self.hidden), self.dtype) for _ in self.cell.state_names)
                h_TBH, final = direction.forward(buffers.turn(x) if number else x, zero, carry_TB, its, rng)
                outputs.append(buffers.turn(h_TBH) if number else h_TBH)
                finals.append(final)
            x = np.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
        return x, finals

    def backward(
        self, dh_TBD: Floats, dfinals: Sequence[State], buffers: EncoderBuffers, grads: FlatVector
    ) -> None:
        """Write the gradients of all parameters, from those of the outputs and of the final states."""
        hidden = self.hidden
        for number in reversed(range(len(self.layers))):
            below: list[Floats] = []
            buffers.arrange(number)
            shared = {name: np.zeros_like(grads[name]) for name in self._encoding.shared}
            for place, prefix in enumerate(self._prefixes):
                own_TBH = dh_TBD[..., place * hidden : (place + 1) * hidden]
                own_TBH = buffers.turn(own_TBH) if place else np.ascontiguousarray(own_TBH)
                part = self._part(grads, prefix, number)
                its = buffers.layers[number][place]
                dx, _ = self.layers[number][place].backward(own_TBH, dfinals[place], its, part)
                below.append(buffers.turn(dx) if place else dx.copy())
                for name, total in shared.items():
                    total += grads[name] if number == 0 else 0
            if number == 0:  # what both directions share is written by each
                for name, total in shared.items():
                    grads[name][:] = total
                return
            dh_TBD, *others = below
            for other in others:
                dh_TBD += other
            if self.is_pyramid:
                dh_TBD = split_pairs(dh_TBD, *buffers.lengths[number - 1])
            zero = tuple(np.zeros_like(variable) for variable in dfinals[0])
            dfinals = [zero] * len(self._prefixes)


class EncoderBuffers:
    """Buffers for up to ``seq_len`` steps; the last layer's outputs have no dropout."""

    def __init__(
        self, encoder: Encoder, seq_len: int, batch_size: int, regularization: Regularization = NO_REGULARIZATION
    ) -> None:
        size, cell, dtype = (seq_len, batch_size, encoder.hidden), encoder.cell, encoder.dtype
        scratch = cell.scratch(size, dtype)
        steps, wide = (-(-seq_len // 2), 2) if encoder.is_pyramid else (seq_len, 1)
        scratch.dx_TBH = np.empty((steps, batch_size, wide * encoder.width), dtype)
        self.stopwatch = scratch.stopwatch
        last = replace(regularization, dropout=0.0)
        self.layers = [
            [LayerBuffers(cell, size, dtype, last if layer is encoder.layers[-1] else regularization, scratch)
             for _ in layer]
            for layer in encoder.layers
        ]  # fmt: skip
        self.is_bidirectional = encoder.is_bidirectional
        self.lengths: list[tuple[int, Lengths]] = []  # of each layer, the steps and the lengths of sequences
        self.turned_TB: npt.NDArray[np.intp] | None = None

    def arrange(self, layer: int) -> None:
        """Turn the sequences of a layer from here on."""
        self.turned_TB = reversed_within(*self.lengths[layer]) if self.is_bidirectional else None

    def turn(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A copy of values (T, B, ...), each sequence in reverse."""
        assert self.turned_TB is not None
        turned: npt.NDArray[Any] = values[self.turned_TB, np.arange(values.shape[1])]  # whole rows at once
        return turned


def reversed_within(steps: int, length_B: Lengths) -> npt.NDArray[np.intp]:
    """For each step (T, B) the step that it reads in reverse; padding stays in front.

    >>> reversed_within(4, np.array([4, 2])).T.tolist()
    [[3, 2, 1, 0], [0, 1, 3, 2]]
    """
    times_T1 = np.arange(steps)[:, None]
    starts_B = steps - length_B
    return np.where(times_T1 < starts_B, times_T1, steps - 1 - times_T1 + starts_B)


def encoder_shapes(
    cell: Cell, hidden: int, layers: int, inputs: int, encoding: Encoding, is_bidirectional: bool,
    has_learned_state: bool, prefix: str = "encoder.", is_pyramid: bool = False,
) -> dict[str, tuple[int, ...]]:  # fmt: skip
    """Every parameter's shape of an encoder.

    Raises:
        UsageError: a pyramid has one layer.
    """
    if is_pyramid and layers == 1:
        raise UsageError("--pyramid halves the steps after the first layer: it needs --layers of 2 or more")
    width, directions = len(cell.gates) * hidden, DIRECTIONS[: 1 + is_bidirectional]
    first = encoding.shapes(inputs, width)
    shapes = {name: first[name] for name in encoding.shared}
    for number in range(layers):
        for direction in directions:
            own: dict[str, tuple[int, ...]] = {"W_xh": (hidden * len(directions) * (1 + is_pyramid), width)}
            if number == 0:
                own = {name: shape for name, shape in first.items() if name not in encoding.shared}
            own |= {"b_h": (width,), **cell.shapes(hidden)}
            own |= initial_state_shapes(cell, hidden) if has_learned_state else {}
            shapes |= {f"{prefix}{direction}layers.{number}.{name}": shape for name, shape in own.items()}
    return shapes
