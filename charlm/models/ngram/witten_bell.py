"""Interpolated Witten-Bell smoothing (Bell, Cleary & Witten 1990).

    P_k(x | c) = (n(c, x) + t(c) * P_{k-1}(x | c without its first character)) / (n(c) + t(c)).

n counts occurrences, t the different characters after c.
"""

from __future__ import annotations

import numpy as np

from charlm.models.ngram.interpolated import InterpolatedModel, Weights


class WittenBell(InterpolatedModel):
    """An n-gram model with Witten-Bell smoothing.

    >>> model = WittenBell(np.array([0, 1, 0, 1, 0], np.uint8), vocab_size=2, order=1)
    >>> np.exp(-model.nll(np.array([0], np.uint8), np.array([1], np.uint8))).round(4).tolist()
    [0.8095]
    """

    def weights(self, order: int, is_longest: bool) -> Weights:
        """The weights of an order."""
        level = self.levels[order]
        owners = level.owners
        counts = np.bincount(owners, weights=level.counts, minlength=level.contexts)
        types = np.bincount(owners, minlength=level.contexts)
        own = level.counts / (counts + types)[owners]
        # A context that occurs only at the end of the text has no counts.
        rest = np.divide(types, counts + types, out=np.ones(level.contexts), where=types > 0)
        return Weights(own, rest)
