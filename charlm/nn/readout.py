"""The output layer: softmax, cross-entropy in nats, and gradient.

A tied one shares the embedding (Press & Wolf 2017), and projects h to its width E if that is not H.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.base.errors import DivergenceError
from charlm.nn.buffers import Parameters
from charlm.nn.init import xavier_

BLOCK_VALUES = 200_000  # logits of a block, so that it stays in a core's second-level cache
BLOCK_ROWS = 256  # at least, since each block reads all weights, and those of a large vocabulary are many


def readout_shapes(hidden: int, vocab_size: int, tied_to: int | None = None) -> dict[str, tuple[int, ...]]:
    """The output layer's own parameters; ``tied_to`` is the width of the embedding that it shares."""
    bias: dict[str, tuple[int, ...]] = {"readout.b_y": (vocab_size,)}
    if tied_to is None:
        return {"readout.W_hy": (hidden, vocab_size)} | bias
    return bias if tied_to == hidden else {"readout.W_he": (hidden, tied_to)} | bias


def initialize_readout(params: Parameters, rng: np.random.Generator) -> None:
    """Draw the output layer's own weights."""
    for name in ("readout.W_hy", "readout.W_he"):
        if name in params:
            xavier_(params[name], rng)
    params["readout.b_y"][:] = 0


def logits(params: Parameters, h_NH: Floats) -> Floats:
    """The logits (N, V)."""
    logits_NV: Floats = _projected(params, h_NH) @ _weights(params)
    logits_NV += params["readout.b_y"]
    return logits_NV


def output_weights(params: Parameters) -> Floats:
    """What turns h into the logits, without the bias (H, V)."""
    weights_EV, W_HE = _weights(params), params.get("readout.W_he")
    return weights_EV if W_HE is None else W_HE @ weights_EV


def _projected(params: Parameters, h_NH: Floats) -> Floats:
    """What the weights multiply: h, or its projection (N, E)."""
    W_HE = params.get("readout.W_he")
    return h_NH if W_HE is None else h_NH @ W_HE


def _weights(params: Parameters) -> Floats:
    """W_hy (H, V), or the embedding's rows of the symbols that are predicted, transposed."""
    if "readout.W_hy" in params:
        return params["readout.W_hy"]
    W_EV: Floats = params["embedding"][: len(params["readout.b_y"])].T
    return W_EV


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
    W_HE, db_V = params.get("readout.W_he"), grads["readout.b_y"]
    dweights = _weights(grads)
    dweights[:], db_V[:] = 0, 0
    if "readout.W_hy" not in grads:
        grads["embedding"][len(db_V) :] = 0  # of symbols that are never predicted
    if W_HE is not None:
        grads["readout.W_he"][:] = 0
    for block in _blocks(len(y_N), len(db_V)):
        z_NE = _projected(params, h_NH[block])
        p_NV = z_NE @ _weights(params)
        p_NV += params["readout.b_y"]
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
        if "readout.W_hy" in grads:
            dweights += z_NE.T @ p_NV
        else:  # the same sums, in the order of the embedding's memory
            dweights.T[:] += p_NV.T @ z_NE
        db_V += p_NV.sum(axis=0)
        if W_HE is None:
            np.matmul(p_NV, _weights(params).T, out=dh_NH[block])
        else:
            dz_NE = p_NV @ _weights(params).T
            grads["readout.W_he"][:] += h_NH[block].T @ dz_NE
            np.matmul(dz_NE, W_HE.T, out=dh_NH[block])
    return nll_sum


def _blocks(count: int, vocab_size: int) -> list[slice]:
    length = max(1, BLOCK_ROWS, BLOCK_VALUES // vocab_size)
    return [slice(start, min(start + length, count)) for start in range(0, count, length)]
