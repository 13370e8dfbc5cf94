"""A leaky integrator (Jaeger 2001), which charlm does not have: h' = (1 - k) * h + k * tanh(x W + h W + b)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charlm.base.arrays import Floats
from charlm.config import Config, setting
from charlm.nn.buffers import ForwardCache, Parameters, State, flatten_time
from charlm.nn.cell import Cell


@dataclass(frozen=True)
class LeakyConfig(Config):
    """The settings of the leaky cell."""

    leak: float = setting(0.5, "Share of the leaky cell's state that a step replaces.", above=0, high=1)


class Leaky(Cell):
    """The cell; its one gate is the candidate."""

    gates = ("h",)
    config_type = LeakyConfig

    def __init__(self, leak: float = 0.5) -> None:
        self.leak = leak

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None, cache: ForwardCache
    ) -> tuple[Floats, State]:
        cache.begin(params, a_TBG, state, carry_TB)
        (h,) = cache.history
        for t, a_BG in enumerate(a_TBG):
            (h.slots_TBH[t + 1][:],) = self.step(params, a_BG, (h.before_step(t),))
        return cache.finish()

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, cache: ForwardCache, grads: Parameters
    ) -> tuple[Floats, State]:
        (h,) = cache.history
        da_TBG, dh_BH = cache.gates_TBG, dstate[0].copy()
        for block, above_TBH in cache.blocks_backward(dh_TBH):
            for t in range(block.stop - 1, block.start - 1, -1):
                dh_BH += above_TBH[t - block.start]
                da_TBG[t] = self.leak * dh_BH * (1 - da_TBG[t] ** 2)
                dh_BH = (1 - self.leak) * dh_BH + da_TBG[t] @ params["W_hh"].T
                h.mask_gradient(t, dh_BH)
        da_TBG = cache.gradient_rows()
        np.matmul(cache.rows_before().T, flatten_time(da_TBG), out=grads["W_hh"])
        return da_TBG, (dh_BH,)

    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        a_BG += state[0] @ params["W_hh"]
        np.tanh(a_BG, out=a_BG)
        return ((1 - self.leak) * state[0] + self.leak * a_BG,)
