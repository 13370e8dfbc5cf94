"""Measurements: settings and cases in, results out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from charlm.base.tables import PROGRAMS, Column, Curve, Matrix, Table
from charlm.config import Config, DeviceConfig, setting

if TYPE_CHECKING:
    from charlm.base.progress import Progress
    from charlm.data.encoded import EncodedText
    from charlm.engines.threads import ThreadPool
    from charlm.inference.language_model import LanguageModel

SHOWN_END = "\N{SYMBOL FOR END OF TRANSMISSION}"
"""What the end of a document is shown as, where it is not the line's."""


@dataclass(frozen=True)
class EvalCase:
    """A model and a text to measure it on.

    ``training`` is None where the run's corpus is missing; ``description`` is the text in words; ``is_cut`` says
    that it may begin inside a line; ``mixed`` is the model with its n-gram model, where both are to be measured.
    """

    run: str
    model: LanguageModel
    text_name: str
    part: EncodedText
    training: EncodedText | None
    description: str = ""
    is_cut: bool = False
    mixed: LanguageModel | None = None

    def on(self, device: DeviceConfig) -> Self:
        """The case with its models on an engine's device.

        Raises:
            UsageError: the engine lacks the model's cell.
        """
        mixed = None if self.mixed is None else self.mixed.on(device)
        return replace(self, model=self.model.on(device), mixed=mixed)

    @property
    def title(self) -> str:
        """The model and its text, in words."""
        return f"{self.run} on {self.description or self.text_name}"

    @property
    def keys(self) -> dict[str, str]:
        """What tables of it have in common."""
        return {"run": self.run, "text": self.text_name}

    @property
    def shown(self) -> str:
        """The text, each symbol as one printable character."""
        from charlm.data.alphabet import END  # here, so that help does not wait for NumPy

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
        is_cut: whether it may begin inside a line.
    """

    title: str
    text: str
    bits: Sequence[float | None]
    guesses: Sequence[Sequence[Candidate]]
    shown: int
    is_cut: bool = False


@dataclass(frozen=True)
class EvalResult:
    """What a measurement found.

    Attributes:
        records: JSON objects.
        tables: the main one first.
        notes: what a reader must not miss.
        curves: drawn with ``--wide``, or always where ``draws_curves``.
        colored: texts in colors.
        pages: web pages by path.
        files: texts by path.
        matrices: counts in colors.
        explanation: how it was measured.
        legend: a few words on the columns.
        see_also: a sentence on what to do next.
    """

    records: list[dict[str, Any]]
    tables: list[Table]
    notes: list[str] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    colored: list[ColoredText] = field(default_factory=list)
    pages: Mapping[str, Sequence[ColoredText]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    matrices: list[Matrix] = field(default_factory=list)
    explanation: list[str] = field(default_factory=list)
    legend: str = ""
    see_also: str = ""
    draws_curves: bool = False


@dataclass(frozen=True)
class Measurement(Config):
    """One kind of measurement; its fields are settings, its docstring's first line its help."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names that the command line accepts."""
    cases: ClassVar[Literal["models", "labels", "runs"]] = "models"
    """Language models on plain texts, runs on labelled texts, or runs of any task on plain texts."""
    mixes: ClassVar[Literal["always", "if asked", "never"]] = "never"
    """When it also measures the mixture with a run's n-gram model."""

    @property
    def needs_numpy(self) -> bool:
        """Whether it needs more than predictions, which NumPy's engine alone gives."""
        return True

    @abstractmethod
    def measure(self, subjects: Sequence[Any], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Measure every case, at least one."""


def with_mixtures(subjects: Sequence[EvalCase]) -> list[EvalCase]:
    """Each case, followed by the one of its mixture if there is one."""
    cases = []
    for subject in subjects:
        cases.append(subject)
        if subject.mixed is not None:
            cases.append(replace(subject, run=f"{subject.run}, mixed", model=subject.mixed, mixed=None))
    return cases


def text_column(subjects: Sequence[EvalCase]) -> Column:
    """The column of texts, which stands in the title where there is one text only."""
    return Column("text", rank=0 if len({subject.text_name for subject in subjects}) > 1 else PROGRAMS)


def legend_of(subjects: Sequence[EvalCase]) -> str:
    """The unit of the loss."""
    is_bytes = all(subject.model.corpus.bytes for subject in subjects)
    return f"loss in nats/{'byte' if is_bytes else 'char'}"


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
