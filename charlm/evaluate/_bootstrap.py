"""How sure a mean is: block bootstrap of a series whose neighbours depend on one another.

Characters are not independent (a hard word makes several dear ones), so resampling them one by one would
promise too narrow an interval. Whole blocks keep the dependence inside a block (Künsch 1989); they are taken
from the text closed to a circle, so that every character is drawn equally often (Politis & Romano 1992).
"""

from __future__ import annotations

import math

import numpy as np

from charlm.scoring import Costs

COVERAGE = 0.95


def default_block_length(count: int) -> int:
    """The square root of a series' length, rounded up: blocks as long as they are many.

    That is longer than the cube root that is best for short dependence (Künsch 1989), on purpose: a text's
    topics last.

    >>> default_block_length(111_539)
    334
    """
    return math.isqrt(max(count - 1, 0)) + 1


def mean_interval(
    costs_N: Costs, block_length: int, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The bounds between which 95% of the resampled means lie, equally many of the rest on either side.

    Args:
        costs_N: the series, at least one number.
        block_length: of the blocks; at most the whole series is one.
        resamples: how often the series is resampled.
        rng: draws where blocks begin.
    """
    count = len(costs_N)
    length = min(block_length, count)
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([costs_N, costs_N[: length - 1]]))])
    block_means = (sums[length:] - sums[:-length]) / length
    blocks = math.ceil(count / length)
    means = np.array([block_means[rng.integers(count, size=blocks)].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
