"""The gated recurrent unit as PyTorch and cuDNN have it, the reset gate applied after the recurrent product.

    n = tanh(x W + b + r * (h W + b_hn))

All three blocks of h W then come from one product, at the price of one more bias. The rest is the GRU's.
"""

from __future__ import annotations

import numpy as np

from charlm.arrays import Floats
from charlm.cells._base import sigmoid_
from charlm.cells._gated_unit import GatedUnit
from charlm.cells._tape import Parameters, Tape


class GRUResetAfter(GatedUnit):
    """The variant; on the tape, ``inner`` is h W_n + b_hn, and in backward its gradient."""

    torch_gates = ("r", "z", "n")
    recurrent_biases = {"n": "b_hn"}  # noqa: RUF012 - a class's constant
    settings = ("reset_after",)

    def shapes(self, hidden: int) -> dict[str, tuple[int, ...]]:
        """The recurrent weights, and the candidate's bias inside the reset."""
        return {**super().shapes(hidden), "b_hn": (hidden,)}

    def _activate(
        self, params: Parameters, W_HG: Floats, a_BG: Floats, h_BH: Floats, inner_BH: Floats, product_BG: Floats
    ) -> None:
        hidden = h_BH.shape[1]
        np.matmul(h_BH, W_HG, out=product_BG)
        rz, n = a_BG[:, : 2 * hidden], a_BG[:, 2 * hidden :]
        product_n = product_BG[:, 2 * hidden :]
        rz += product_BG[:, : 2 * hidden]
        sigmoid_(rz)
        np.add(product_n, params["b_hn"], out=inner_BH)
        n += np.multiply(inner_BH, rz[:, :hidden], out=product_n)
        np.tanh(n, out=n)

    def _reset_derivative(self, r_TBH: Floats, inner_TBH: Floats) -> None:
        """da_n/da_r = inner * r * (1 - r), in place of r; inner is used up."""
        inner_TBH *= r_TBH
        np.subtract(1, r_TBH, out=r_TBH)
        r_TBH *= inner_TBH

    def _through_products(
        self, params: Parameters, da_BG: Floats, dh_BH: Floats, r_BH: Floats, inner_BH: Floats, tape: Tape
    ) -> None:
        hidden = dh_BH.shape[1]
        product_BH, W_GH = tape.bench.scratch["product"], params["W_hh"].T
        da_n = da_BG[:, 2 * hidden :]
        da_BG[:, :hidden] *= da_n
        dinner_BH = np.multiply(da_n, r_BH, out=inner_BH)
        dh_BH += np.matmul(da_BG[:, : 2 * hidden], W_GH[: 2 * hidden], out=product_BH)
        dh_BH += np.matmul(dinner_BH, W_GH[2 * hidden :], out=product_BH)

    def _weight_gradients(self, da_NG: Floats, tape: Tape, grads: Parameters) -> None:
        dW_HG = grads["W_hh"]
        hidden = len(dW_HG)
        dinner_TBH = tape.kept["inner"][: len(tape.gates_TBG)]
        dinner_TBH.sum(axis=(0, 1), out=grads["b_hn"])
        h_NH = tape.incoming_rows()
        np.matmul(h_NH.T, da_NG[:, : 2 * hidden], out=dW_HG[:, : 2 * hidden])
        np.matmul(h_NH.T, tape.in_rows(dinner_TBH), out=dW_HG[:, 2 * hidden :])
