"""The dot product of a projected query and a key, q W_a · k (Luong et al. 2015, "general")."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats, Shapes
from charlm.nn.attention_layer import Attention
from charlm.nn.buffers import Parameters, flatten_time


class General(Attention):
    """s = q W_a · k, with W_a [H, D]."""

    @classmethod
    def shapes(cls, query: int, key: int) -> Shapes:
        return {"W_a": (query, key)}

    def scores(self, params: Parameters, q_BTH: Floats, k_BSD: Floats) -> Floats:
        scores_BTS: Floats = np.matmul(q_BTH @ params["W_a"], k_BSD.transpose(0, 2, 1))
        return scores_BTS

    def backward(
        self, params: Parameters, q_BTH: Floats, k_BSD: Floats, ds_BTS: Floats, grads: Parameters
    ) -> tuple[Floats, Floats]:
        dprojected_BTD = np.matmul(ds_BTS, k_BSD)
        np.matmul(flatten_time(q_BTH).T, flatten_time(dprojected_BTD), out=grads["W_a"])
        dk_BSD = np.matmul(ds_BTS.transpose(0, 2, 1), q_BTH @ params["W_a"])
        return dprojected_BTD @ params["W_a"].T, dk_BSD
