"""The long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

o, i, f = sigmoid(x W_xh + h W_hh + b), one block each        g = tanh(x W_xh + h W_hh + b)
c' = f * c + i * g                                            h' = o * tanh(c')
"""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.nn.buffers import ForwardCache, Parameters, State, flatten_time
from charlm.nn.lstm_gates import LSTMBase, gate_gradients, local_derivatives, lstm_step_
from charlm.nn.products import empty_product, multiply_step


class LSTM(LSTMBase):
    """The LSTM cell; ``forget_bias`` is the initial bias of f (Jozefowicz et al. 2015 advise 1)."""

    torch_gates = ("i", "f", "g", "o")

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None, cache: ForwardCache
    ) -> tuple[Floats, State]:
        cache.begin(params, a_TBG, state, carry_TB)
        h, c = cache.history
        W_HG, product_BG, tanh_c_BH = (
            cache.scratch.W_HG,
            cache.scratch.product_BG,
            cache.scratch.arrays["product"],
        )
        for t, (a_BG, *out) in enumerate(zip(a_TBG, h.slots_TBH[1:], c.slots_TBH[1:], strict=False)):
            lstm_step_(W_HG, a_BG, (cache.gather(h.before_step(t)), c.before_step(t)), product_BG, tanh_c_BH, out)
        return cache.finish()

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, cache: ForwardCache, grads: Parameters
    ) -> tuple[Floats, State]:
        h, c = cache.history
        da_TBG, scratch = cache.gates_TBG, cache.scratch.arrays
        dh_BH, dc_BH, product_BH = scratch["dh"], scratch["dc"], scratch["product"]
        W_GH = cache.transpose(params["W_hh"])
        dh_BH[:], dc_BH[:] = dstate
        for block, above_TBH in cache.blocks_backward(dh_TBH):
            # Computing tanh(c) again is cheaper than saving it for the whole window.
            tanh_c = np.tanh(c.states_after(block), out=scratch["tanh_s"][: len(above_TBH)])
            local_derivatives(da_TBG[block], h.states_after(block), c.states_before(block), tanh_c, scratch)
            steps = zip(range(block.start, block.stop), above_TBH, scratch["dh_ds"], scratch["f"], strict=False)
            for t, above_BH, dh_ds_BH, f_BH in reversed(list(steps)):
                dh_BH += above_BH
                np.multiply(dh_BH, dh_ds_BH, out=product_BH)
                dc_BH += product_BH
                gate_gradients(da_TBG[t], dh_BH, dc_BH)
                dc_BH *= f_BH
                multiply_step(cache.gather(da_TBG[t]), W_GH, out=dh_BH)
                h.mask_gradient(t, dh_BH)
                c.mask_gradient(t, dc_BH)
        da_TBG = cache.gradient_rows()
        np.matmul(cache.rows_before().T, flatten_time(da_TBG), out=grads["W_hh"])
        return da_TBG, (dh_BH.copy(), dc_BH.copy())

    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        product_BG = empty_product(a_BG.shape, a_BG.dtype)
        h_BH, c_BH, tanh_c_BH = (np.empty(state[0].shape, a_BG.dtype) for _ in range(3))
        lstm_step_(params["W_hh"], a_BG, state, product_BG, tanh_c_BH, (h_BH, c_BH))
        return h_BH, c_BH
