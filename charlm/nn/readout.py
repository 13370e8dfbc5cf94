"""The output layer: softmax, cross-entropy in nats, and gradient.

A tied layer shares the embedding (Press & Wolf 2017), and projects h to the embedding size E if E is not H.

An adaptive layer (Grave et al. 2017) splits the symbols, whose ids are sorted by decreasing frequency, into a
head and C clusters. It predicts a symbol of the head or a cluster, and then a symbol of that cluster:
log p(y) = log p(cluster) + log p(y | cluster). Training computes only the softmaxes that its targets need.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.base.errors import DivergenceError
from charlm.nn.buffers import Parameters
from charlm.nn.init import xavier_

BLOCK_VALUES = 200_000  # logits of a block, so that it stays in a core's second-level cache
BLOCK_ROWS = 256  # at least, since each block reads all weights, and a large vocabulary has many
HEAD, FIRST_CLUSTER = 6, 2  # the head is a sixth of the symbols, head and first cluster are half


def readout_shapes(
    hidden: int, vocab_size: int, tied_to: int | None = None, is_adaptive: bool = False
) -> dict[str, tuple[int, ...]]:
    """The output layer's own parameters; ``tied_to`` is the width of the embedding that it shares."""
    shapes: dict[str, tuple[int, ...]] = {"readout.b_y": (vocab_size,)}
    if tied_to is None:
        shapes = {"readout.W_hy": (hidden, vocab_size)} | shapes
    elif tied_to != hidden:
        shapes = {"readout.W_he": (hidden, tied_to)} | shapes
    if is_adaptive:
        clusters = len(split_symbols(vocab_size)) - 1
        shapes |= {"readout.W_c": (tied_to or hidden, clusters), "readout.b_c": (clusters,)}
    return shapes


def split_symbols(vocab_size: int) -> list[slice]:
    """The ids of the head and of each cluster.

    >>> split_symbols(600)
    [slice(0, 100, None), slice(100, 300, None), slice(300, 600, None)]
    """
    bounds = {0, max(1, vocab_size // HEAD), max(1, vocab_size // FIRST_CLUSTER), vocab_size}
    return [slice(*ends) for ends in pairwise(sorted(bounds))]


def initialize_readout(params: Parameters, rng: np.random.Generator) -> None:
    """Draw the output layer's own weights."""
    for name in ("readout.W_hy", "readout.W_he", "readout.W_c"):
        if name in params:
            xavier_(params[name], rng)
    for name in ("readout.b_y", "readout.b_c"):
        if name in params:
            params[name][:] = 0


def logits(params: Parameters, h_NH: Floats) -> Floats:
    """The logits (N, V); of an adaptive layer the log-probabilities."""
    z_NE, (head, *clusters) = _projected(params, h_NH), _parts(params)
    logits_NC = _part_logits(params, z_NE, 0)
    if not clusters:
        return logits_NC
    log_softmax_(logits_NC)
    parts = [logits_NC[:, head]]
    for number in range(1, 1 + len(clusters)):
        within_NC = log_softmax_(_part_logits(params, z_NE, number))
        within_NC += logits_NC[:, [head.stop + number - 1]]
        parts.append(within_NC)
    return np.concatenate(parts, axis=1)


def output_weights(params: Parameters) -> tuple[Floats, Floats | None]:
    """The weights from h to the logits of symbols (H, V) and of clusters (H, C)."""
    W_HE, weights_EV, W_EC = params.get("readout.W_he"), _weights(params), params.get("readout.W_c")
    if W_HE is None:
        return weights_EV, W_EC
    return W_HE @ weights_EV, None if W_EC is None else W_HE @ W_EC


def _projected(params: Parameters, h_NH: Floats) -> Floats:
    """The input of the weights: h, or its projection (N, E)."""
    W_HE = params.get("readout.W_he")
    return h_NH if W_HE is None else h_NH @ W_HE


def _weights(params: Parameters) -> Floats:
    """W_hy (H, V), or the embedding's rows of the symbols that are predicted, transposed."""
    if "readout.W_hy" in params:
        return params["readout.W_hy"]
    W_EV: Floats = params["embedding"][: len(params["readout.b_y"])].T
    return W_EV


def _parts(params: Parameters) -> list[slice]:
    """The ids of each softmax: the head, which predicts clusters too, and the clusters; or one of all."""
    vocab_size = len(params["readout.b_y"])
    return split_symbols(vocab_size) if "readout.W_c" in params else [slice(0, vocab_size)]


def _part_logits(params: Parameters, z_NE: Floats, number: int) -> Floats:
    """The logits of a part's symbols, and of the clusters after those of the head."""
    ids = _parts(params)[number]
    logits_NC: Floats = z_NE @ _weights(params)[:, ids]
    logits_NC += params["readout.b_y"][ids]
    if number > 0 or "readout.W_c" not in params:
        return logits_NC
    return np.concatenate([logits_NC, z_NE @ params["readout.W_c"] + params["readout.b_c"]], axis=1)


def _assigned(params: Parameters, y_N: TokenIds) -> Iterator[tuple[int, Any, npt.NDArray[Any]]]:
    """For blocks of each part's targets: the part's number, the rows, and the targets there."""
    head, *clusters = parts = _parts(params)
    cluster_N = np.searchsorted([ids.start for ids in clusters], y_N, side="right")
    for number, ids in enumerate(parts):
        rows: Any = np.flatnonzero(cluster_N == number) if number else None
        targets_N = y_N[rows].astype(np.intp) - ids.start if number else y_N
        if number == 0 and clusters:
            targets_N = np.where(cluster_N == 0, y_N, head.stop - 1 + cluster_N)
        for block in _blocks(len(targets_N), ids.stop - ids.start):
            yield number, block if rows is None else rows[block], targets_N[block]


def _blocks(count: int, width: int) -> list[slice]:
    length = max(BLOCK_ROWS, BLOCK_VALUES // width)
    return [slice(start, min(start + length, count)) for start in range(0, count, length)]


def log_softmax_(logits_NV: Floats) -> Floats:
    """Turn logits into log-probabilities in nats."""
    logits_NV -= logits_NV.max(axis=1, keepdims=True)
    logits_NV -= np.log(np.exp(logits_NV).sum(axis=1, keepdims=True))
    return logits_NV


def nll_nats(params: Parameters, h_NH: Floats, y_N: TokenIds) -> npt.NDArray[np.float64]:
    """Each target's negative log-likelihood (N,), in nats."""
    z_NE, nll_N = _projected(params, h_NH), np.zeros(len(y_N))
    for number, rows, targets_n in _assigned(params, y_N):
        log_probs_nC = log_softmax_(_part_logits(params, z_NE[rows], number))
        nll_N[rows] -= log_probs_nC[np.arange(len(log_probs_nC)), targets_n]
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
    nll_sum, z_NE = 0.0, _projected(params, h_NH)
    is_direct = z_NE is h_NH and "readout.W_c" not in params
    dz_NE = dh_NH if is_direct else np.empty_like(z_NE)
    for name in (*(name for name in grads if name.startswith("readout.")), *_shared(grads)):
        grads[name][:] = 0
    for number, rows, targets_n in _assigned(params, y_N):
        z_nE = z_NE[rows]
        p_nC = _part_logits(params, z_nE, number)
        nll_n = _softmax_(p_nC, targets_n)
        p_nC /= num_targets
        if target_mask_N is not None:
            p_nC *= target_mask_N[rows, None]
            nll_n = nll_n[target_mask_N[rows]]
        if weight_N is not None:
            p_nC *= weight_N[rows, None]
        nll_sum += float(nll_n.sum(dtype=np.float64))
        dz_nE = _part_backward(params, z_nE, p_nC, number, grads, out=None if number else dz_NE[rows])
        if number:
            dz_NE[rows] += dz_nE
    if "readout.W_he" in params:
        np.matmul(h_NH.T, dz_NE, out=grads["readout.W_he"])
        np.matmul(dz_NE, params["readout.W_he"].T, out=dh_NH)
    elif not is_direct:
        dh_NH[:] = dz_NE
    return nll_sum


def _shared(grads: Parameters) -> tuple[str, ...]:
    return () if "readout.W_hy" in grads else ("embedding",)


def _softmax_(logits_NC: Floats, targets_N: npt.NDArray[Any]) -> Floats:
    """Replace logits by the gradient of the loss with respect to them; return the loss of each row."""
    picked = np.arange(len(logits_NC)), targets_N
    logits_NC -= logits_NC.max(axis=1, keepdims=True)
    picked_logits_N = logits_NC[picked]
    np.exp(logits_NC, out=logits_NC)
    partition_N = logits_NC.sum(axis=1)
    logits_NC /= partition_N[:, None]
    logits_NC[picked] -= 1
    nll_N: Floats = np.log(partition_N) - picked_logits_N
    return nll_N


def _part_backward(
    params: Parameters, z_NE: Floats, dlogits_NC: Floats, number: int, grads: Parameters, out: Floats | None
) -> Floats:
    """Add to the gradients of a part's weights; return the gradient of their input, in ``out`` or a new array."""
    ids = _parts(params)[number]
    width = ids.stop - ids.start
    dsymbols_NC, dclusters_NC = dlogits_NC[:, :width], dlogits_NC[:, width:]
    if "readout.W_hy" in grads:
        grads["readout.W_hy"][:, ids] += z_NE.T @ dsymbols_NC
    else:  # the same sums, in the order of the embedding's memory
        grads["embedding"][ids] += dsymbols_NC.T @ z_NE
    grads["readout.b_y"][ids] += dsymbols_NC.sum(axis=0)
    # Of a network without clusters, ``out`` can be z itself: what reads z comes before.
    dz_NE: Floats = np.matmul(dsymbols_NC, _weights(params)[:, ids].T, out=out)
    if dclusters_NC.size:
        grads["readout.W_c"][:] += z_NE.T @ dclusters_NC
        grads["readout.b_c"][:] += dclusters_NC.sum(axis=0)
        dz_NE += dclusters_NC @ params["readout.W_c"].T
    return dz_NE
