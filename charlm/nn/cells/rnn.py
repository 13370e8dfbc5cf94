"""The vanilla recurrent network (Elman 1990): h' = f(x W_xh + h W_hh + b_h), with f = tanh or ReLU.

With ReLU, W_hh starts at the identity (IRNN; Le, Jaitly & Hinton 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charlm.base.arrays import Floats
from charlm.config import Config, setting
from charlm.nn.buffers import ForwardCache, Parameters, State, flatten_time
from charlm.nn.cell import Cell
from charlm.nn.products import empty_product, multiply_step

IRNN_INPUT_DEVIATION = 0.03  # of W_xh in a ReLU network; Le et al. used 0.001, for far longer sequences


@dataclass(frozen=True)
class RNNConfig(Config):
    """The settings of the rnn cell."""

    nonlinearity: str = setting("tanh", "Activation of the rnn cell.", choices=("tanh", "relu"))


class RNN(Cell):
    """The vanilla cell, with one gate."""

    gates = ("h",)
    torch_gates = ("h",)
    by_rows = True
    config_type = RNNConfig

    def __init__(self, nonlinearity: str = "tanh") -> None:
        self.is_relu = nonlinearity == "relu"

    def scratch_shapes(self, block: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"dh": (batch_size, hidden)}

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        super().initialize(params, rng)
        if self.is_relu:
            params["W_hh"][:] = np.eye(len(params["W_hh"]))
            W_xh = params["W_xh"]
            W_xh *= IRNN_INPUT_DEVIATION / np.sqrt(np.mean(W_xh * W_xh))

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None, cache: ForwardCache
    ) -> tuple[Floats, State]:
        cache.begin(params, a_TBG, state, carry_TB)
        (h,) = cache.history
        W_HG, product_BG = cache.scratch.W_HG, cache.scratch.product_BG
        for t, a_BG in enumerate(a_TBG):
            self._next_state(W_HG, a_BG, cache.gather(h.before_step(t)), product_BG, out_BH=h.slots_TBH[t + 1])
        return cache.finish()

    def _next_state(self, W_HG: Floats, a_BG: Floats, h_BH: Floats, product_BG: Floats, out_BH: Floats) -> None:
        multiply_step(h_BH, W_HG, out=product_BG)
        a_BG += product_BG
        if self.is_relu:
            np.maximum(a_BG, 0, out=out_BH)
        else:
            np.tanh(a_BG, out=out_BH)

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, cache: ForwardCache, grads: Parameters
    ) -> tuple[Floats, State]:
        (h,) = cache.history
        da_TBG, dh_BH, W_GH = cache.gates_TBG, cache.scratch.arrays["dh"], cache.transpose(params["W_hh"])
        dh_BH[:] = dstate[0]
        for block, above_TBH in cache.blocks_backward(dh_TBH):
            self._local_derivatives(h.states_after(block), out=da_TBG[block])
            for t in range(block.stop - 1, block.start - 1, -1):
                dh_BH += above_TBH[t - block.start]
                da_TBG[t] *= dh_BH
                multiply_step(cache.gather(da_TBG[t]), W_GH, out=dh_BH)
                h.mask_gradient(t, dh_BH)
        da_TBG = cache.gradient_rows()
        np.matmul(cache.rows_before().T, flatten_time(da_TBG), out=grads["W_hh"])
        return da_TBG, (dh_BH.copy(),)

    def _local_derivatives(self, h_TBH: Floats, out: Floats) -> None:
        """Write f': 1 - h'^2 for tanh, h' > 0 for ReLU."""
        if self.is_relu:
            np.greater(h_TBH, 0, out=out, casting="unsafe")
        else:
            np.multiply(h_TBH, h_TBH, out=out)
            np.subtract(1, out, out=out)

    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        h_BH, product_BG = np.empty(a_BG.shape, a_BG.dtype), empty_product(a_BG.shape, a_BG.dtype)
        self._next_state(params["W_hh"], a_BG, state[0], product_BG, out_BH=h_BH)
        return (h_BH,)
