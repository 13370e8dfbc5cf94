"""Interpolated modified Kneser-Ney smoothing (Kneser & Ney 1995; Chen & Goodman 1999).

    P_k(x | c) = (a(c, x) - D(a(c, x)) + (D_1 n_1(c) + D_2 n_2(c) + D_3 n_3(c)) * P_{k-1}(x | ...)) / a(c).

a(c, x) are counts, n_j(c) the number of x with count j (n_3: three or more).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from charlm.models.ngram.counts import Integers
from charlm.models.ngram.interpolated import InterpolatedModel, Weights

FALLBACK = (0.5, 1.0, 1.5)  # where a level's counts give no discounts; those of KenLM (Heafield et al. 2013)


def discounts(counts: Integers) -> npt.NDArray[np.float64]:
    """The discounts of the counts 0, 1, 2, and 3 or more (4,), or FALLBACK.

    D_j = j - (j + 1) Y N_{j+1} / N_j with Y = N_1 / (N_1 + 2 N_2)

    >>> discounts(np.repeat([1, 2, 3, 4], [40, 20, 10, 5])).tolist()
    [0.0, 0.5, 1.25, 2.0]
    """
    from_counts = np.bincount(np.minimum(counts, 5), minlength=6)
    if from_counts[1:4].all():
        y = from_counts[1] / (from_counts[1] + 2 * from_counts[2])
        found = [j - (j + 1) * y * from_counts[j + 1] / from_counts[j] for j in (1, 2, 3)]
        if min(found) > 0:
            return np.array([0.0, *found])
    return np.array([0.0, *FALLBACK])


class KneserNey(InterpolatedModel):
    """An n-gram model with modified Kneser-Ney smoothing.

    >>> model = KneserNey(np.array([0, 1, 0, 1, 0], np.uint8), vocab_size=2, order=1)
    >>> np.exp(-model.nll(np.array([0], np.uint8), np.array([1], np.uint8))).round(4).tolist()
    [0.75]
    """

    def weights(self, order: int, is_longest: bool) -> Weights:
        """The weights of an order."""
        level = self.levels[order]
        counts = self.adjusted_counts(order, is_longest)
        owners = level.owners
        taken = discounts(counts)[np.minimum(counts, 3)]
        totals = np.bincount(owners, weights=counts, minlength=level.contexts)
        freed = np.bincount(owners, weights=taken, minlength=level.contexts)
        # The total is 0 for a context that only ends the text, or whose pairs only begin it.
        own = np.divide(counts - taken, totals[owners], out=np.zeros(len(counts)), where=counts > 0)
        rest = np.divide(freed, totals, out=np.ones(level.contexts), where=totals > 0)
        return Weights(own, rest)

    def adjusted_counts(self, order: int, is_longest: bool) -> Integers:
        """How often each pair occurs (P,), or, in shorter contexts, how many characters precede it."""
        level = self.levels[order]
        if is_longest:
            return level.counts
        places = np.bincount(self.levels[order + 1].shorter, minlength=len(level.keys))
        return np.where(level.is_first, level.counts, places)
