"""What the LSTM cells that PyTorch lacks share: gates and memory, as in ``charlm/nn/lstm_gates.py``."""

from __future__ import annotations

import torch

from charlm.engines.torch.recurrence import Tensor


def update_memory(a_BG: Tensor, c_BH: Tensor) -> tuple[Tensor, Tensor]:
    """The gates o, i, f, g side by side, and the memory after."""
    hidden = c_BH.shape[1]
    gates = torch.cat((a_BG[:, : 3 * hidden].sigmoid(), a_BG[:, 3 * hidden :].tanh()), 1)
    _, i, f, g = gates.chunk(4, 1)
    return gates, torch.addcmul(f * c_BH, i, g)


class GateDerivatives:
    """The local derivatives of all steps, for h' = o * tanh(s) with s a function of c'."""

    def __init__(self, gates_TBG: Tensor, c_TBH: Tensor, tanh_s_TBH: Tensor) -> None:
        """Take gates, the memory before each step, and tanh(s)."""
        o, i, f, g = gates_TBG.chunk(4, 2)
        self.ds_TBH = o * (1 - tanh_s_TBH * tanh_s_TBH)
        self.f_TBH = f
        parts = (tanh_s_TBH * o * (1 - o), g * i * (1 - i), c_TBH * f * (1 - f), i * (1 - g * g))
        self._local_TB4H = torch.stack(parts, 2)

    def gates(self, t: int, dh_BH: Tensor, dc_BH: Tensor) -> Tensor:
        """The gradients of the pre-activations (B, G)."""
        return (self._local_TB4H[t] * torch.stack((dh_BH, dc_BH, dc_BH, dc_BH), 1)).flatten(1)
