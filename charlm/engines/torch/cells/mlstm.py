"""The multiplicative LSTM, as in ``charlm/nn/cells/mlstm.py``."""

from __future__ import annotations

import torch

from charlm.engines.torch.lstm_steps import GateDerivatives, update_memory
from charlm.engines.torch.recurrence import Steps, Tensor, TensorState, add_product, weight_gradient


class MLSTMSteps(Steps):
    """m is the product of a factor of the input and q, one of the state."""

    def __init__(self, a_TBG: Tensor, W_HG: Tensor) -> None:
        super().__init__(a_TBG)
        hidden = len(W_HG)
        self._W_m, self._W = W_HG.split((hidden, 4 * hidden), 1)
        self._factor, self._a = a_TBG.split((hidden, 4 * hidden), 2)

    def step(self, t: int, state: TensorState) -> TensorState:
        h, c = state
        q = (h @ self._W_m).to(h.dtype)
        m = self._factor[t] * q
        gates, after = update_memory(add_product(self._a[t], m, self._W), c)
        tanh_c = after.tanh()
        self.saved.append((h, c, q, m, gates, tanh_c))
        return gates[:, : h.shape[1]] * tanh_c, after

    def derive(self) -> None:
        self._h, c, self._q, self._m, gates, tanh_c = self.stacked()
        self._local = GateDerivatives(gates, c, tanh_c)

    def back(self, t: int, dstate: TensorState) -> TensorState:
        dh, dc = dstate
        dc = torch.addcmul(dc, dh, self._local.ds_TBH[t])
        da = self._local.gates(t, dh, dc)
        dm = (da @ self._W.T).to(dh.dtype)
        dq = dm * self._factor[t]
        self.gradients.append((dm * self._q[t], dq, da))
        return (dq @ self._W_m.T).to(dh.dtype), dc * self._local.f_TBH[t]

    def finish(self) -> tuple[Tensor, ...]:
        dfactor, dq, da = self.gradient_rows()
        products = weight_gradient(self._h, dq), weight_gradient(self._m, da)
        return torch.cat((dfactor, da), 2), torch.cat(products, 1)
