"""What labelled texts hold: examples, labels, and what could mislead a classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from charlm.config import CorpusConfig
from charlm.data.labels import LabelledReader, guess_mode
from charlm.data.reading.sources import Source


@dataclass(frozen=True)
class LabelSurvey:
    """Counts of labelled texts.

    Attributes:
        mode: as in ``--labels``.
        examples: all of them.
        distinct: different pairs of a text and a label.
        texts: different texts.
        ambiguous: texts with several labels.
        spaced: texts with white space at an end.
        empty: empty lines and files, left out.
        longest: characters of the longest text.
        mean_length: in characters.
        labels: the distinct examples of each.
    """

    mode: str
    examples: int
    distinct: int
    texts: int
    ambiguous: int
    spaced: int
    empty: int
    longest: int
    mean_length: float
    labels: Mapping[str, int]

    @property
    def ceiling(self) -> float:
        """The most that a classifier of the texts alone can get right, of the distinct pairs."""
        return self.texts / max(self.distinct, 1)


def survey_labels(source: Source, mode: str | None) -> LabelSurvey:
    """Count a source's labelled texts, read as characters.

    Raises:
        CorpusError: a file is unreadable, or a line has no label.
    """
    found = LabelledReader(source, CorpusConfig(), mode or guess_mode(source))
    counts = Counter(found)
    pairs = counts.keys()
    by_text = Counter(text for text, _ in pairs)
    lengths = [len(text) for text in by_text] or [0]
    labels = Counter(label for _, label in pairs)
    return LabelSurvey(
        mode=found.mode,
        examples=counts.total(),
        distinct=len(pairs),
        texts=len(by_text),
        ambiguous=sum(count > 1 for count in by_text.values()),
        spaced=found.spaced,
        empty=found.empty,
        longest=max(lengths),
        mean_length=sum(lengths) / len(lengths),
        labels=dict(sorted(labels.items())),
    )
