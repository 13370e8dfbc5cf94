"""Differences between models on the same text, with a confidence interval.

The losses of two models on one text rise and fall together, so the mean of their differences, character by
character, is known far better than either mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.data.encoded import EncodedText
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalCase
from charlm.evaluate.bootstrap import MeanSeries
from charlm.inference.scoring import Tally, TextMetrics

RESAMPLES = 1000
INCLUDES_0 = "the interval includes 0"
RULE = (
    "difference to the best: the mean over the same characters, with the interval of 95% of 1,000 resamples of "
    "its blocks; it is clear if the interval leaves out 0. It says nothing of other texts, nor of other seeds"
)


@dataclass(frozen=True)
class Difference:
    """How much more a model loses than the best, in nats/char, and the interval of 95%."""

    nats: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def text_digest(part: EncodedText) -> bytes:
    """The sha256 of a text."""
    digest = hashlib.sha256()
    for block in part.utf8_blocks:
        digest.update(block)
    return digest.digest()


def score_case(case: EvalCase, pool: ThreadPool, progress: Progress) -> tuple[TextMetrics, MeanSeries]:
    """The figures of a model on its text, and the series of its losses."""
    tally, series = Tally(), MeanSeries(len(case.part) - 1)
    for scores in case.model.score_stretches_with(pool, case.part, progress):
        tally.take(scores)
        series.take(scores.costs_nats)
    return tally.figures, series


def difference(texts: Sequence[tuple[Sequence[MeanSeries], Sequence[MeanSeries]]], seed: int = 1) -> Difference:
    """The mean difference between two models, or between the means of several of each.

    Args:
        texts: for each text, the losses of the one's models and of the other's.
        seed: of the resamples.

    >>> import numpy as np
    >>> one, other = MeanSeries(4), MeanSeries(4)
    >>> one.take(np.array([1.5, 2.5, 3.5, 4.5])); other.take(np.array([1.0, 2.0, 3.0, 4.0]))
    >>> difference([([one], [other])])
    Difference(nats=0.5, low=0.5, high=0.5)
    """
    gap = MeanSeries.gap(texts)
    low, high, _ = gap.interval(None, RESAMPLES, make_generator(seed, "bootstrap"))
    return Difference(gap.mean, low, high)


def verdict(best: str, doubts: Mapping[str, str]) -> str:
    """What can be said of the best: which others it beats, and from which it does not differ clearly, and why.

    Args:
        best: its name.
        doubts: by the name of another, why their difference is not clear; empty where it is.

    >>> verdict("gru", {"rnn": "", "lstm": INCLUDES_0})
    'gru is better than rnn; no clear difference between gru and lstm: the interval includes 0'
    """
    clear = [name for name, doubt in doubts.items() if not doubt]
    said = [f"{best} is better than {', '.join(clear)}"] if clear else []
    for doubt in dict.fromkeys(filter(None, doubts.values())):
        names = ", ".join(name for name, own in doubts.items() if own == doubt)
        said.append(f"no clear difference between {best} and {names}: {doubt}")
    return "; ".join(said)
