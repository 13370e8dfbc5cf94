"""Layers that a function of PyTorch runs, with charlm's parameters: LSTM, the plain cell, the reset-after GRU.

PyTorch adds a second bias, which is a constant zero here, but for one that the cell has. cuDNN wants all weights
in one buffer, matrices first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch

from charlm.config import ModelConfig
from charlm.engines.torch.recurrence import Parameters, Tensor, TensorState
from charlm.engines.torch.resets import Resets
from charlm.nn.cells import CELLS

FUNCTIONS = {"lstm": torch.lstm, "gru": torch.gru, "tanh": torch.rnn_tanh, "relu": torch.rnn_relu}


class NativeLayers:
    """Some layers, run by one call of a function."""

    def __init__(self, config: ModelConfig) -> None:
        self._cell = CELLS.find(config.cell).from_config(config)
        own = config.own.to_json()
        self._function: Any = FUNCTIONS[own.get("nonlinearity", config.cell)]
        self._order = [self._cell.gates.index(gate) for gate in self._cell.torch_gates or ()]

    def __call__(
        self,
        weights: list[Tensor],
        x_TBE: Tensor,
        states: Sequence[TensorState],
        initial: Sequence[TensorState],
        resets: Resets | None,
    ) -> tuple[Tensor, list[TensorState]]:
        """The outputs (T, B, H) and the states after."""
        before = tuple(torch.stack(each) for each in zip(*states, strict=True))
        if resets is None:
            h_TBH, after = self._run(x_TBE, before, weights)
        else:
            fresh = tuple(torch.stack(each)[:, None] for each in zip(*initial, strict=True))
            run = self._run_segments if resets.pieces is None else self._run_pieces
            h_TBH, after = run(x_TBE, before, fresh, weights, resets)
        # Under autocast, states are returned in low precision; between windows they have that of the weights.
        kept = (each.to(before[0].dtype) for each in after)
        return h_TBH, list(zip(*kept, strict=True))

    def _run_segments(
        self, x_TBE: Tensor, state: TensorState, fresh: TensorState, weights: list[Tensor], resets: Resets
    ) -> tuple[Tensor, TensorState]:
        outputs = []
        bounds = sorted({0, *resets.times, len(x_TBE)})
        for start, stop in pairwise(bounds):
            if (reset_B1 := resets.by_step[start]) is not None:
                state = tuple(torch.where(reset_B1, *pair) for pair in zip(fresh, state, strict=True))
            h_TBH, state = self._run(x_TBE[start:stop], state, weights)
            outputs.append(h_TBH)
        return torch.cat(outputs), state

    def _run_pieces(
        self, x_TBE: Tensor, state: TensorState, fresh: TensorState, weights: list[Tensor], resets: Resets
    ) -> tuple[Tensor, TensorState]:
        pieces = resets.pieces
        assert pieces is not None
        carried = (each.index_select(1, pieces.columns_P) for each in state)
        before = tuple(torch.where(pieces.restarts_P1, *pair) for pair in zip(fresh, carried, strict=True))
        x_NE = x_TBE.flatten(0, 1).index_select(0, pieces.rows_N)
        h_NH, after = self._run(x_NE, before, weights, pieces.sizes_T)
        h_TBH = h_NH.index_select(0, pieces.back_N).view(*x_TBE.shape[:2], -1)
        return h_TBH, tuple(each.index_select(1, pieces.last_B) for each in after)

    def _run(
        self, x: Tensor, state: TensorState, weights: list[Tensor], sizes_T: Tensor | None = None
    ) -> tuple[Tensor, TensorState]:
        """Run a window (T, B, E), or pieces as rows (N, E) with ``sizes_T``."""
        hx = tuple(each.contiguous() for each in state)
        modes = True, len(hx[0]), 0.0, torch.is_grad_enabled(), False
        # A packed batch has sizes, a plain one says that its batch axis is not the first.
        packed, plain = ((), (False,)) if sizes_T is None else ((sizes_T,), ())
        h, *after = self._function(x, *packed, hx if len(hx) > 1 else hx[0], weights, *modes, *plain)
        return h, tuple(after)

    def weights(self, layers: Sequence[Parameters]) -> list[Tensor]:
        """The layers' weights as PyTorch lists them, views of one new buffer."""
        matrices = [self._by_gate(params[name].T) for params in layers for name in ("W_xh", "W_hh")]
        biases = [each for params in layers for each in (self._by_gate(params["b_h"]), self._second_bias(params))]
        tensors = [*matrices, *biases]
        flat = torch.cat([each.flatten() for each in tensors])
        views = flat.split([each.numel() for each in tensors])
        views = [view.view(each.shape) for view, each in zip(views, tensors, strict=True)]
        count = 2 * len(layers)
        return [
            view for first in range(0, count, 2) for start in (0, count) for view in views[start + first :][:2]
        ]

    def _second_bias(self, params: Parameters) -> Tensor:
        blocks = [torch.zeros_like(params["W_hh"][:, 0]) for _ in self._cell.gates]
        for gate, name in self._cell.recurrent_biases.items():
            blocks[self._cell.gates.index(gate)] = params[name]
        return self._by_gate(torch.cat(blocks))

    def _by_gate(self, tensor: Tensor) -> Tensor:
        """A tensor whose first axis is of gates, in PyTorch's order."""
        blocks = tensor.chunk(len(self._order))
        return torch.cat([blocks[gate] for gate in self._order])
