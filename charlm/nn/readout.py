"""The output layer: softmax, cross-entropy in nats, and gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.base.errors import DivergenceError
from charlm.nn.buffers import Parameters
from charlm.nn.init import xavier_

BLOCK_VALUES = 200_000  # logits of a block, so that it stays in a core's second-level cache


def readout_shapes(hidden: int, vocab_size: int, tied: bool) -> dict[str, tuple[int, ...]]:
    """The readout's own parameters."""
    bias: dict[str, tuple[int, ...]] = {"readout.b_y": (vocab_size,)}
    return bias if tied else {"readout.W_hy": (hidden, vocab_size)} | bias


def initialize_readout(params: Parameters, rng: np.random.Generator) -> None:
    """Draw the weights unless tied."""
    if "readout.W_hy" in params:
        xavier_(params["readout.W_hy"], rng)
    params["readout.b_y"][:] = 0


def readout_weights(params: Parameters) -> Floats:
    """W_hy (H, V), or the embedding's (Press & Wolf 2017)."""
    if "readout.W_hy" in params:
        return params["readout.W_hy"]
    W_HV: Floats = params["embedding"][: len(params["readout.b_y"])].T
    return W_HV


def logits(params: Parameters, h_NH: Floats) -> Floats:
    """The logits (N, V)."""
    logits_NV: Floats = h_NH @ readout_weights(params)
    logits_NV += params["readout.b_y"]
    return logits_NV


def log_softmax_(logits_NV: Floats) -> Floats:
    """Turn logits into log-probabilities in nats."""
    logits_NV -= logits_NV.max(axis=1, keepdims=True)
    logits_NV -= np.log(np.exp(logits_NV).sum(axis=1, keepdims=True))
    return logits_NV


def nll_nats(params: Parameters, h_NH: Floats, y_N: TokenIds) -> npt.NDArray[np.float64]:
    """Each target's negative log-likelihood (N,), in nats."""
    nll_N = np.empty(len(y_N))
    for block in _blocks(len(y_N), len(params["readout.b_y"])):
        log_probs_NV = log_softmax_(logits(params, h_NH[block]))
        nll_N[block] = -log_probs_NV[np.arange(len(log_probs_NV)), y_N[block]]
    return nll_N


def check_numbers(predicted: npt.NDArray[np.floating[Any]]) -> None:
    """Check that losses or logits are finite.

    Raises:
        DivergenceError: one is not.
    """
    if not np.isfinite(predicted).all():
        raise DivergenceError(
            "the network predicts what is no finite number, since its weights overflow: train with a smaller --lr"
        )


def loss_and_gradient(
    params: Parameters,
    h_NH: Floats,
    y_N: TokenIds,
    target_mask_N: npt.NDArray[np.bool_] | None,
    num_targets: int,
    dh_NH: Floats,
    grads: Parameters,
    weight_N: Floats | None = None,
) -> float:
    """The summed loss in nats, and the mean's gradient, over ``num_targets`` of all workers.

    ``dh_NH`` is written and can be ``h_NH``; ``target_mask_N`` is None where all rows have a target. ``weight_N``
    weighs the gradient of each row, not the loss.
    """
    nll_sum = 0.0
    dW_HV, db_V = readout_weights(grads), grads["readout.b_y"]
    dW_HV[:], db_V[:] = 0, 0
    if "readout.W_hy" not in grads:
        grads["embedding"][len(db_V) :] = 0  # of symbols that are never predicted
    for block in _blocks(len(y_N), len(db_V)):
        p_NV = logits(params, h_NH[block])
        picked = np.arange(len(p_NV)), y_N[block]
        p_NV -= p_NV.max(axis=1, keepdims=True)
        picked_logits_N = p_NV[picked]
        np.exp(p_NV, out=p_NV)
        partition_N = p_NV.sum(axis=1)
        nll_N = np.log(partition_N) - picked_logits_N
        p_NV /= partition_N[:, None]
        p_NV[picked] -= 1
        p_NV /= num_targets
        if target_mask_N is not None:
            p_NV *= target_mask_N[block, None]
            nll_N = nll_N[target_mask_N[block]]
        if weight_N is not None:
            p_NV *= weight_N[block, None]
        nll_sum += float(nll_N.sum(dtype=np.float64))
        dW_HV += h_NH[block].T @ p_NV
        db_V += p_NV.sum(axis=0)
        np.matmul(p_NV, readout_weights(params).T, out=dh_NH[block])
    return nll_sum


def _blocks(count: int, vocab_size: int) -> list[slice]:
    length = max(1, BLOCK_VALUES // vocab_size)
    return [slice(start, min(start + length, count)) for start in range(0, count, length)]
