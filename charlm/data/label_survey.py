"""A survey of labelled texts: examples, their labels, targets or tags, and what could mislead a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from charlm.base.errors import CorpusError
from charlm.config import CorpusConfig
from charlm.config.encoder import TARGET_UNITS
from charlm.data.labels import LabelledReader, guess_mode, is_number, read_lines
from charlm.data.pairs import split_target
from charlm.data.reading.sources import Source


@dataclass(frozen=True)
class LabelSurvey:
    """Counts of labelled texts.

    Attributes:
        mode: as in ``--labels``.
        kind: what each text has, a guess: ``labels``; ``targets`` or ``numbers``, which rarely repeat; or
            ``tags``, one per character.
        symbols: the number of different symbols in targets or tags, by the values of ``--target-units`` that fit.
        examples: all of them.
        distinct: different pairs of a text and a label.
        texts: different texts.
        ambiguous: texts with several labels.
        spaced: texts with white space at an end.
        empty: empty lines and files, left out.
        refused: lines that are not examples, which training refuses; None in the modes ``file`` and ``folder``.
        longest: characters of the longest text.
        mean_length: in characters.
        labels: the number of distinct examples of each label, or of characters of each tag.
    """

    mode: str
    kind: str
    symbols: Mapping[str, int]
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
    kind, units = _guess_kind(counts, labels) if mode == "tab" else ("labels", ())
    symbols = {unit: Counter(each for label in labels for each in split_target(label, unit)) for unit in units}
    if kind == "tags":
        labels = Counter(tag for _, label in counts for tag in split_target(label, units[0]))
    return LabelSurvey(
        mode=found.mode,
        kind=kind,
        symbols={unit: len(own) for unit, own in symbols.items()},
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


def _guess_kind(pairs: Mapping[tuple[str, str], int], labels: Mapping[str, int]) -> tuple[str, Sequence[str]]:
    """What follows the tabs, and the values of ``--target-units`` that fit.

    >>> _guess_kind({("ab", "U L"): 1, ("b", "L"): 1}, {"U L": 1, "L": 1})
    ('tags', ('words',))
    """
    if any(len(text) > 1 for text, _ in pairs):
        for unit in TARGET_UNITS:
            if all(len(text) == len(split_target(label, unit)) for text, label in pairs):
                return "tags", (unit,)
    if len(labels) <= len(pairs) / 2:
        return "labels", ()
    return ("numbers", ()) if all(map(is_number, labels)) else ("targets", TARGET_UNITS)
