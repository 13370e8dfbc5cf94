"""What the LSTM cells share: settings, gates and memory c.

o, i, f = sigmoid(a), g = tanh(a), one block each        c' = f * c + i * g
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from charlm.base.arrays import Floats
from charlm.config import Config, setting
from charlm.nn.buffers import Parameters, State
from charlm.nn.cell import Cell
from charlm.nn.products import multiply_step


@dataclass(frozen=True)
class LSTMConfig(Config):
    """The settings of every LSTM cell."""

    forget_bias: float = setting(1.0, "Initial bias of the LSTM's forget gate.", low=-100, high=100)


class LSTMBase(Cell):
    """A cell with memory c and output h."""

    gates: ClassVar[tuple[str, ...]] = ("o", "i", "f", "g")
    state_names = ("h", "c")
    config_type = LSTMConfig
    by_rows = True
    gate_bias: ClassVar[str] = "b_h"

    def __init__(self, forget_bias: float = 1.0) -> None:
        self.forget_bias = forget_bias

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        super().initialize(params, rng)
        hidden = len(params["W_hh"])
        params[self.gate_bias][-2 * hidden : -hidden] = self.forget_bias  # the block of f

    def scratch_shapes(self, block: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {
            **dict.fromkeys(("tanh_s", "f", "dh_ds"), (block, batch_size, hidden)),
            **dict.fromkeys(("dh", "dc", "product"), (batch_size, hidden)),
        }


def gate_blocks(a: Floats) -> tuple[Floats, ...]:
    """The blocks o, i, f, g, as views."""
    h = a.shape[-1] // 4
    return a[..., :h], a[..., h : 2 * h], a[..., 2 * h : 3 * h], a[..., 3 * h :]


def lstm_step_(
    W_HG: Floats, a_BG: Floats, state: State, product_BG: Floats, tanh_c_BH: Floats, out: Sequence[Floats]
) -> None:
    """One step from h of all units; ``out`` receives h and c."""
    h_BH, c_BH = state
    h_out_BH, c_out_BH = out
    multiply_step(h_BH, W_HG, out=product_BG)
    a_BG += product_BG
    update_memory(a_BG, c_BH, tanh_c_BH, c_out_BH)
    np.tanh(c_out_BH, out=tanh_c_BH)
    o = a_BG[:, : c_BH.shape[1]]
    np.multiply(o, tanh_c_BH, out=h_out_BH)


def update_memory(a_BG: Floats, c_BH: Floats, scratch_BH: Floats, out_BH: Floats) -> None:
    """Turn pre-activations into activations; write c."""
    _, i, f, g = gate_blocks(a_BG)
    # A sigmoid is a tanh of half the pre-activation (see ``sigmoid_``): one call for all four gates.
    sigmoids = a_BG[:, : -g.shape[1]]
    sigmoids *= 0.5
    np.tanh(a_BG, out=a_BG)
    sigmoids *= 0.5
    sigmoids += 0.5
    np.multiply(f, c_BH, out=out_BH)
    np.multiply(i, g, out=scratch_BH)
    out_BH += scratch_BH


def local_derivatives(
    gates_TBG: Floats, h_TBH: Floats, c_TBH: Floats, tanh_TBH: Floats, scratch: Parameters
) -> None:
    """Turn a block's activations into local derivatives in place.

    With h' = o * tanh(s), s = c' or LN(c'): o becomes dh'/da_o; i, f, g become dc'/da.
    The scratch receives f and dh_ds = dh'/ds = o * (1 - tanh(s)^2).
    """
    f_copy, dh_ds = scratch["f"][: len(h_TBH)], scratch["dh_ds"][: len(h_TBH)]
    o, i, f, g = gate_blocks(gates_TBG)
    np.multiply(h_TBH, tanh_TBH, out=dh_ds)
    np.subtract(o, dh_ds, out=dh_ds)
    _complement_times(o, h_TBH)
    f_copy[:] = f
    _complement_times(f, f_copy)
    f *= c_TBH
    i_g = np.multiply(i, g, out=tanh_TBH)
    g *= i_g
    np.subtract(i, g, out=g)
    _complement_times(i, i_g)


def gate_gradients(da_BG: Floats, dh_BH: Floats, dc_BH: Floats) -> None:
    """Multiply by the gradients of h and c."""
    batch_size, hidden = dh_BH.shape
    da_BG[:, :hidden] *= dh_BH
    da_B3H = da_BG[:, hidden:].reshape(batch_size, 3, hidden)
    da_B3H *= dc_BH[:, None]


def _complement_times(s: Floats, factor: Floats) -> None:
    """Write (1 - s) * factor over s."""
    np.subtract(1, s, out=s)
    s *= factor
