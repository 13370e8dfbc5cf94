"""The multiplicative LSTM (Krause et al. 2016): the recurrent weights depend on the current character.

    m = (x W_xh + b) * (h W_hh)                                   one block of each product
    o, i, f = sigmoid(x W_xh + m W_hh + b), one block each        g = tanh(x W_xh + m W_hh + b)
    c' = f * c + i * g                                            h' = o * tanh(c')

The bias of m's input factor is not in the paper.
"""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.nn.buffers import ForwardCache, Parameters, State
from charlm.nn.lstm_gates import LSTMBase, gate_gradients, local_derivatives, lstm_step_
from charlm.nn.products import empty_product, multiply_step


class MLSTM(LSTMBase):
    """The multiplicative LSTM cell; ``forget_bias`` is the initial bias of f."""

    gates = ("m", *LSTMBase.gates)
    lr_scale = 0.3  # a step of the weights changes both factors of m; at 1 training diverges

    def saved_shapes(self, seq_len: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(("m", "factor"), (seq_len, batch_size, hidden))

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None, cache: ForwardCache
    ) -> tuple[Floats, State]:
        cache.begin(params, a_TBG, state, carry_TB)
        h, c = cache.history
        tanh_c_BH = cache.scratch.arrays["product"]
        (W_m_HH, W_HG), (_, product_BG) = _parts(cache.scratch.W_HG), _parts(cache.scratch.product_BG)
        factors_TBH, gates_TBG = _parts(a_TBG)
        # The cache holds m's two factors exchanged: each where its own gradient, dm times the other, will be.
        cache.saved["factor"][: len(a_TBG)] = factors_TBH
        for t, (a_BG, q_BH, m_BH) in enumerate(zip(gates_TBG, factors_TBH, cache.saved["m"], strict=False)):
            multiply_step(cache.gather(h.before_step(t)), W_m_HH, out=q_BH)
            np.multiply(cache.saved["factor"][t], q_BH, out=m_BH)
            out = h.slots_TBH[t + 1], c.slots_TBH[t + 1]
            lstm_step_(W_HG, a_BG, (cache.gather(m_BH), c.before_step(t)), product_BG, tanh_c_BH, out)
        return cache.finish()

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, cache: ForwardCache, grads: Parameters
    ) -> tuple[Floats, State]:
        h, c = cache.history
        scratch, dq_TBH = cache.scratch.arrays, cache.saved["factor"]
        dfactor_TBH, da_TBG = _parts(cache.gates_TBG)
        dh_BH, dc_BH, product_BH = scratch["dh"], scratch["dc"], scratch["product"]
        W_mT_HH, W_GH = map(cache.transpose, _parts(params["W_hh"]))
        dh_BH[:], dc_BH[:] = dstate
        for block, above_TBH in cache.blocks_backward(dh_TBH):
            tanh_c = np.tanh(c.states_after(block), out=scratch["tanh_s"][: len(above_TBH)])
            local_derivatives(da_TBG[block], h.states_after(block), c.states_before(block), tanh_c, scratch)
            steps = zip(range(block.start, block.stop), above_TBH, scratch["dh_ds"], scratch["f"], strict=False)
            for t, above_BH, dh_ds_BH, f_BH in reversed(list(steps)):
                dh_BH += above_BH
                np.multiply(dh_BH, dh_ds_BH, out=product_BH)
                dc_BH += product_BH
                gate_gradients(da_TBG[t], dh_BH, dc_BH)
                dc_BH *= f_BH
                dm_BH = multiply_step(cache.gather(da_TBG[t]), W_GH, out=product_BH)
                dfactor_TBH[t] *= dm_BH
                dq_TBH[t] *= dm_BH
                multiply_step(cache.gather(dq_TBH[t]), W_mT_HH, out=dh_BH)
                h.mask_gradient(t, dh_BH)
                c.mask_gradient(t, dc_BH)
        da_TBG = cache.gradient_rows()
        self._weight_gradients(da_TBG, cache, grads)
        return da_TBG, (dh_BH.copy(), dc_BH.copy())

    def _weight_gradients(self, da_TBG: Floats, cache: ForwardCache, grads: Parameters) -> None:
        seq_len = len(da_TBG)
        dW_m_HH, dW_HG = _parts(grads["W_hh"])
        _, da_NG = _parts(da_TBG.reshape(-1, da_TBG.shape[-1]))
        np.matmul(cache.all_rows(cache.saved["m"][:seq_len]).T, da_NG, out=dW_HG)
        np.matmul(cache.rows_before().T, cache.in_rows(cache.saved["factor"][:seq_len]), out=dW_m_HH)

    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        h_BH, c_BH = state
        W_m_HH, W_HG = _parts(params["W_hh"])
        factor_BH, a_BG = _parts(a_BG)
        m_BH = multiply_step(h_BH, W_m_HH, out=empty_product(h_BH.shape, h_BH.dtype))
        m_BH *= factor_BH
        product_BG = empty_product(a_BG.shape, a_BG.dtype)
        h_out_BH, c_out_BH, tanh_c_BH = (np.empty(h_BH.shape, a_BG.dtype) for _ in range(3))
        lstm_step_(W_HG, a_BG, (m_BH, c_BH), product_BG, tanh_c_BH, (h_out_BH, c_out_BH))
        return h_out_BH, c_out_BH


def _parts(x: Floats) -> tuple[Floats, Floats]:
    """The blocks of m and of the gates, as views."""
    hidden = x.shape[-1] // 5
    return x[..., :hidden], x[..., hidden:]
