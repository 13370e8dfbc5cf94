"""The gated recurrent unit (Cho et al. 2014).

    r, z = sigmoid(x W_xh + h W_hh + b), one block each        n = tanh(x W_xh + (r * h) W_hh + b)
    h' = z * h + (1 - z) * n                                   z keeps the old state

With ``reset_after``, as in PyTorch and cuDNN:

    n = tanh(x W_xh + b + r * (h W_hh + b_hn))

``inner`` is r * h, or h W_hh + b_hn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charlm.base.arrays import Floats
from charlm.config import Config, ModelConfig, setting
from charlm.nn.buffers import ForwardCache, Parameters, State, flatten_time
from charlm.nn.cell import Cell, sigmoid_
from charlm.nn.products import empty_product, multiply_step
from charlm.nn.units import Units


@dataclass(frozen=True)
class GRUConfig(Config):
    """Settings of the gru cell."""

    reset_after: bool = setting(False, "GRU of PyTorch and cuDNN: reset gate after the product.")


class GRU(Cell):
    """The cell of the paper: reset gate r, update gate z, candidate n."""

    gates = ("r", "z", "n")
    config_type = GRUConfig
    by_rows = True
    lr_scale = 0.5  # at 1, runs of a few minutes with dropout diverged on two corpora

    @classmethod
    def from_config(cls, config: ModelConfig) -> Cell:  # type: ignore[override]
        """The cell, or its ``reset_after`` variant."""
        return _ResetAfter() if config.own == GRUConfig(reset_after=True) else cls()

    def saved_shapes(self, seq_len: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"inner": (seq_len, batch_size, hidden)}

    def scratch_shapes(self, block: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {
            "rz": (block, batch_size, 2 * hidden),
            "difference": (block, batch_size, hidden),
            "dh": (batch_size, hidden),
            "product": (batch_size, hidden),
        }

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None, cache: ForwardCache
    ) -> tuple[Floats, State]:
        cache.begin(params, a_TBG, state, carry_TB)
        (h,) = cache.history
        inner, scratch = cache.saved["inner"], cache.scratch
        for t, a_BG in enumerate(a_TBG):
            h_BH = h.before_step(t)
            self._activate(params, scratch.W_HG, a_BG, h_BH, inner[t], scratch.product_BG, scratch.units)
            _interpolate(a_BG, h_BH, out=h.slots_TBH[t + 1])
        return cache.finish()

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, cache: ForwardCache, grads: Parameters
    ) -> tuple[Floats, State]:
        (h,) = cache.history
        da_TBG, scratch, inner = cache.gates_TBG, cache.scratch.arrays, cache.saved["inner"]
        dh_BH, product_BH = scratch["dh"], scratch["product"]
        W_rz, W_n = (cache.transpose(W_HX) for W_HX in _parts(params["W_hh"]))
        batch_size, hidden = dh_BH.shape
        dh_BH[:] = dstate[0]
        for block, above_TBH in cache.blocks_backward(dh_TBH):
            self._local_derivatives(da_TBG[block], h.states_after(block), scratch, inner[block])
            steps = zip(range(block.start, block.stop), above_TBH, scratch["rz"], strict=False)
            for t, above_BH, rz_BG in reversed(list(steps)):
                dh_BH += above_BH
                da_B2H = da_TBG[t, :, hidden:].reshape(batch_size, 2, hidden)
                da_B2H *= dh_BH[:, None]
                dh_BH *= rz_BG[:, hidden:]
                gates = da_TBG[t], rz_BG[:, :hidden], inner[t]
                self._through_products(W_rz, W_n, gates, dh_BH, product_BH, cache)
                h.mask_gradient(t, dh_BH)
        da_TBG = cache.gradient_rows()
        self._weight_gradients(flatten_time(da_TBG), cache, grads)
        return da_TBG, (dh_BH.copy(),)

    def _local_derivatives(
        self, gates_TBG: Floats, h_TBH: Floats, scratch: Parameters, inner_TBH: Floats
    ) -> None:
        """Turn activations into local derivatives in place.

        z becomes (h - n) * z * (1 - z), n becomes (1 - z) * (1 - n^2); the scratch receives r and z.
        """
        hidden = h_TBH.shape[-1]
        r, z, n = (gates_TBG[..., k * hidden : (k + 1) * hidden] for k in range(3))
        scratch["rz"][: len(h_TBH)] = gates_TBG[..., : 2 * hidden]
        self._reset_derivative(r, inner_TBH)
        difference = np.subtract(h_TBH, n, out=scratch["difference"][: len(h_TBH)])
        np.subtract(1, z, out=z)
        n *= n
        np.subtract(1, n, out=n)
        n *= z
        z *= difference

    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        out_BH, inner_BH = (np.empty(state[0].shape, a_BG.dtype) for _ in range(2))
        product_BG = empty_product(a_BG.shape, a_BG.dtype)
        units = Units(state[0].shape[1])
        self._activate(params, params["W_hh"], a_BG, state[0], inner_BH, product_BG, units)
        return (_interpolate(a_BG, state[0], out=out_BH),)

    def _activate(
        self, params: Parameters, W_HG: Floats, a_BG: Floats, h_BH: Floats, inner_BH: Floats, product_BG: Floats,
        units: Units,
    ) -> None:  # fmt: skip
        """Turn pre-activations into r, z and n; write ``inner``."""
        (rz, n), (W_rz, W_n), (product_rz, product_n) = _parts(a_BG), _parts(W_HG), _parts(product_BG)
        rz += multiply_step(units.gather(h_BH), W_rz, out=product_rz)
        sigmoid_(rz)
        np.multiply(rz[:, : h_BH.shape[1]], h_BH, out=inner_BH)
        n += multiply_step(units.gather(inner_BH), W_n, out=product_n)
        np.tanh(n, out=n)

    def _reset_derivative(self, r_TBH: Floats, inner_TBH: Floats) -> None:
        """Turn r into d(r * h)/da_r = h * r * (1 - r), in place."""
        np.subtract(1, r_TBH, out=r_TBH)
        r_TBH *= inner_TBH

    def _through_products(
        self, W_rz: Floats, W_n: Floats, gates: State, dh_BH: Floats, product_BH: Floats, cache: ForwardCache
    ) -> None:
        """Finish da_r, from ``gates``: da, r and ``inner`` of a step; add to dh."""
        da_BG, r_BH, _ = gates
        da_rz, da_n = _parts(da_BG)
        multiply_step(cache.gather(da_n), W_n, out=product_BH)
        da_rz[:, : dh_BH.shape[1]] *= product_BH
        product_BH *= r_BH
        dh_BH += product_BH
        dh_BH += multiply_step(cache.gather(da_rz), W_rz, out=product_BH)

    def _weight_gradients(self, da_NG: Floats, cache: ForwardCache, grads: Parameters) -> None:
        """Write the parameters' gradients."""
        (da_rz, da_n), (dW_rz, dW_n) = _parts(da_NG), _parts(grads["W_hh"])
        np.matmul(cache.rows_before().T, da_rz, out=dW_rz)
        inner_NH = cache.all_rows(cache.saved["inner"][: len(cache.gates_TBG)])
        np.matmul(inner_NH.T, da_n, out=dW_n)


class _ResetAfter(GRU):
    """The variant; in backward, ``inner`` becomes its own gradient."""

    torch_gates = ("r", "z", "n")
    recurrent_biases = {"n": "b_hn"}  # noqa: RUF012 - a class's constant

    def shapes(self, hidden: int) -> dict[str, tuple[int, ...]]:
        return {**super().shapes(hidden), "b_hn": (hidden,)}

    def _activate(
        self, params: Parameters, W_HG: Floats, a_BG: Floats, h_BH: Floats, inner_BH: Floats, product_BG: Floats,
        units: Units,
    ) -> None:  # fmt: skip
        multiply_step(units.gather(h_BH), W_HG, out=product_BG)
        (rz, n), (product_rz, product_n) = _parts(a_BG), _parts(product_BG)
        rz += product_rz
        sigmoid_(rz)
        np.add(product_n, params["b_hn"], out=inner_BH)
        n += np.multiply(inner_BH, rz[:, : h_BH.shape[1]], out=product_n)
        np.tanh(n, out=n)

    def _reset_derivative(self, r_TBH: Floats, inner_TBH: Floats) -> None:
        """Turn r into da_n/da_r = inner * r * (1 - r), in place; overwrites inner."""
        inner_TBH *= r_TBH
        np.subtract(1, r_TBH, out=r_TBH)
        r_TBH *= inner_TBH

    def _through_products(
        self, W_rz: Floats, W_n: Floats, gates: State, dh_BH: Floats, product_BH: Floats, cache: ForwardCache
    ) -> None:
        da_BG, r_BH, inner_BH = gates
        da_rz, da_n = _parts(da_BG)
        da_rz[:, : dh_BH.shape[1]] *= da_n
        dinner_BH = np.multiply(da_n, r_BH, out=inner_BH)
        dh_BH += multiply_step(cache.gather(da_rz), W_rz, out=product_BH)
        dh_BH += multiply_step(cache.gather(dinner_BH), W_n, out=product_BH)

    def _weight_gradients(self, da_NG: Floats, cache: ForwardCache, grads: Parameters) -> None:
        (da_rz, _), (dW_rz, dW_n) = _parts(da_NG), _parts(grads["W_hh"])
        dinner_TBH = cache.saved["inner"][: len(cache.gates_TBG)]
        dinner_TBH.sum(axis=(0, 1), out=grads["b_hn"])
        h_NH = cache.rows_before()
        np.matmul(h_NH.T, da_rz, out=dW_rz)
        np.matmul(h_NH.T, cache.in_rows(dinner_TBH), out=dW_n)


def _parts(x: Floats) -> tuple[Floats, Floats]:
    """The blocks of r and z, and that of n, as views."""
    hidden = x.shape[-1] // 3
    return x[..., : 2 * hidden], x[..., 2 * hidden :]


def _interpolate(gates_BG: Floats, h_BH: Floats, out: Floats) -> Floats:
    """Write z * h + (1 - z) * n."""
    hidden = h_BH.shape[1]
    z, n = gates_BG[:, hidden : 2 * hidden], gates_BG[:, 2 * hidden :]
    np.subtract(h_BH, n, out=out)
    out *= z
    out += n
    return out
