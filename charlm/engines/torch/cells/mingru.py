"""The minimal GRU, as in ``charlm/nn/cells/mingru.py``: h' = (1 - z) * h + z * candidate."""

from __future__ import annotations

import torch

from charlm.engines.torch.recurrence import Steps, Tensor, TensorState


class MinGRUSteps(Steps):
    """Both gates are known before the first step."""

    weight_names = ()

    def __init__(self, a_TBG: Tensor) -> None:
        super().__init__(a_TBG)
        z, self._candidate = a_TBG.chunk(2, 2)
        self._z = z.sigmoid()

    def step(self, t: int, state: TensorState) -> TensorState:
        self.saved.append(state)
        return (torch.lerp(state[0], self._candidate[t], self._z[t]),)

    def derive(self) -> None:
        (self._h,) = self.stacked()

    def back(self, t: int, dstate: TensorState) -> TensorState:
        self.gradients.append(dstate)
        return (dstate[0] * (1 - self._z[t]),)

    def finish(self) -> tuple[Tensor, ...]:
        (dh,) = self.gradient_rows()
        dz = dh * (self._candidate - self._h) * self._z * (1 - self._z)
        return (torch.cat((dz, dh * self._z), 2),)
