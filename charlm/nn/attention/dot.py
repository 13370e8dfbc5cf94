"""The dot product q · k of queries and keys of equal width (Luong et al. 2015)."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.nn.attention_layer import Attention
from charlm.nn.buffers import Parameters


class Dot(Attention):
    """s = q · k."""

    @classmethod
    def why_not(cls, query: int, key: int) -> str | None:
        if query == key:
            return None
        return f"needs equal widths, and the decoder's outputs have {query} numbers, the encoder's {key}"

    def scores(self, params: Parameters, q_BTH: Floats, k_BSD: Floats) -> Floats:
        scores_BTS: Floats = np.matmul(q_BTH, k_BSD.transpose(0, 2, 1))
        return scores_BTS

    def backward(
        self, params: Parameters, q_BTH: Floats, k_BSD: Floats, ds_BTS: Floats, grads: Parameters
    ) -> tuple[Floats, Floats]:
        return np.matmul(ds_BTS, k_BSD), np.matmul(ds_BTS.transpose(0, 2, 1), q_BTH)
