"""The layer-normalized LSTM, as in ``charlm/nn/cells/lnlstm.py``."""

from __future__ import annotations

import torch
from torch.nn.functional import layer_norm

from charlm.engines.torch.lstm_steps import GateDerivatives, update_memory
from charlm.engines.torch.recurrence import Parameters, Steps, Tensor, TensorState, weight_gradient
from charlm.nn.layer_norm import EPSILON


class LNLSTMSteps(Steps):
    """The recurrent product and the memory are normalized in each step; the input before them."""

    weight_names = ("W_hh", "gain_h", "gain_c", "bias_c")

    @classmethod
    def prepare(cls, params: Parameters, a_TBG: Tensor) -> Tensor:
        return layer_norm(a_TBG, a_TBG.shape[-1:], params["gain_x"], params["bias"], EPSILON)

    def __init__(self, a_TBG: Tensor, W_HG: Tensor, gain_h: Tensor, gain_c: Tensor, bias_c: Tensor) -> None:
        super().__init__(a_TBG)
        self._W, self._gain_h, self._gain_c, self._bias_c = W_HG, gain_h, gain_c, bias_c

    def step(self, t: int, state: TensorState) -> TensorState:
        h, c = state
        product, inverse = _normalize((h @ self._W).to(h.dtype))
        gates, after = update_memory(torch.addcmul(self.a_TBG[t], product, self._gain_h), c)
        memory, inverse_c = _normalize(after)
        tanh_s = torch.addcmul(self._bias_c, memory, self._gain_c).tanh()
        self.saved.append((h, c, product, inverse, gates, memory, inverse_c, tanh_s))
        return gates[:, : h.shape[1]] * tanh_s, after

    def derive(self) -> None:
        self._h, c, self._product, self._inverse, gates, self._memory, self._inverse_c, tanh_s = self.stacked()
        self._local = GateDerivatives(gates, c, tanh_s)

    def back(self, t: int, dstate: TensorState) -> TensorState:
        dh, dc = dstate
        ds = dh * self._local.ds_TBH[t]
        dc = dc + _differentiate(ds * self._gain_c, self._memory[t], self._inverse_c[t])
        da = self._local.gates(t, dh, dc)
        dproduct = _differentiate(da * self._gain_h, self._product[t], self._inverse[t])
        self.gradients.append((da, dproduct, ds))
        return (dproduct @ self._W.T).to(dh.dtype), dc * self._local.f_TBH[t]

    def finish(self) -> tuple[Tensor, ...]:
        da, dproduct, ds = self.gradient_rows()
        dgain_h, dgain_c = (da * self._product).sum((0, 1)), (ds * self._memory).sum((0, 1))
        return da, weight_gradient(self._h, dproduct), dgain_h, dgain_c, ds.sum((0, 1))


def _normalize(z_BX: Tensor) -> tuple[Tensor, Tensor]:
    """The normalized values, and 1 / sqrt(var + EPSILON) (B, 1)."""
    variance, mean = torch.var_mean(z_BX, 1, correction=0, keepdim=True)
    inverse = (variance + EPSILON).rsqrt()
    return (z_BX - mean) * inverse, inverse


def _differentiate(dn_BX: Tensor, n_BX: Tensor, inverse_B1: Tensor) -> Tensor:
    """The gradient of what was normalized."""
    through = n_BX * (dn_BX * n_BX).mean(1, keepdim=True)
    return (dn_BX - dn_BX.mean(1, keepdim=True) - through) * inverse_B1
