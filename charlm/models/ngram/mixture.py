"""A mixture of the probabilities of a network and of an n-gram model (for words: Mikolov et al. 2011).

    p(x | c) = w p_network(x | c) + (1 - w) p_ngram(x | c)

The weight w depends on how sure each of the two is: on the entropies of their predictions. Bakhtin et al. (2018)
choose it with a small network; here each pair of entropies, in tenths of the highest possible, has its own, the
weight with the highest likelihood on the validation split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from charlm.base.arrays import Floats
from charlm.models.ngram.counts import Integers
from charlm.models.ngram.interpolated import Losses, Probabilities
from charlm.models.ngram.trie import NgramTrie

TENTHS = 10  # of the highest entropy, ln V
PRIOR = 10  # characters that a bucket counts as before its own, with the weight that is best for all
ROUNDS = 100  # of expectation maximization


@dataclass(frozen=True, eq=False)
class NgramMixture:
    """An n-gram model, and the network's weight by the entropies of network and n-gram model (TENTHS, TENTHS)."""

    trie: NgramTrie
    weights: Probabilities

    def weights_of(self, buckets_N: Integers) -> Probabilities:
        """The network's weight in each bucket (N,)."""
        weights_N: Probabilities = self.weights.reshape(-1)[buckets_N]
        return weights_N


@np.errstate(invalid="ignore")  # the losses are checked to be finite
def buckets(network_NV: Floats, ngram_NV: Floats) -> Integers:
    """The bucket of each pair of predictions (N,), given as log-probabilities in nats.

    >>> even, sure = np.log([[0.5, 0.5]]), np.log([[0.999, 0.001]])
    >>> [buckets(*pair).item() for pair in ((sure, sure), (sure, even), (even, sure), (even, even))]
    [0, 9, 90, 99]
    """
    scale = TENTHS / math.log(max(network_NV.shape[1], 2))
    row_N, column_N = (
        _tenths(scale * -(np.exp(each_NV) * each_NV).sum(axis=1)) for each_NV in (network_NV, ngram_NV)
    )
    return row_N * TENTHS + column_N


def _tenths(entropies_N: Floats) -> Integers:
    """From 0 to 9 (N,); 0 for the entropy of a network whose weights overflow."""
    tenths_N: Integers = np.fmin(np.fmax(entropies_N, 0), TENTHS - 1).astype(np.int64)
    return tenths_N


def mix_log_probs(weights: Probabilities, network: Floats, ngram: Floats) -> Probabilities:
    """ln(w p_network + (1 - w) p_ngram), of log-probabilities; at w = 1 and 0 one of them, bit for bit.

    >>> mix_log_probs(np.array([1.0, 0.0, 0.5]), np.log([0.1] * 3), np.log([0.3] * 3)).round(4).tolist()
    [-2.3026, -1.204, -1.6094]
    """
    with np.errstate(divide="ignore"):
        mixed: Probabilities = np.logaddexp(np.log(weights) + network, np.log1p(-weights) + ngram)
    return mixed


def fit_weights(network_nll_N: Losses, ngram_nll_N: Losses, buckets_N: Integers) -> Probabilities:
    """The weights (TENTHS, TENTHS) with the highest likelihood, given the losses of a text.

    The log-likelihood is concave in each weight; expectation maximization (Dempster et al. 1977) climbs it. A
    prior draws the weights of rare buckets to the one that is best for all characters.
    """
    ratios_N = np.exp(np.clip(ngram_nll_N - network_nll_N, -700, 700))  # p_network / p_ngram
    overall = _climb(ratios_N, np.zeros_like(buckets_N), np.array([0.5]), prior=0)
    start = np.full(TENTHS * TENTHS, overall[0])
    return _climb(ratios_N, buckets_N, start, PRIOR).reshape(TENTHS, TENTHS)


def _climb(ratios_N: Probabilities, buckets_N: Integers, start: Probabilities, prior: float) -> Probabilities:
    """Expectation maximization from a weight per bucket, to which ``prior`` characters of each are drawn."""
    counts = np.bincount(buckets_N, minlength=len(start))
    weights = start
    for _ in range(ROUNDS):
        odds_N = weights[buckets_N] * ratios_N
        by_network_N = odds_N / (odds_N + 1 - weights[buckets_N])
        sums = np.bincount(buckets_N, by_network_N, len(start))
        weights = (sums + prior * start) / np.maximum(counts + prior, 1)
    return weights
