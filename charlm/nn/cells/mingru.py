"""The minimal gated recurrent unit (minGRU; Feng et al. 2024), with a linear candidate.

    z = sigmoid(x W_xh + b), h~ = x W_xh + b, one block each        h' = (1 - z) * h + z * h~

In code h' = k * h + u, with k = 1 - z and u = z * h~.
"""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.nn.buffers import ForwardCache, Parameters, State
from charlm.nn.cell import Cell, sigmoid_


class MinGRU(Cell):
    """The minGRU cell. One layer's gates read only one character, so use two layers or more."""

    gates = ("z", "h~")
    by_rows = True

    def shapes(self, hidden: int) -> dict[str, tuple[int, ...]]:
        return {}

    def scratch_shapes(self, block: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"block": (block, batch_size, hidden), "dh": (batch_size, hidden)}

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        params["b_h"][:] = 0

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, carry_TB: Floats | None, cache: ForwardCache
    ) -> tuple[Floats, State]:
        cache.begin(params, a_TBG, state, carry_TB)
        (h,) = cache.history
        scratch_TBH = cache.scratch.arrays["block"]
        for start in range(0, len(a_TBG), len(scratch_TBH)):
            own_TBG = a_TBG[start : start + len(scratch_TBH)]
            u_TBH = _activate(own_TBG, out=scratch_TBH[: len(own_TBG)])
            k_TBH, _ = _gates(own_TBG)
            for t, (k_BH, u_BH) in enumerate(zip(k_TBH, u_TBH, strict=True), start):
                _update(k_BH, u_BH, h.before_step(t), out=h.slots_TBH[t + 1])
        return cache.finish()

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, cache: ForwardCache, grads: Parameters
    ) -> tuple[Floats, State]:
        (h,) = cache.history
        dh_BH, scratch_TBH = cache.scratch.arrays["dh"], cache.scratch.arrays["block"]
        dh_BH[:] = dstate[0]
        for block, own_dh_TBH in cache.blocks_backward(dh_TBH):
            k_TBH, candidate_TBH = _gates(cache.gates_TBG[block])
            for t in range(block.stop - 1, block.start - 1, -1):
                total_BH = own_dh_TBH[t - block.start]
                total_BH += dh_BH
                np.multiply(total_BH, k_TBH[t - block.start], out=dh_BH)
                h.mask_gradient(t, dh_BH)
            np.subtract(1, k_TBH, out=candidate_TBH)
            candidate_TBH *= own_dh_TBH
            # dh'/da_z = (h~ - h) * z * (1 - z), where z * (h~ - h) is what the step added to h.
            k_TBH *= own_dh_TBH
            k_TBH *= np.subtract(h.states_after(block), h.states_before(block), out=scratch_TBH[: len(k_TBH)])
        return cache.gradient_rows(), (dh_BH.copy(),)

    def step(self, params: Parameters, a_BG: Floats, state: State) -> State:
        h_BH, u_BH = (np.empty(state[0].shape, a_BG.dtype) for _ in range(2))
        _activate(a_BG, out=u_BH)
        return (_update(_gates(a_BG)[0], u_BH, state[0], out=h_BH),)


def _gates(a: Floats) -> tuple[Floats, Floats]:
    """The blocks z and h~, as views."""
    hidden = a.shape[-1] // 2
    return a[..., :hidden], a[..., hidden:]


def _activate(a: Floats, out: Floats) -> Floats:
    """Write k = 1 - z, h~ and u = z * h~."""
    k, candidate = _gates(a)
    np.negative(k, out=k)
    sigmoid_(k)
    np.multiply(k, candidate, out=out)
    return np.subtract(candidate, out, out=out)


def _update(k_BH: Floats, u_BH: Floats, h_BH: Floats, out: Floats) -> Floats:
    """Write k * h + u."""
    np.multiply(k_BH, h_BH, out=out)
    out += u_BH
    return out
