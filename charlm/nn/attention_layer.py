"""Attention: each output of a decoder looks at all outputs of an encoder, and takes their weighted mean.

The placement is that of Luong et al. (2015): the decoder's recurrence runs first over all target steps. Then each
of its outputs q attends to the encoder's outputs k: the weights alpha are the softmax of scores over the source's
own steps, the context is c = sum of alpha k, and the output layer reads tanh([q; c] W_c). Steps need no order.
The members of ``charlm/nn/attention`` differ in the score alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, Shapes
from charlm.nn.buffers import Parameters, flatten_time
from charlm.nn.init import xavier_

PREFIX = "attention."


class Attention(ABC):
    """A score of each source step for each target step; B is the batch, T and S are target and source steps."""

    @classmethod
    def shapes(cls, query: int, key: int) -> Shapes:
        """The score's own parameters, for queries and keys of these widths."""
        return {}

    @classmethod
    def why_not(cls, query: int, key: int) -> str | None:
        """Why these widths cannot be, or None."""
        return None

    @abstractmethod
    def scores(self, params: Parameters, q_BTH: Floats, k_BSD: Floats) -> Floats:
        """The scores (B, T, S)."""

    @abstractmethod
    def backward(
        self, params: Parameters, q_BTH: Floats, k_BSD: Floats, ds_BTS: Floats, grads: Parameters
    ) -> tuple[Floats, Floats]:
        """The gradients of queries and keys, from that of the scores; writes those of the parameters."""


@dataclass(frozen=True)
class AttentionCache:
    """What backward needs: queries and keys, weights, [q; c] and the outputs."""

    q_BTH: Floats
    k_BSD: Floats
    alpha_BTS: Floats
    joined_TBX: Floats
    output_TBH: Floats


class AttentionLayer:
    """A score with the softmax, the context and W_c around it."""

    def __init__(self, score: Attention, params: Mapping[str, Floats]) -> None:
        self.score = score
        self.params = params

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw every parameter."""
        for array in self.params.values():
            xavier_(array, rng)

    def forward(
        self, q_TBH: Floats, k_SBD: Floats, is_source_SB: npt.NDArray[np.bool_]
    ) -> tuple[Floats, AttentionCache]:
        """The outputs tanh([q; c] W_c) (T, B, H); a column without a source has the context 0."""
        q_BTH, k_BSD = q_TBH.transpose(1, 0, 2), k_SBD.transpose(1, 0, 2)
        alpha_BTS = masked_softmax_(self.score.scores(self.params, q_BTH, k_BSD), is_source_SB.T[:, None])
        c_TBD = np.matmul(alpha_BTS, k_BSD).transpose(1, 0, 2)
        joined_TBX = np.concatenate([q_TBH, c_TBD], axis=-1)
        output_TBH = np.tanh(flatten_time(joined_TBX) @ self.params["W_c"]).reshape(q_TBH.shape)
        return output_TBH, AttentionCache(q_BTH, k_BSD, alpha_BTS, joined_TBX, output_TBH)

    def backward(self, dout_TBH: Floats, cache: AttentionCache, grads: Parameters) -> tuple[Floats, Floats]:
        """The gradients of queries (T, B, H) and keys (S, B, D); writes those of the parameters."""
        width = dout_TBH.shape[-1]
        dz_NH = flatten_time(dout_TBH * (1 - np.square(cache.output_TBH)))
        np.matmul(flatten_time(cache.joined_TBX).T, dz_NH, out=grads["W_c"])
        djoined_TBX = (dz_NH @ self.params["W_c"].T).reshape(cache.joined_TBX.shape)
        dc_BTD, alpha_BTS = djoined_TBX[..., width:].transpose(1, 0, 2), cache.alpha_BTS
        dalpha_BTS = np.matmul(dc_BTD, cache.k_BSD.transpose(0, 2, 1))
        ds_BTS = alpha_BTS * (dalpha_BTS - np.sum(alpha_BTS * dalpha_BTS, axis=-1, keepdims=True))
        dq_BTH, dk_BSD = self.score.backward(self.params, cache.q_BTH, cache.k_BSD, ds_BTS, grads)
        dk_BSD += np.matmul(alpha_BTS.transpose(0, 2, 1), dc_BTD)
        return djoined_TBX[..., :width] + dq_BTH.transpose(1, 0, 2), dk_BSD.transpose(1, 0, 2)


def masked_softmax_(scores_BTS: Floats, is_source_B1S: npt.NDArray[np.bool_]) -> Floats:
    """Turn scores into weights that sum to 1 over the source's own steps, and are exactly 0 elsewhere.

    >>> masked_softmax_(np.array([[[5.0, 2.0, 2.0]]]), np.array([[[False, True, True]]])).tolist()
    [[[0.0, 0.5, 0.5]]]
    """
    scores_BTS[np.broadcast_to(~is_source_B1S, scores_BTS.shape)] = -np.inf
    largest_BT1 = scores_BTS.max(axis=-1, keepdims=True)
    scores_BTS -= np.where(np.isfinite(largest_BT1), largest_BT1, 0)
    np.exp(scores_BTS, out=scores_BTS)
    total_BT1 = scores_BTS.sum(axis=-1, keepdims=True)
    scores_BTS /= np.where(total_BT1 == 0, 1, total_BT1)
    return scores_BTS


def attention_shapes(score: type[Attention], query: int, key: int) -> Shapes:
    """Every parameter's shape of an attention layer."""
    own = {**score.shapes(query, key), "W_c": (query + key, query)}
    return {f"{PREFIX}{name}": shape for name, shape in own.items()}
