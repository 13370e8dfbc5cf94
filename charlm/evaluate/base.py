"""Measurements: settings and cases in, results out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from charlm.base.progress import Progress
from charlm.base.tables import Curve, Table
from charlm.config import Config, setting
from charlm.data.alphabet import END
from charlm.data.encoded import EncodedText
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel

SHOWN_END = "\N{SYMBOL FOR END OF TRANSMISSION}"
"""What the end of a document is shown as, where it is not the line's."""


@dataclass(frozen=True)
class EvalCase:
    """A model and a text to measure it on.

    ``training`` is None where the run's corpus is missing.
    """

    run: str
    model: LanguageModel
    text_name: str
    part: EncodedText
    training: EncodedText | None

    @property
    def shown(self) -> str:
        """The text, each symbol as one printable character."""
        is_line = self.part.alphabet.document_end == "\n"
        return self.part.symbols.replace(END, "\n" if is_line else SHOWN_END)


@dataclass(frozen=True)
class Candidate:
    """A possible next character and its probability."""

    character: str
    probability: float


@dataclass(frozen=True)
class ColoredText:
    """A text of N characters, colored by a number for each.

    Attributes:
        title: of the text.
        text: N characters.
        bits: losses (N,); None for the first.
        guesses: the likeliest characters (N,), or none.
        shown: characters that a terminal shows.
    """

    title: str
    text: str
    bits: Sequence[float | None]
    guesses: Sequence[Sequence[Candidate]]
    shown: int


@dataclass(frozen=True)
class EvalResult:
    """What a measurement found: ``records`` are JSON objects, ``pages`` and ``files`` texts by path."""

    records: list[dict[str, Any]]
    tables: list[Table]
    notes: list[str] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    colored: list[ColoredText] = field(default_factory=list)
    pages: Mapping[str, Sequence[ColoredText]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement(Config):
    """One kind of measurement; its fields are settings, its docstring's first line its help."""

    @abstractmethod
    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Measure every case, at least one."""


def characters_taken(default: int) -> int:
    """The setting of how much text is read."""
    most: int = setting(default, "Measure at most this many characters, from the first.", low=2, high=10_000_000)
    return most


def beginnings(subjects: Sequence[EvalCase], most: int) -> tuple[list[EvalCase], list[str]]:
    """Cases with cut texts, and notes on the cuts."""
    notes = [
        f"{subject.text_name}: the first {most:,} of its {len(subject.part):,} {subject.model.corpus.units} are "
        "measured (--characters)"
        for subject in subjects
        if len(subject.part) > most
    ]
    return [replace(subject, part=subject.part[:most]) for subject in subjects], notes
