"""The layer-normalized LSTM (Ba, Kiros & Hinton 2016, equations 20 to 22).

    a = LN(h W_hh) * gain_h + LN(x W_xh + b) * gain_x + bias
    o, i, f = sigmoid(a), g = tanh(a), one block each
    c' = f * c + i * g                                      h' = o * tanh(LN(c') * gain_c + bias_c)

``bias`` is the sum of the paper's three.
"""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.nn.buffers import ForwardCache, Parameters, State, flatten_time
from charlm.nn.layer_norm import LayerNorm, normalize_
from charlm.nn.lstm_gates import LSTMBase, gate_blocks, gate_gradients, local_derivatives, update_memory
from charlm.nn.products import empty_product, multiply_step
from charlm.nn.units import Units


class LNLSTM(LSTMBase):
    """The layer-normalized LSTM cell; ``forget_bias`` is the initial ``bias`` of f."""

    gate_bias = "bias"

    def shapes(self, hidden: int) -> dict[str, tuple[int, ...]]:
        gates = dict.fromkeys(("gain_h", "gain_x", "bias"), (4 * hidden,))
        return {**super().shapes(hidden), **gates, "gain_c": (hidden,), "bias_c": (hidden,)}

    def saved_shapes(self, seq_len: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        widths = {"h": 4 * hidden, "x": 4 * hidden, "c": hidden}
        saved = (LayerNorm.saved_shapes(name, seq_len, batch_size, width) for name, width in widths.items())
        return {name: shape for shapes in saved for name, shape in shapes.items()}

    def scratch_shapes(self, block: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {
            **super().scratch_shapes(block, batch_size, hidden),
            **dict.fromkeys(("s", "bias_c", "dbias_c"), (batch_size, hidden)),
            **dict.fromkeys(("bias", "dbias"), (batch_size, 4 * hidden)),
            **LayerNorm.scratch_shapes("h", batch_size, 4 * hidden),
            **LayerNorm.scratch_shapes("x", batch_size, 4 * hidden),
            **LayerNorm.scratch_shapes("c", batch_size, hidden),
        }

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        for name in ("gain_h", "gain_x", "gain_c"):
            params[name][:] = 1
        for name in ("bias", "bias_c"):
            params[name][:] = 0
        super().initialize(params, rng)

    def _norms(self, params: Parameters, cache: ForwardCache) -> dict[str, LayerNorm]:
        products = {"h": cache.scratch.product_BG, "x": cache.scratch.product_BG, "c": cache.scratch.arrays["s"]}
        return {name: LayerNorm(name, params, cache, product_BX) for name, product_BX in products.items()}

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None, cache: ForwardCache
    ) -> tuple[Floats, State]:
        cache.begin(params, a_TBG, state, carry_TB)
        h, c = cache.history
        norms, scratch = self._norms(params, cache), cache.scratch.arrays
        norm_h, norm_x, norm_c = norms.values()
        for name in ("bias", "bias_c"):
            scratch[name][:] = params[name]
        for t, a_BG in enumerate(a_TBG):
            norm_x.n_TBX[t] = a_BG
            np.add(norm_x.normalize(t), scratch["bias"], out=a_BG)
        for t, a_BG in enumerate(a_TBG):
            multiply_step(cache.gather(h.before_step(t)), cache.scratch.W_HG, out=norm_h.n_TBX[t])
            a_BG += norm_h.normalize(t)
            update_memory(a_BG, c.before_step(t), scratch["s"], c.slots_TBH[t + 1])
            norm_c.n_TBX[t] = c.slots_TBH[t + 1]
            s_BH = norm_c.normalize(t)
            s_BH += scratch["bias_c"]
            np.tanh(s_BH, out=s_BH)
            np.multiply(gate_blocks(a_BG)[0], s_BH, out=h.slots_TBH[t + 1])
        return cache.finish()

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, cache: ForwardCache, grads: Parameters
    ) -> tuple[Floats, State]:
        h, c = cache.history
        norms = self._norms(params, cache)
        da_TBG, scratch = cache.gates_TBG, cache.scratch.arrays
        dh_BH, dc_BH, ds_BH = scratch["dh"], scratch["dc"], scratch["product"]
        W_GH = cache.transpose(params["W_hh"])
        dh_BH[:], dc_BH[:] = dstate
        totals = {name: scratch[f"d{name}"] for name in self.shapes(len(dh_BH.T)) if name != "W_hh"}
        for total_BX in totals.values():
            total_BX[:] = 0
        for block, above_TBH in cache.blocks_backward(dh_TBH):
            tanh_s = scratch["tanh_s"][: len(above_TBH)]
            np.multiply(norms["c"].n_TBX[block], params["gain_c"], out=tanh_s)
            tanh_s += params["bias_c"]
            np.tanh(tanh_s, out=tanh_s)
            local_derivatives(da_TBG[block], h.states_after(block), c.states_before(block), tanh_s, scratch)
            steps = zip(range(block.start, block.stop), above_TBH, scratch["dh_ds"], scratch["f"], strict=False)
            for t, above_BH, dh_ds_BH, f_BH in reversed(list(steps)):
                dh_BH += above_BH
                np.multiply(dh_BH, dh_ds_BH, out=ds_BH)
                totals["bias_c"] += ds_BH
                dc_BH += norms["c"].differentiate(t, ds_BH)
                da_BG = da_TBG[t]
                gate_gradients(da_BG, dh_BH, dc_BH)
                dc_BH *= f_BH
                multiply_step(cache.gather(norms["h"].differentiate(t, da_BG)), W_GH, out=dh_BH)
                h.mask_gradient(t, dh_BH)
                c.mask_gradient(t, dc_BH)
            for t in range(block.start, block.stop):
                totals["bias"] += da_TBG[t]
                da_TBG[t] = norms["x"].differentiate(t, da_TBG[t])
        self._weight_gradients(norms["h"].n_TBX[: len(dh_TBH)], totals, cache, grads)
        return cache.gradient_rows(), (dh_BH.copy(), dc_BH.copy())

    def _weight_gradients(
        self, dproduct_TBG: Floats, totals: Parameters, cache: ForwardCache, grads: Parameters
    ) -> None:
        in_rows_TBG = cache.scratch.rows_TBG[: len(dproduct_TBG)]
        np.copyto(in_rows_TBG, dproduct_TBG)
        np.matmul(cache.rows_before().T, flatten_time(in_rows_TBG), out=grads["W_hh"])
        for name, total_BX in totals.items():
            total_BX.sum(axis=0, out=grads[name])

    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        h_BH, c_BH = state
        units = Units(h_BH.shape[1])
        product_BG = multiply_step(h_BH, params["W_hh"], out=empty_product(a_BG.shape, a_BG.dtype))
        scratch_BG = np.empty(a_BG.shape, a_BG.dtype)
        s_BH, c_out_BH, scratch_BH = (np.empty(h_BH.shape, a_BG.dtype) for _ in range(3))
        for z_BG, gain in ((product_BG, params["gain_h"]), (a_BG, params["gain_x"])):
            normalize_(z_BG, scratch_BG, units)
            z_BG *= gain
        a_BG += product_BG
        a_BG += params["bias"]
        update_memory(a_BG, c_BH, s_BH, c_out_BH)
        s_BH[:] = c_out_BH
        normalize_(s_BH, scratch_BH, units)
        s_BH *= params["gain_c"]
        s_BH += params["bias_c"]
        np.tanh(s_BH, out=s_BH)
        s_BH *= gate_blocks(a_BG)[0]
        return s_BH, c_out_BH
