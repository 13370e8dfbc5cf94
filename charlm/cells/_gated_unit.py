"""What the two forms of the gated recurrent unit share: everything but where the reset gate is applied.

Both interpolate, h' = n + z * (h - n), between the state and a candidate n. They differ in how the state enters
the candidate: that value is ``inner`` on the tape, and the four abstract methods are all that a form adds.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from charlm.arrays import Floats
from charlm.cells._base import Cell, like
from charlm.cells._tape import Parameters, State, Tape, rows


class GatedUnit(Cell):
    """A cell with reset gate r, update gate z (which keeps the old state) and candidate n."""

    gates = ("r", "z", "n")
    rate = 0.5  # at 1, runs of some minutes with dropout diverged, on two corpora

    @abstractmethod
    def _activate(
        self, params: Parameters, W_HG: Floats, a_BG: Floats, h_BH: Floats, inner_BH: Floats, product_BG: Floats
    ) -> None:
        """Turn one step's pre-activations into r, z and n in place, and write ``inner``.

        ``W_HG`` is W_hh in the memory order that suits the step.
        """

    @abstractmethod
    def _reset_derivative(self, r_TBH: Floats, inner_TBH: Floats) -> None:
        """Turn r into what the gradient that reaches it is multiplied by, in place."""

    @abstractmethod
    def _through_products(
        self, params: Parameters, da_BG: Floats, dh_BH: Floats, r_BH: Floats, inner_BH: Floats, tape: Tape
    ) -> None:
        """Finish da_r, and add to dh what reaches the old state through the recurrent products."""

    @abstractmethod
    def _weight_gradients(self, da_NG: Floats, tape: Tape, grads: Parameters) -> None:
        """Write the gradients of the recurrence's parameters."""

    def kept_shapes(self, seq_len: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """``inner`` over time."""
        return {"inner": (seq_len, batch_size, hidden)}

    def scratch_shapes(self, block: int, batch_size: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """r, z and h - n over a block; gradients of one step."""
        return {
            "rz": (block, batch_size, 2 * hidden),
            "difference": (block, batch_size, hidden),
            "dh": (batch_size, hidden),
            "product": (batch_size, hidden),
        }

    def forward(
        self, params: Parameters, a_TBG: Floats, state: State, keep_TB: Floats | None, tape: Tape
    ) -> tuple[Floats, State]:
        """Run the recurrence; see Cell.forward."""
        tape.begin(params, a_TBG, state, keep_TB)
        (h,) = tape.tracks
        inner, bench = tape.kept["inner"], tape.bench
        for t, a_BG in enumerate(a_TBG):
            h_BH = h.incoming(t)
            self._activate(params, bench.W_HG, a_BG, h_BH, inner[t], bench.product_BG)
            _interpolate(a_BG, h_BH, out=h.slots_TBH[t + 1])
        return tape.finish()

    def backward(
        self, params: Parameters, dh_TBH: Floats, dstate: State, tape: Tape, grads: Parameters
    ) -> tuple[Floats, State]:
        """Run the derivative; see Cell.backward."""
        (h,) = tape.tracks
        da_TBG, scratch, inner = tape.gates_TBG, tape.bench.scratch, tape.kept["inner"]
        dh_BH = scratch["dh"]
        batch_size, hidden = dh_BH.shape
        dh_BH[:] = dstate[0]
        for block, above_TBH in tape.blocks_backward(dh_TBH):
            self._local_derivatives(da_TBG[block], h.produced(block), scratch, inner[block])
            steps = zip(range(block.start, block.stop), above_TBH, scratch["rz"], strict=False)
            for t, above_BH, rz_BG in reversed(list(steps)):
                dh_BH += above_BH
                da_B2H = da_TBG[t, :, hidden:].reshape(batch_size, 2, hidden)
                da_B2H *= dh_BH[:, None]
                dh_BH *= rz_BG[:, hidden:]
                self._through_products(params, da_TBG[t], dh_BH, rz_BG[:, :hidden], inner[t], tape)
                h.cut(t, dh_BH)
        da_TBG = tape.gradient_rows()
        self._weight_gradients(rows(da_TBG), tape, grads)
        return da_TBG, (dh_BH.copy(),)

    def _local_derivatives(
        self, gates_TBG: Floats, h_TBH: Floats, scratch: Parameters, inner_TBH: Floats
    ) -> None:
        """Turn a block's activations into what the gradient is multiplied by at each step, in place.

        Here z becomes dh'/da_z = (h - n) * z * (1 - z), where z * (h - n) is h' - n with h' from ``h_TBH``, and n
        becomes dh'/da_n = (1 - z) * (1 - n^2). The scratch keeps r and z themselves.
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
        """One step with no tape; see Cell.step."""
        h_BH = state[0]
        self._activate(params, params["W_hh"], a_BG, h_BH, like(a_BG, *h_BH.shape), like(a_BG, *a_BG.shape))
        return (_interpolate(a_BG, h_BH, out=like(a_BG, *h_BH.shape)),)


def _interpolate(gates_BG: Floats, h_BH: Floats, out: Floats) -> Floats:
    """Write z * h + (1 - z) * n, as n + z * (h - n)."""
    hidden = h_BH.shape[1]
    z, n = gates_BG[:, hidden : 2 * hidden], gates_BG[:, 2 * hidden :]
    np.subtract(h_BH, n, out=out)
    out *= z
    out += n
    return out
