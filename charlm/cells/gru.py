"""The gated recurrent unit (Cho et al. 2014), the reset gate applied before the recurrent product.

    r, z = sigmoid(x W + h W + b), one block each        n = tanh(x W + (r * h) W + b)
    h' = z * h + (1 - z) * n                             z keeps the old state

Libraries differ here without saying so: PyTorch and cuDNN reset after the product, which is the variant that
the setting ``reset_after`` chooses, in a file of its own.
"""

from __future__ import annotations

import numpy as np

from charlm.arrays import Floats
from charlm.cells._base import Cell, sigmoid_
from charlm.cells._gated_unit import GatedUnit
from charlm.cells._gru_reset_after import GRUResetAfter
from charlm.cells._tape import Parameters, Tape
from charlm.config import ModelConfig


class GRU(GatedUnit):
    """The GRU cell as its paper has it; on the tape, ``inner`` is r * h."""

    settings = ("reset_after",)

    @classmethod
    def from_config(cls, config: ModelConfig) -> Cell:  # type: ignore[override]
        """The cell, or with ``reset_after`` its variant."""
        return GRUResetAfter() if config.reset_after else cls()

    def _activate(
        self, params: Parameters, W_HG: Floats, a_BG: Floats, h_BH: Floats, inner_BH: Floats, product_BG: Floats
    ) -> None:
        hidden = h_BH.shape[1]
        rz, n = a_BG[:, : 2 * hidden], a_BG[:, 2 * hidden :]
        rz += np.matmul(h_BH, W_HG[:, : 2 * hidden], out=product_BG[:, : 2 * hidden])
        sigmoid_(rz)
        np.multiply(rz[:, :hidden], h_BH, out=inner_BH)
        n += np.matmul(inner_BH, W_HG[:, 2 * hidden :], out=product_BG[:, 2 * hidden :])
        np.tanh(n, out=n)

    def _reset_derivative(self, r_TBH: Floats, inner_TBH: Floats) -> None:
        """d(r * h)/da_r = h * r * (1 - r), in place of r."""
        np.subtract(1, r_TBH, out=r_TBH)
        r_TBH *= inner_TBH

    def _through_products(
        self, params: Parameters, da_BG: Floats, dh_BH: Floats, r_BH: Floats, inner_BH: Floats, tape: Tape
    ) -> None:
        hidden = dh_BH.shape[1]
        product_BH, W_GH = tape.bench.scratch["product"], params["W_hh"].T
        np.matmul(da_BG[:, 2 * hidden :], W_GH[2 * hidden :], out=product_BH)
        da_BG[:, :hidden] *= product_BH
        product_BH *= r_BH
        dh_BH += product_BH
        dh_BH += np.matmul(da_BG[:, : 2 * hidden], W_GH[: 2 * hidden], out=product_BH)

    def _weight_gradients(self, da_NG: Floats, tape: Tape, grads: Parameters) -> None:
        dW_HG = grads["W_hh"]
        hidden = len(dW_HG)
        np.matmul(tape.incoming_rows().T, da_NG[:, : 2 * hidden], out=dW_HG[:, : 2 * hidden])
        inner_NH = tape.in_rows(tape.kept["inner"][: len(tape.gates_TBG)])
        np.matmul(inner_NH.T, da_NG[:, 2 * hidden :], out=dW_HG[:, 2 * hidden :])
