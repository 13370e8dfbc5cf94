"""What a measurement is: settings, subjects in, findings out. It draws nothing; the command line does that."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from charlm.base.progress import Progress
from charlm.base.tables import Curve, Table
from charlm.config import Config
from charlm.data.alphabet import END
from charlm.data.encoded import EncodedText
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel

SHOWN_END = "\N{SYMBOL FOR END OF TRANSMISSION}"
"""What the end of a document is shown as, where it is not the line's."""


@dataclass(frozen=True)
class EvalCase:
    """A model and a text to measure it on.

    Attributes:
        run: the run's name.
        model: its model.
        text_name: what the text is, for tables.
        part: the text, read as the model's corpus was.
        training: the run's own training part, for baselines; None where the corpus is not to be found.
    """

    run: str
    model: LanguageModel
    text_name: str
    part: EncodedText
    training: EncodedText | None

    @property
    def shown(self) -> str:
        """The text's symbols as characters that a terminal can show, one for each."""
        is_line = self.part.alphabet.document_end == "\n"
        return self.part.symbols.replace(END, "\n" if is_line else SHOWN_END)


@dataclass(frozen=True)
class Candidate:
    """A character that a model took to come next, and how probable."""

    character: str
    probability: float


@dataclass(frozen=True)
class ColoredText:
    """A text with a number a character, to be shown as its colour.

    Attributes:
        title: what it is.
        text: N characters.
        bits: what each cost (N,); None for the first, which nothing predicts.
        guesses: the likeliest characters in the place of each (N,); empty where there was no prediction.
        shown: how many characters, from the first, a terminal shows.
    """

    title: str
    text: str
    bits: Sequence[float | None]
    guesses: Sequence[Sequence[Candidate]]
    shown: int


@dataclass(frozen=True)
class EvalResult:
    """What a measurement found.

    Attributes:
        records: JSON objects, one for each subject.
        tables: the same for people.
        notes: what a reader of the figures should know.
        curves: what is best seen drawn.
        colored: texts in colour.
        pages: a web page of coloured texts to write, by the path that the user gave.
        files: plain text to write, by the path that the user gave.
    """

    records: list[dict[str, Any]]
    tables: list[Table]
    notes: list[str] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    colored: list[ColoredText] = field(default_factory=list)
    pages: Mapping[str, Sequence[ColoredText]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement(Config):
    """One kind of measurement; its fields are its settings, its docstring's first line its help."""

    @abstractmethod
    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Measure every subject.

        Args:
            subjects: at least one.
            pool: workers to use.
            progress: called now and then with how much is done.
        """
