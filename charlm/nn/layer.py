"""A recurrent layer, with dropout and residual connection (He et al. 2016; Wu et al. 2016)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, empty_steps
from charlm.nn.buffers import Parameters, Scratch, State, WindowSize, flatten_time
from charlm.nn.cell import Cell
from charlm.nn.dropout import Dropout, EmbeddingDropout, Regularization, WeightDrop
from charlm.nn.embedding import EVERY_ID, Encoding, Ids, gather_rows, sum_by_symbol
from charlm.nn.init import xavier_
from charlm.nn.products import empty_product, multiply_step
from charlm.nn.state import use_initial_state, write_initial_gradients

Inputs: TypeAlias = npt.NDArray[Any]
"""Ids (T, B), or vectors (T, B, E)."""
MANY_SYMBOLS = 1000  # with more, a window's table has only the symbols that occur in it


class LayerBuffers:
    """One layer's buffers, up to (T, B, H)."""

    def __init__(
        self, cell: Cell, size: WindowSize, dtype: npt.DTypeLike, regularization: Regularization, scratch: Scratch
    ) -> None:
        seq_len, batch_size, own = size
        self.scratch, units = scratch, scratch.units
        outputs, gates = (seq_len, batch_size, units.hidden), len(cell.gates)
        self.a_TBG = empty_steps(seq_len, batch_size, gates * own, dtype=dtype)
        self.cache = cell.cache(size, dtype, scratch)
        self.dropout = Dropout(outputs, dtype, regularization.dropout, regularization.locked_dropout, units)
        self.embedding_dropout = EmbeddingDropout(regularization.input_dropout)
        weights = units.hidden, gates * units.hidden
        self.weight_drop = WeightDrop(weights, dtype, regularization.weight_drop, units)
        self.sum_TBH = units.empty((*scratch.around_TBH.shape[:2], units.hidden), dtype)
        self.params: Parameters = {}
        self.x: Inputs = np.empty(0, np.uint8)
        self.ids: Ids = EVERY_ID  # the ids that have a row in the table
        self.output_TBH: Floats = np.empty(0, dtype)


class RecurrentLayer:
    """A layer on vectors (T, B, E), with W_xh [E, G] and b_h [G]."""

    def __init__(self, cell: Cell, params: Parameters, is_residual: bool = False) -> None:
        self.cell = cell
        self.params = params
        self.is_residual = is_residual

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw the parameters, in place."""
        xavier_(self.params["W_xh"], rng)
        self.cell.initialize(self.params, rng)

    def forward(
        self,
        x: Inputs,
        state: State,
        carry_TB: Floats | None,
        buffers: LayerBuffers,
        rng: np.random.Generator | None,
    ) -> tuple[Floats, State]:
        """Run own units over a window: the outputs of all units, and the last state of own ones."""
        steps, stopwatch, units = len(x), buffers.scratch.stopwatch, buffers.scratch.units
        buffers.params = params = units.params(buffers.weight_drop.params)
        a_TBG = buffers.a_TBG[:steps]
        self._project(x, buffers, rng, out=a_TBG)
        stopwatch.end("projection")
        use_initial_state(self.cell, params, buffers.cache)
        h_TBH, after = self.cell.forward(params, a_TBG, state, carry_TB, buffers.cache)
        h_TBH = buffers.dropout.forward(h_TBH, rng)
        if self.is_residual:
            sum_TBH, own = buffers.sum_TBH[:steps], units.own
            np.add(h_TBH[..., own], x[..., own], out=sum_TBH[..., own])
            h_TBH = sum_TBH
        units.synchronize()
        buffers.x, buffers.output_TBH = x, h_TBH
        stopwatch.end("recurrence forward")
        return h_TBH, after

    def backward(
        self, dh_TBH: Floats, dstate: State, buffers: LayerBuffers, grads: Parameters
    ) -> tuple[Floats, State]:
        """Run the derivative of own units; the gradient of the input's own units is a view."""
        steps, scratch = len(dh_TBH), buffers.scratch
        own_grads = scratch.units.grads(grads)
        if self.is_residual:
            scratch.around_TBH[:steps] = dh_TBH
        buffers.dropout.backward(dh_TBH)
        da_TBG, before = self.cell.backward(buffers.params, dh_TBH, dstate, buffers.cache, own_grads)
        buffers.weight_drop.backward(own_grads)
        write_initial_gradients(self.cell, buffers.cache, own_grads)
        scratch.stopwatch.end("weight gradients")
        dx_TBH = self._project_backward(da_TBG, buffers, own_grads)
        scratch.units.put(own_grads, grads)
        if self.is_residual:
            dx_TBH += scratch.around_TBH[:steps]
        return dx_TBH, before

    def step(self, x: Inputs, state: State, table_VG: Floats | None = None) -> tuple[Floats, State]:
        """One step: the output (B, H) and the state."""
        after = self.cell.step(self.params, self._project_step(x, table_VG), state)
        return (after[0] + x if self.is_residual else after[0]), after

    def _project(self, x: Inputs, buffers: LayerBuffers, rng: np.random.Generator | None, out: Floats) -> None:
        """Write the pre-activations of a window."""
        # One product for all steps, written in rows, and then a copy are faster than a product per step.
        rows_TBG = buffers.scratch.rows_TBG[: len(x)]
        np.matmul(flatten_time(x), buffers.params["W_xh"], out=flatten_time(rows_TBG))
        np.add(rows_TBG, buffers.params["b_h"], out=out)

    def _project_backward(self, da_TBG: Floats, buffers: LayerBuffers, grads: Parameters) -> Floats:
        """Write the gradients of W_xh and b_h; return the input's."""
        scratch, units = buffers.scratch, buffers.scratch.units
        np.matmul(flatten_time(buffers.x).T, flatten_time(da_TBG), out=grads["W_xh"])
        flatten_time(da_TBG).sum(axis=0, out=grads["b_h"])
        scratch.stopwatch.end("weight gradients")
        dx_TBH = scratch.dx_TBH[: len(da_TBG)]
        da_NG, W_GE = units.gather_rows(flatten_time(da_TBG)), units.transpose(self.params["W_xh"])
        np.matmul(da_NG, W_GE, out=flatten_time(dx_TBH))
        scratch.stopwatch.end("projection")
        return dx_TBH

    def _project_step(self, x: Inputs, table_VG: Floats | None) -> Floats:
        W_xh = self.params["W_xh"]
        a_BG = multiply_step(x, W_xh, out=empty_product((len(x), W_xh.shape[1]), W_xh.dtype))
        a_BG += self.params["b_h"]
        return a_BG


class SymbolLayer(RecurrentLayer):
    """A layer on ids (T, B)."""

    def __init__(self, cell: Cell, params: Parameters, encoding: Encoding) -> None:
        super().__init__(cell, params)
        self._encoding = encoding
        self._symbols = len(params.get("embedding", params["W_xh"]))

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw the parameters, in place."""
        self._encoding.initialize(self.params, rng)
        self.cell.initialize(self.params, rng)

    def table(self) -> Floats:
        """The pre-activations of every id (V, G)."""
        return self._encoding.rows(self.params) + self.params["b_h"]

    def _project(self, x: Inputs, buffers: LayerBuffers, rng: np.random.Generator | None, out: Floats) -> None:
        buffers.ids, x = self._number(x)
        rows_SG = buffers.embedding_dropout.forward(self._encoding.rows(buffers.params, buffers.ids), x, rng)
        gather_rows(rows_SG + buffers.params["b_h"], buffers.embedding_dropout.x_TB, out=out)

    def _project_backward(self, da_TBG: Floats, buffers: LayerBuffers, grads: Parameters) -> Floats:
        """Write the gradients of the encoding and of b_h."""
        ids, da_NG = buffers.embedding_dropout, flatten_time(da_TBG)
        drows_SG = np.empty((ids.vocab_size + 1, da_NG.shape[1]), da_NG.dtype)
        sum_by_symbol(ids.x_TB.reshape(-1), da_NG, out=drows_SG)
        drows_SG.sum(axis=0, out=grads["b_h"])
        self._encoding.backward(buffers.params, ids.backward(drows_SG), grads, buffers.ids)
        buffers.scratch.stopwatch.end("weight gradients")
        return da_TBG[..., :0]

    def _number(self, x: Inputs) -> tuple[Ids, Inputs]:
        """The ids in a window's table, and x (T, B) as indices into it; of many symbols, those that occur."""
        if self._symbols <= MANY_SYMBOLS:
            return EVERY_ID, x
        ids, numbers = np.unique(x, return_inverse=True)
        return ids, numbers.reshape(x.shape).astype(x.dtype)

    def _project_step(self, x: Inputs, table_VG: Floats | None) -> Floats:
        a_BG: Floats = (self.table() if table_VG is None else table_VG)[x]
        return a_BG
