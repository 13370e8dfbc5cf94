"""A hidden layer over query and key, v · tanh(q W_q + k W_k) (Bahdanau et al. 2015)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charlm.base.arrays import Floats, Shapes
from charlm.nn.attention_layer import Attention
from charlm.nn.buffers import Parameters, block_length, flatten_time


class Additive(Attention):
    """s = v · tanh(q W_q + k W_k), with W_q [H, A], W_k [D, A], v [A], and A = H.

    The hidden values (B, T, S, A) are made in blocks of target steps, and made again by ``backward``.
    """

    @classmethod
    def shapes(cls, query: int, key: int) -> Shapes:
        return {"W_q": (query, query), "W_k": (key, query), "v": (query,)}

    def scores(self, params: Parameters, q_BTH: Floats, k_BSD: Floats) -> Floats:
        scores_BTS = np.empty((*q_BTH.shape[:2], k_BSD.shape[1]), q_BTH.dtype)
        for steps, u_BTSA in self._hidden(params, q_BTH, k_BSD):
            np.matmul(u_BTSA, params["v"], out=scores_BTS[:, steps])
        return scores_BTS

    def backward(
        self, params: Parameters, q_BTH: Floats, k_BSD: Floats, ds_BTS: Floats, grads: Parameters
    ) -> tuple[Floats, Floats]:
        dq_BTA = np.empty((*q_BTH.shape[:2], len(params["v"])), q_BTH.dtype)
        dk_BSA = np.zeros((*k_BSD.shape[:2], len(params["v"])), q_BTH.dtype)
        grads["v"][:] = 0
        for steps, u_BTSA in self._hidden(params, q_BTH, k_BSD):
            ds_BTS1 = ds_BTS[:, steps, :, None]
            grads["v"][:] += np.sum(ds_BTS1 * u_BTSA, axis=(0, 1, 2))
            du_BTSA = ds_BTS1 * params["v"] * (1 - np.square(u_BTSA))
            du_BTSA.sum(axis=2, out=dq_BTA[:, steps])
            dk_BSA += du_BTSA.sum(axis=1)
        np.matmul(flatten_time(q_BTH).T, flatten_time(dq_BTA), out=grads["W_q"])
        np.matmul(flatten_time(k_BSD).T, flatten_time(dk_BSA), out=grads["W_k"])
        return dq_BTA @ params["W_q"].T, dk_BSA @ params["W_k"].T

    @staticmethod
    def _hidden(params: Parameters, q_BTH: Floats, k_BSD: Floats) -> Iterator[tuple[slice, Floats]]:
        """Blocks of target steps with their hidden values (B, T, S, A)."""
        q_BTA, k_BSA = q_BTH @ params["W_q"], k_BSD @ params["W_k"]
        (batch_size, steps, width), sources = q_BTA.shape, k_BSA.shape[1]
        length = block_length(steps, batch_size, sources * width)
        for start in range(0, steps, length):
            block = slice(start, min(start + length, steps))
            u_BTSA = q_BTA[:, block, None] + k_BSA[:, None]
            yield block, np.tanh(u_BTSA, out=u_BTSA)
