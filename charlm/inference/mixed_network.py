"""A network mixed with an n-gram model: it scores and samples as any network does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from charlm.base.arrays import Floats, TokenIds
from charlm.engines.base import Network, Outputs
from charlm.models.ngram.counts import Integers
from charlm.models.ngram.interpolated import Losses, Probabilities
from charlm.models.ngram.mixture import NgramMixture, buckets, mix_log_probs
from charlm.nn.readout import log_softmax_
from charlm.nn.state import States

BLOCK_VALUES = 1 << 20  # probabilities that are computed at once, if one time step has no more


class MixedNetwork(Network):
    """A network and an n-gram model that read the same text.

    The contexts of the n-gram model (B, K) are the last layer of the state.
    """

    def __init__(self, network: Network, mixture: NgramMixture) -> None:
        self._network, self._mixture = network, mixture
        self._contexts_BK = mixture.trie.begin(1)

    @property
    def state(self) -> States:
        """The network's state, and the contexts."""
        return (*self._network.state, (cast(Floats, self._contexts_BK),))

    @state.setter
    def state(self, state: States) -> None:
        *own, (contexts_BK,) = state
        self._network.state, self._contexts_BK = tuple(own), cast(Integers, contexts_BK)

    def begin(self, batch_size: int) -> None:
        """Start sequences."""
        self._network.begin(batch_size)
        self._contexts_BK = self._mixture.trie.begin(batch_size)

    def read(self, x_TB: TokenIds, carry_TB: Floats | None = None) -> MixedOutputs:
        """Read a window."""
        outputs = self._network.read(x_TB, carry_TB)
        contexts_TBK = self._mixture.trie.read(self._contexts_BK, x_TB, carry_TB)
        self._contexts_BK = contexts_TBK[-1]
        return MixedOutputs(outputs, self._mixture, contexts_TBK)

    def step(self, x_B: TokenIds) -> Floats:
        """Read one character of each sequence; logits (B, V), the network's own where its weight is 1."""
        logits_BV = self._network.step(x_B)
        self._contexts_BK = self._mixture.trie.follow(self._contexts_BK, x_B)
        network_BV = log_softmax_(logits_BV.copy())
        ngram_BV = np.log(self._mixture.trie.probabilities(self._contexts_BK))
        weights_B = self._mixture.weights_of(buckets(network_BV, ngram_BV))
        ngram_BV += logits_BV[:, :1] - network_BV[:, :1]  # as unnormalized as the logits
        # In the network's own type, so that what follows computes as without the n-gram model.
        return mix_log_probs(weights_B[:, None], logits_BV, ngram_BV).astype(logits_BV.dtype)


class MixedOutputs(Outputs):
    """Predictions after the contexts (T, B, K)."""

    def __init__(self, outputs: Outputs, mixture: NgramMixture, contexts_TBK: Integers) -> None:
        self._outputs, self._mixture, self._contexts_TBK = outputs, mixture, contexts_TBK

    def nll(self, y_TB: TokenIds) -> Losses:
        """Each target's loss in nats (T, B)."""
        network_TB, ngram_TB, buckets_TB = self.parts(y_TB)
        return -mix_log_probs(self._mixture.weights_of(buckets_TB), -network_TB, -ngram_TB)

    def parts(self, y_TB: TokenIds) -> tuple[Losses, Losses, Integers]:
        """Each target's loss to the network and to the n-gram model, and its bucket (T, B)."""
        ngram_TB, buckets_TB = np.empty(y_TB.shape), np.empty(y_TB.shape, np.int64)
        for times, network_NV, ngram_NV in self._blocks():
            y_tB = y_TB[times]
            ngram_TB[times] = -ngram_NV[np.arange(y_tB.size), y_tB.reshape(-1)].reshape(y_tB.shape)
            buckets_TB[times] = buckets(network_NV, ngram_NV).reshape(y_tB.shape)
        return self._outputs.nll(y_TB), ngram_TB, buckets_TB

    def log_probs(self) -> Floats:
        """Log-probabilities (T, B, V)."""
        mixed = []
        for _, network_NV, ngram_NV in self._blocks():
            weights_N = self._mixture.weights_of(buckets(network_NV, ngram_NV))
            mixed.append(mix_log_probs(weights_N[:, None], network_NV, ngram_NV).astype(network_NV.dtype))
        return np.concatenate(mixed).reshape(*self._contexts_TBK.shape[:2], -1)

    def logits(self) -> Floats:
        """The same: log-probabilities are logits."""
        return self.log_probs()

    def __getitem__(self, times: slice) -> MixedOutputs:
        """Some of the steps."""
        return MixedOutputs(self._outputs[times], self._mixture, self._contexts_TBK[times])

    def _blocks(self) -> Iterator[tuple[slice, Floats, Probabilities]]:
        """Some steps, and the log-probabilities (N, V) that network and n-gram model give there."""
        count, batch_size, order = self._contexts_TBK.shape
        steps = max(1, BLOCK_VALUES // (batch_size * self._mixture.trie.vocab_size))
        for start in range(0, count, steps):
            times = slice(start, start + steps)
            network_TBV = self._outputs[times].log_probs()
            ngram_NV = np.log(self._mixture.trie.probabilities(self._contexts_TBK[times].reshape(-1, order)))
            yield times, network_TBV.reshape(ngram_NV.shape), ngram_NV
