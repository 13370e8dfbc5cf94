"""The GRU with the reset gate before the product, as in ``charlm/nn/cells/gru.py``."""

from __future__ import annotations

import torch

from charlm.engines.torch.recurrence import Steps, Tensor, TensorState, add_product, weight_gradient


class GRUSteps(Steps):
    """Reset gate r, update gate z, candidate n."""

    def __init__(self, a_TBG: Tensor, W_HG: Tensor) -> None:
        super().__init__(a_TBG)
        self._hidden = hidden = len(W_HG)
        self._W_rz, self._W_n = W_HG.split((2 * hidden, hidden), 1)
        self._a_rz, self._a_n = a_TBG.split((2 * hidden, hidden), 2)

    def step(self, t: int, state: TensorState) -> TensorState:
        (h,) = state
        rz = add_product(self._a_rz[t], h, self._W_rz).sigmoid_()
        r, z = rz.chunk(2, 1)
        inner = r * h
        n = add_product(self._a_n[t], inner, self._W_n).tanh_()
        self.saved.append((h, rz, inner, n))
        return (torch.lerp(n, h, z),)

    def derive(self) -> None:
        self._h, rz, self._inner, n = self.stacked()
        self._r, self._z = rz.chunk(2, 2)
        self._dr = self._inner * (1 - self._r)
        self._dz = (self._h - n) * self._z * (1 - self._z)
        self._dn = (1 - self._z) * (1 - n * n)

    def back(self, t: int, dstate: TensorState) -> TensorState:
        (dh,) = dstate
        da_n = dh * self._dn[t]
        dinner = da_n @ self._W_n.T
        da_rz = torch.cat((dinner * self._dr[t], dh * self._dz[t]), 1)
        self.gradients.append((da_rz, da_n))
        return (add_product(torch.addcmul(dh * self._z[t], dinner, self._r[t]), da_rz, self._W_rz.T),)

    def finish(self) -> tuple[Tensor, ...]:
        da_rz, da_n = self.gradient_rows()
        products = weight_gradient(self._h, da_rz), weight_gradient(self._inner, da_n)
        return torch.cat((da_rz, da_n), 2), torch.cat(products, 1)
