"""Surprisal: minus the binary logarithm of a character's probability (Tribus 1961; for reading, Hale 2001)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

import numpy as np
import numpy.typing as npt

from charlm.base.errors import UsageError
from charlm.base.escape import escape_unprintable
from charlm.base.progress import Progress
from charlm.base.tables import PROGRAMS, Column, Table
from charlm.config import setting
from charlm.evaluate.base import (
    SHOWN_END,
    Candidate,
    ColoredText,
    EvalCase,
    EvalResult,
    Measurement,
    beginnings,
    characters_taken,
    text_column,
    with_mixtures,
)

if TYPE_CHECKING:
    from charlm.base.arrays import Floats, TokenIds
    from charlm.data.vocabulary import Vocabulary
    from charlm.engines.base import Outputs
    from charlm.engines.threads import ThreadPool
    from charlm.inference.scoring import Costs, Scores
    from charlm.inference.unroll import Window

GUESSES = 5
PAGE = 200_000  # characters of a text on a web page
TSV_HEADINGS = ("run", "text", "position", "character", "bits")


@dataclass(frozen=True)
class Passage:
    """A stretch of a text, its position from 0, and its mean loss."""

    position: int
    bits_per_char: float
    text: str


@dataclass(frozen=True)
class Surprisal(Measurement):
    """Color characters by surprisal; list surprising passages.

    Raises:
        UsageError: both files have the same name, or one has none.
    """

    html: str | None = setting(None, "Write a web page with the likeliest characters.", metavar="FILE")
    tsv: str | None = setting(None, "Write a table of every character and its bits.", metavar="FILE")
    show: int = setting(500, "Characters to print.", low=0)
    worst: int = setting(5, "Number of most surprising passages to list.", low=0)
    window: int = setting(40, "Length of a passage, in characters.", low=1)
    characters: int = characters_taken(1_000_000)

    mixes: ClassVar[Literal["if asked"]] = "if asked"

    def __post_init__(self) -> None:
        super().__post_init__()
        if "" in (self.html, self.tsv):
            raise UsageError("--html or --tsv is empty: name a file, or leave it out")
        if self.html is not None and self.html == self.tsv:
            raise UsageError(f"--html and --tsv both name {self.html}: give two files")

    @property
    def needs_numpy(self) -> bool:
        """Predictions are enough."""
        return False

    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Score each subject character by character."""
        from charlm.inference.scoring import text_metrics

        records: list[dict[str, Any]] = []
        rows: list[tuple[Any, ...]] = []
        colored = []
        subjects, notes = beginnings(with_mixtures(subjects), self.characters)
        for subject in subjects:
            scores, guesses = _predict(subject, pool, progress)
            bits_N = scores.costs_nats / math.log(2)
            worst = worst_passages(subject.shown, bits_N, self.window, self.worst)
            record = {"run": subject.run, "text": subject.text_name, **asdict(text_metrics(scores))}
            record |= {"lossy": subject.model.corpus.is_lossy, "mix": subject.model.is_mixed}
            records.append(record | {"worst": [asdict(passage) for passage in worst]})
            rows += [
                (subject.run, subject.text_name, each.position, each.bits_per_char, each.text) for each in worst
            ]
            title = subject.title
            bits = [None, *bits_N.tolist()]
            colored.append(ColoredText(title, subject.shown, bits, guesses, self.show, subject.is_cut))
        text = text_column(subjects)
        model = Column("model", rank=0 if len({subject.run for subject in subjects}) > 1 else PROGRAMS)
        columns = (model, text, Column("position", ",d"), Column("bits/char", ".2f"), Column("passage"))
        table = Table("Most surprising passages", columns, rows)
        pages = {} if self.html is None else {self.html: [_page(text) for text in colored]}
        if self.html is not None and any(len(text.text) > PAGE for text in colored):
            notes.append(f"{self.html} has the first {PAGE:,} characters")
        return EvalResult(
            records,
            [table] if rows else [],
            notes,
            colored=colored,
            pages=pages,
            files={} if self.tsv is None else {self.tsv: _tsv(subjects, colored)},
        )


def worst_passages(text: str, bits_N: Costs, window: int, count: int) -> list[Passage]:
    """The stretches with the highest loss, highest first, without overlap.

    >>> [passage.text for passage in worst_passages("-abcdef", np.array([0, 9, 8, 1, 1, 7]), 2, 2)]
    ['bc', 'ef']
    """
    window = min(window, len(bits_N))
    sums = np.concatenate([[0.0], np.cumsum(bits_N)])
    means = (sums[window:] - sums[:-window]) / window
    passages = []
    for _ in range(count):
        start = int(means.argmax())
        if means[start] == -np.inf:
            break
        found = text[start + 1 : start + 1 + window]
        passages.append(Passage(start + 1, float(means[start]), found))
        means[max(0, start - window + 1) : start + window] = -np.inf
    return passages


class _Guesses(Sequence[Sequence[Candidate]]):
    """The likeliest characters at N places, made on demand."""

    def __init__(
        self, symbols: list[str], ids_NK: TokenIds, probabilities_NK: Floats, is_guessed_N: npt.NDArray[np.bool_]
    ) -> None:
        self._symbols = symbols
        self._ids_NK, self._probabilities_NK, self._is_guessed_N = ids_NK, probabilities_NK, is_guessed_N

    def __len__(self) -> int:
        return len(self._is_guessed_N)

    @overload
    def __getitem__(self, place: int) -> Sequence[Candidate]: ...
    @overload
    def __getitem__(self, place: slice) -> _Guesses: ...
    def __getitem__(self, place: int | slice) -> Sequence[Candidate] | _Guesses:
        ids, probabilities = self._ids_NK[place], self._probabilities_NK[place]
        if isinstance(place, slice):
            return _Guesses(self._symbols, ids, probabilities, self._is_guessed_N[place])
        if not self._is_guessed_N[place]:
            return []
        pairs = zip(ids.tolist(), probabilities.tolist(), strict=True)
        return [Candidate(self._symbols[code], probability) for code, probability in pairs]


def _predict(subject: EvalCase, pool: ThreadPool, progress: Progress) -> tuple[Scores, _Guesses]:
    """Each character's loss, and the likeliest ones."""
    from charlm.base.arrays import id_dtype
    from charlm.inference.scoring import joined, network_costs, score_stretches

    model, count = subject.model, len(subject.part)
    _, is_read_N = model.read(subject.part)
    is_read_N[0] = False  # nothing predicts the first
    places_K = np.flatnonzero(is_read_N)
    width = min(GUESSES, len(model.vocabulary))
    ids_NK = np.zeros((count, width), id_dtype(len(model.vocabulary)))
    probabilities_NK = np.zeros((count, width), np.float32)

    def see(done: int, window: Window, outputs: Outputs) -> None:
        log_probs_TBV = outputs.log_probs()

        def rank(columns: slice) -> None:
            own_TB, log_probs = window.is_own_TB[:, columns], log_probs_TBV[:, columns]
            log_probs_NV = log_probs[own_TB]
            places_N = places_K[done + window.places_TB[:, columns][own_TB]]
            ids_NK[places_N] = ids = np.argsort(-log_probs_NV, axis=1, kind="stable")[:, :width]
            probabilities_NK[places_N] = np.exp(np.take_along_axis(log_probs_NV, ids, axis=1))

        pool.run_columns(log_probs_TBV.shape[1], rank)

    costs = network_costs(model.open(pool), progress, model.vocabulary.end, count - 1, see)
    scores = joined(score_stretches(subject.part, model.vocabulary, model.training_characters, costs))
    return scores, _Guesses(_shown(model.vocabulary), ids_NK, probabilities_NK, is_read_N)


def _page(text: ColoredText) -> ColoredText:
    """The part of a text for a web page."""
    if len(text.text) <= PAGE:
        return text
    return replace(text, text=text.text[:PAGE], bits=text.bits[:PAGE], guesses=text.guesses[:PAGE])


def _shown(vocabulary: Vocabulary) -> list[str]:
    """Every symbol as a character."""
    from charlm.data.vocabulary import REPLACEMENT

    specials = {vocabulary.end: SHOWN_END, vocabulary.unknown: REPLACEMENT}
    return [*vocabulary.symbols, *(specials[code] for code in range(len(vocabulary.symbols), len(vocabulary)))]


def _tsv(subjects: Sequence[EvalCase], colored: Sequence[ColoredText]) -> str:
    """A line for every character after each text's first."""
    lines = ["\t".join(TSV_HEADINGS)]
    for subject, text in zip(subjects, colored, strict=True):
        names = f"{escape_unprintable(subject.run)}\t{escape_unprintable(subject.text_name)}"
        lines += [
            f"{names}\t{position}\t{escape_unprintable(character)}\t{bits:.4f}"
            for position, (character, bits) in enumerate(zip(text.text, text.bits, strict=True))
            if bits is not None
        ]
    return "\n".join(lines) + "\n"
