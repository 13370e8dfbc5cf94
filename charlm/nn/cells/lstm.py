"""The long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

o, i, f = sigmoid(x W + h W + b), one block each        g = tanh(x W + h W + b)
c' = f * c + i * g                                      h' = o * tanh(c')
"""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.nn.buffers import Parameters, State, Tape, rows
from charlm.nn.cell import like
from charlm.nn.lstm_gates import MemoryCell, advance, gate_blocks, gate_gradients, local_derivatives


class LSTM(MemoryCell):
    """The LSTM cell; ``forget_bias`` is the initial bias of f (Jozefowicz et al. 2015 advise 1)."""

    torch_gates = ("i", "f", "g", "o")

    def initialise(self, params: Parameters, rng: np.random.Generator) -> None:
        """Orthogonal recurrent weights, zero biases but for the forget gate's, in place."""
        super().initialise(params, rng)
        _, _, f, _ = gate_blocks(params["b_h"])
        f[:] = self.forget_bias

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, keep_TB: Floats | None, tape: Tape
    ) -> tuple[Floats, State]:
        """Run the recurrence; see Cell.forward."""
        tape.begin(params, a_TBG, state, keep_TB)
        h, c = tape.tracks
        W_HG, product_BG, tanh_c_BH = tape.bench.W_HG, tape.bench.product_BG, tape.bench.scratch["product"]
        for t, (a_BG, *out) in enumerate(zip(a_TBG, h.slots_TBH[1:], c.slots_TBH[1:], strict=False)):
            advance(W_HG, a_BG, (h.incoming(t), c.incoming(t)), product_BG, tanh_c_BH, out)
        return tape.finish()

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, tape: Tape, grads: Parameters
    ) -> tuple[Floats, State]:
        """Run the derivative; see Cell.backward."""
        h, c = tape.tracks
        da_TBG, scratch = tape.gates_TBG, tape.bench.scratch
        dh_BH, dc_BH, product_BH = scratch["dh"], scratch["dc"], scratch["product"]
        W_GH = params["W_hh"].T
        dh_BH[:], dc_BH[:] = dstate
        for block, above_TBH in tape.blocks_backward(dh_TBH):
            # Cheaper to compute again than to keep over the whole chunk.
            tanh_c = np.tanh(c.produced(block), out=scratch["tanh_s"][: len(above_TBH)])
            local_derivatives(da_TBG[block], h.produced(block), c.all_incoming(block), tanh_c, scratch)
            steps = zip(range(block.start, block.stop), above_TBH, scratch["dh_ds"], scratch["f"], strict=False)
            for t, above_BH, dh_ds_BH, f_BH in reversed(list(steps)):
                dh_BH += above_BH
                np.multiply(dh_BH, dh_ds_BH, out=product_BH)
                dc_BH += product_BH
                gate_gradients(da_TBG[t], dh_BH, dc_BH)
                dc_BH *= f_BH
                np.matmul(da_TBG[t], W_GH, out=dh_BH)
                h.cut(t, dh_BH)
                c.cut(t, dc_BH)
        da_TBG = tape.gradient_rows()
        np.matmul(tape.incoming_rows().T, rows(da_TBG), out=grads["W_hh"])
        return da_TBG, (dh_BH.copy(), dc_BH.copy())

    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        """One step with no tape; see Cell.step."""
        shape = state[0].shape
        h_BH, c_BH, tanh_c_BH = like(a_BG, *shape), like(a_BG, *shape), like(a_BG, *shape)
        advance(params["W_hh"], a_BG, state, like(a_BG, *a_BG.shape), tanh_c_BH, (h_BH, c_BH))
        return h_BH, c_BH
