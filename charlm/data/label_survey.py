"""What labelled texts hold: examples, labels, and what could mislead a classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from charlm.base.errors import CorpusError
from charlm.config import CorpusConfig
from charlm.data.labels import LabelledReader, guess_mode, read_lines
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
        refused: lines that are no example, which training refuses; None in the modes ``file`` and ``folder``.
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
    refused: int | None
    longest: int
    mean_length: float
    labels: Mapping[str, int]

    @property
    def ceiling(self) -> float:
        """The most that a classifier of the texts alone can get right, of the distinct pairs."""
        return self.texts / max(self.distinct, 1)


def find_labels(source: Source) -> str | None:
    """How a source is labelled, if it is: a folder of several files or folders, or a file of lines with a tab."""
    try:
        mode = guess_mode(source)
    except CorpusError:
        return None
    if mode in ("file", "folder"):
        return mode if len(source.files) > 1 else None
    if source.kind == "stdin":
        return None
    return mode if source.files and "\t" in next(iter(read_lines(source.files[0], is_bytes=True)), "") else None


def survey_labels(source: Source, mode: str) -> LabelSurvey:
    """Count a source's labelled texts, read as characters.

    Raises:
        CorpusError: a file is unreadable.
    """
    found = LabelledReader(source, CorpusConfig(), mode, skips=True)
    counts = Counter(found)
    by_text = Counter(text for text, _ in counts)
    lengths = [len(text) for text in by_text] or [0]
    labels = Counter(label for _, label in counts)
    return LabelSurvey(
        mode=found.mode,
        examples=counts.total(),
        distinct=len(counts),
        texts=len(by_text),
        ambiguous=sum(count > 1 for count in by_text.values()),
        spaced=found.spaced,
        empty=found.empty,
        refused=None if mode in ("file", "folder") else found.refused,
        longest=max(lengths),
        mean_length=sum(lengths) / len(lengths),
        labels=dict(sorted(labels.items())),
    )
