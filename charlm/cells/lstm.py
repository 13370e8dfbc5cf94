"""The long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

    o, i, f = sigmoid(x W + h W + b), one block each        g = tanh(x W + h W + b)
    c' = f * c + i * g                                      h' = o * tanh(c')

The blocks stand in the order o i f g: the three sigmoids lie side by side, and so do the three gates whose
gradient comes through c, which makes each group one call. Files hold PyTorch's order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charlm.arrays import Floats
from charlm.cells._base import Cell, like, sigmoid_
from charlm.cells._tape import Parameters, State, Tape, rows


class LSTM(Cell):
    """The LSTM cell; ``forget_bias`` is the initial bias of f (Jozefowicz et al. 2015 advise 1)."""

    gates = ("o", "i", "f", "g")
    torch_gates = ("i", "f", "g", "o")
    state_names = ("h", "c")
    settings = ("forget_bias",)

    def __init__(self, forget_bias: float = 1.0) -> None:
        self.forget_bias = forget_bias

    def scratch_shapes(
        self, seq_len: int, block: int, batch_size: int, hidden: int
    ) -> dict[str, tuple[int, ...]]:
        """tanh(c) over time; f and o * tanh'(c) over a block; gradients of one step."""
        return {
            "tanh_c": (seq_len, batch_size, hidden),
            **dict.fromkeys(("f", "dh_dc"), (block, batch_size, hidden)),
            **dict.fromkeys(("dh", "dc", "product"), (batch_size, hidden)),
        }

    def initialise(self, params: Parameters, rng: np.random.Generator) -> None:
        """Orthogonal recurrent weights, zero biases but for the forget gate's, in place."""
        super().initialise(params, rng)
        _, _, f, _ = _gates(params["b_h"])
        f[:] = self.forget_bias

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, keep_TB: Floats | None, tape: Tape
    ) -> tuple[Floats, State]:
        """Run the recurrence; see Cell.forward."""
        tape.begin(params, a_TBG, state, keep_TB)
        h, c = tape.tracks
        steps = zip(a_TBG, tape.scratch["tanh_c"], h.slots_TBH[1:], c.slots_TBH[1:], strict=False)
        for t, (a_BG, tanh_c_BH, *out) in enumerate(steps):
            _advance(tape.W_HG, a_BG, (h.incoming(t), c.incoming(t)), tape.product_BG, tanh_c_BH, out)
        return tape.finish()

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, tape: Tape, grads: Parameters
    ) -> tuple[Floats, State]:
        """Run the derivative; see Cell.backward."""
        h, c = tape.tracks
        da_TBG, scratch = tape.gates_TBG, tape.scratch
        dh_BH, dc_BH, product_BH = scratch["dh"], scratch["dc"], scratch["product"]
        W_GH = params["W_hh"].T
        dh_BH[:], dc_BH[:] = dstate
        batch_size, hidden = dh_BH.shape
        for block, above_TBH in tape.blocks_backward(dh_TBH):
            tanh_c = scratch["tanh_c"][block]
            _local_derivatives(da_TBG[block], h.produced(block), c.all_incoming(block), tanh_c, scratch)
            steps = zip(range(block.start, block.stop), above_TBH, scratch["dh_dc"], scratch["f"], strict=False)
            for t, above_BH, dh_dc_BH, f_BH in reversed(list(steps)):
                dh_BH += above_BH
                np.multiply(dh_BH, dh_dc_BH, out=product_BH)
                dc_BH += product_BH
                da_BG = da_TBG[t]
                da_BG[:, :hidden] *= dh_BH
                da_B3H = da_BG[:, hidden:].reshape(batch_size, 3, hidden)
                da_B3H *= dc_BH[:, None]
                dc_BH *= f_BH
                np.matmul(da_BG, W_GH, out=dh_BH)
                h.cut(t, dh_BH)
                c.cut(t, dc_BH)
        da_TBG = tape.gradient_rows()
        np.matmul(tape.incoming_rows().T, rows(da_TBG), out=grads["W_hh"])
        return da_TBG, (dh_BH.copy(), dc_BH.copy())

    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        """One step with no tape; see Cell.step."""
        h_BH, c_BH, tanh_c_BH = (like(a_BG, *state[0].shape) for _ in range(3))
        _advance(params["W_hh"], a_BG, state, like(a_BG, *a_BG.shape), tanh_c_BH, (h_BH, c_BH))
        return h_BH, c_BH


def _gates(a: Floats) -> tuple[Floats, ...]:
    """The blocks o, i, f, g along the last axis, as views."""
    hidden = a.shape[-1] // 4
    return tuple(a[..., k * hidden : (k + 1) * hidden] for k in range(4))


def _advance(
    W_HG: Floats, a_BG: Floats, state: State, product_BG: Floats, tanh_c_BH: Floats, out: Sequence[Floats]
) -> None:
    """One step: a_BG becomes the gates' activations, ``out`` the new h and c."""
    h_BH, c_BH = state
    h_out_BH, c_out_BH = out
    np.matmul(h_BH, W_HG, out=product_BG)
    a_BG += product_BG
    o, i, f, g = _gates(a_BG)
    sigmoid_(a_BG[:, : -g.shape[1]])
    np.tanh(g, out=g)
    np.multiply(f, c_BH, out=c_out_BH)
    np.multiply(i, g, out=tanh_c_BH)
    c_out_BH += tanh_c_BH
    np.tanh(c_out_BH, out=tanh_c_BH)
    np.multiply(o, tanh_c_BH, out=h_out_BH)


def _local_derivatives(
    gates_TBG: Floats, h_TBH: Floats, c_TBH: Floats, tanh_c: Floats, scratch: Parameters
) -> None:
    """Turn a block's activations into what dh or dc is multiplied by at each step, in place.

    o becomes dh'/da_o; i, f and g become dc'/da_i, dc'/da_f and dc'/da_g; the scratch keeps f = dc'/dc and
    dh'/dc' = o * (1 - tanh(c')^2). ``h_TBH`` are the outputs h', ``c_TBH`` the incoming c, and ``tanh_c``,
    tanh(c'), is used up. Each derivative is written with the products that forward left, h' = o * tanh(c')
    first of all, so that no temporary is needed.
    """
    f_copy, dh_dc = scratch["f"][: len(h_TBH)], scratch["dh_dc"][: len(h_TBH)]
    o, i, f, g = _gates(gates_TBG)
    np.multiply(h_TBH, tanh_c, out=dh_dc)
    np.subtract(o, dh_dc, out=dh_dc)
    _complement_times(o, h_TBH)
    f_copy[:] = f
    _complement_times(f, f_copy)
    f *= c_TBH
    i_g = np.multiply(i, g, out=tanh_c)
    g *= i_g
    np.subtract(i, g, out=g)
    _complement_times(i, i_g)


def _complement_times(s: Floats, factor: Floats) -> None:
    """(1 - s) * factor, in place of s."""
    np.subtract(1, s, out=s)
    s *= factor
