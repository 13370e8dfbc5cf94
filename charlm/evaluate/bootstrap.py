"""Confidence intervals of a mean: the block bootstrap.

Blocks (Künsch 1989) come from the text closed to a circle (Politis & Romano 1992).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from charlm.inference.scoring import Costs

COVERAGE = 0.95
MOST = 1 << 20
"""The longest series that is kept as it is; neighbors in one over twice as long are averaged."""


class MeanSeries:
    """A series in bounded memory.

    >>> series = MeanSeries(4)
    >>> for stretch in ([1.0, 2.0], [3.0, 2.0]):
    ...     series.take(np.array(stretch))
    >>> series.interval(4, 100, np.random.default_rng(1))
    (2.0, 2.0, 4)
    """

    def __init__(self, count: int) -> None:
        """Make room for ``count`` numbers."""
        self.grain = max(1, count // MOST)
        self._count, self._done = count, 0
        self._sums = np.zeros(-(-count // self.grain))

    def take(self, values_N: Costs) -> None:
        """Add the next numbers."""
        first = self._done // self.grain
        places = np.arange(self._done, self._done + len(values_N)) // self.grain - first
        found = np.bincount(places, weights=values_N)
        self._sums[first : first + len(found)] += found
        self._done += len(values_N)

    @classmethod
    def gap(cls, texts: Sequence[tuple[Sequence[MeanSeries], Sequence[MeanSeries]]]) -> MeanSeries:
        """The differences between the means of two groups of series, number by number, text after text."""
        made = cls(sum(ours[0]._count for ours, _ in texts))
        made.grain = texts[0][0][0].grain
        # A text's last sum may be of fewer numbers than the grain, which only matters at the very end.
        made._sums = np.concatenate([_mean_sums(ours) - _mean_sums(theirs) for ours, theirs in texts])
        return made

    @property
    def mean(self) -> float:
        """The mean of all numbers."""
        return float(self._sums.sum()) / self._count

    def interval(
        self, block_length: int | None, resamples: int, rng: np.random.Generator
    ) -> tuple[float, float, int]:
        """The bounds of ``mean_interval``, and the block length."""
        means = self._sums / self.grain
        means[-1] *= self.grain / (self._count - (len(means) - 1) * self.grain)
        blocks = block_length_of(means) if block_length is None else -(-block_length // self.grain)
        blocks = min(blocks, len(means))
        return *mean_interval(means, blocks, resamples, rng), min(blocks * self.grain, self._count)


def _mean_sums(group: Sequence[MeanSeries]) -> Costs:
    total = np.zeros_like(group[0]._sums)
    for each in group:
        total += each._sums
    return total / len(group)


def block_length_of(series_N: Costs) -> int:
    """The block length for which the mean's variance has the least mean squared error.

    (3/2 (G / g)^2 N)^(1/3), with g the spectral density at zero, G the sum of |k| times the autocovariance at k
    (Politis & White 2004; Patton, Politis & White 2009).

    >>> block_length_of(np.tile([1.0, 2.0, 5.0, 3.0], 100).repeat(8))
    170
    """
    count = len(series_N)
    covariances = _autocovariances(series_N)
    # Rounding alone makes equal numbers vary.
    if count < 3 or not covariances[0] > np.finfo(float).eps * series_N.mean() ** 2:
        return 1
    width = min(2 * _last_dependent(covariances / covariances[0], count), count - 1)
    lags = np.arange(width + 1)
    window = np.clip(2 * (1 - lags / width), 0, 1)
    window[1:] *= 2  # for the negative lags
    own = covariances[: width + 1] * window
    density, slope = float(own.sum()), float((lags * own).sum())
    longest = math.ceil(min(3 * math.sqrt(count), count / 3))
    if density <= 0:
        return longest
    best: int = math.ceil((1.5 * (slope / density) ** 2 * count) ** (1 / 3))
    return min(max(1, best), longest)


def _autocovariances(series_N: Costs) -> Costs:
    """At every lag from 0 (N,), by the Fourier transform."""
    padded = 1 << (2 * len(series_N) - 1).bit_length()
    power = np.abs(np.fft.rfft(series_N - series_N.mean(), padded)) ** 2
    covariances_N: Costs = np.fft.irfft(power, padded)[: len(series_N)] / len(series_N)
    return covariances_N


def _last_dependent(correlations: Costs, count: int) -> int:
    """The last lag, at least 1, before several insignificant correlations."""
    run = max(5, math.ceil(math.sqrt(math.log10(count))))
    is_small = np.abs(correlations[1:]) < 2 * math.sqrt(math.log10(count) / count)
    # The sum over a run that begins after each lag.
    small = np.convolve(is_small, np.ones(run, np.intp), "valid") if len(is_small) >= run else np.zeros(0)
    starts = np.flatnonzero(small == run)
    return max(1, int(starts[0])) if len(starts) else len(is_small)


def mean_interval(
    costs_N: Costs, block_length: int, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The bounds of the middle 95% of the resampled means."""
    count = len(costs_N)
    length = min(block_length, count)
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([costs_N, costs_N[: length - 1]]))])
    block_means = (sums[length:] - sums[:-length]) / length
    blocks = math.ceil(count / length)
    means = np.array([block_means[rng.integers(count, size=blocks)].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
