"""Surprisal: what each character of a text cost, and what the model had expected in its place.

The surprisal of a character is minus the binary logarithm of its probability (Tribus 1961; for reading, Hale
2001): 0 bits where the model was sure of it, log2 V where it had no idea. The figures are those of ``eval
perplexity``, character by character.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.arrays import Codes, Floats
from charlm.config import setting
from charlm.engine.pool import WorkerPool
from charlm.errors import UsageError
from charlm.evaluate._base import SHOWN_END, Coloured, Column, Findings, Guess, Measurement, Subject, Table
from charlm.readout import log_softmax_, logits
from charlm.scoring import Costs, Scores, figures_of, score_part
from charlm.stateful_pass import Progress, visit_outputs
from charlm.text.visible import visible
from charlm.text.vocab import REPLACEMENT, Vocabulary

GUESSES = 5
TSV_HEADINGS = ("run", "text", "position", "character", "bits")


@dataclass(frozen=True)
class Passage:
    """A stretch of a text and what it cost.

    Attributes:
        position: of its first character, counted from 0.
        bits_per_char: its mean surprisal.
        text: itself.
    """

    position: int
    bits_per_char: float
    text: str


@dataclass(frozen=True)
class Surprisal(Measurement):
    """Each character in the colour of its bits, and the passages that surprised most.

    Raises:
        UsageError: both files have the same name, or one has none.
    """

    html: str | None = setting(None, "Write a web page: under the pointer, the five likeliest characters.")
    tsv: str | None = setting(None, "Write a table of every character and its bits.")
    show: int = setting(2000, "Characters that the terminal shows, from the first.", low=0)
    worst: int = setting(10, "Passages that surprised most, to list.", low=0)
    window: int = setting(40, "Characters of a passage.", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if "" in (self.html, self.tsv):
            raise UsageError("--html or --tsv is empty: name a file, or leave it out")
        if self.html is not None and self.html == self.tsv:
            raise UsageError(f"--html and --tsv both name {self.html}: give two files")

    def measure(self, subjects: Sequence[Subject], pool: WorkerPool, progress: Progress) -> Findings:
        """Score each subject character by character; see Measurement.measure."""
        records: list[dict[str, Any]] = []
        rows: list[tuple[Any, ...]] = []
        coloured = []
        for subject in subjects:
            scores, predictions = _predict(subject, pool, progress)
            bits_N = scores.costs_nats / math.log(2)
            worst = worst_passages(subject.shown, bits_N, self.window, self.worst)
            record = {"run": subject.run, "text": subject.text_name, **asdict(figures_of(scores))}
            record["lossy"] = subject.model.corpus.is_lossy
            records.append(record | {"worst": [asdict(passage) for passage in worst]})
            rows += [(subject.run, subject.text_name, *_cells(passage)) for passage in worst]
            coloured.append(_coloured(subject, bits_N, predictions, self.show))
        columns = (*map(Column, ("model", "text")), Column("position", ",d"), Column("bits/char", ".2f"))
        table = Table("Worst passages", (*columns, Column("passage")), rows)
        return Findings(
            records,
            [table] if rows else [],
            coloured=coloured,
            pages={} if self.html is None else {self.html: coloured},
            files={} if self.tsv is None else {self.tsv: _tsv(subjects, coloured)},
        )


def worst_passages(text: str, bits_N: Costs, window: int, count: int) -> list[Passage]:
    """The dearest stretches of a text, dearest first, none of which overlap.

    Args:
        text: N + 1 characters.
        bits_N: what each after the first cost.
        window: their length; a text with fewer is one passage.
        count: how many at most.

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


@dataclass(frozen=True)
class _Predictions:
    """What the network expected in the place of each known character."""

    codes: npt.NDArray[np.intp]  # likeliest first (K, GUESSES)
    probabilities: npt.NDArray[np.float64]


def _predict(subject: Subject, pool: WorkerPool, progress: Progress) -> tuple[Scores, _Predictions]:
    """What every character costs, and the likeliest in the place of every known one, in one pass."""
    model = subject.model
    found: list[_Predictions] = []

    def known_costs(x_N: Codes, y_N: Codes) -> Costs:
        costs_N = np.empty(len(y_N))
        width = min(GUESSES, len(model.vocabulary))
        best = _Predictions(np.empty((len(y_N), width), np.intp), np.empty((len(y_N), width)))

        def visit(places: npt.NDArray[np.intp], h_NH: Floats) -> None:
            log_probs_NV = log_softmax_(logits(model.network.params, h_NH))
            costs_N[places] = -log_probs_NV[np.arange(len(places)), y_N[places]]
            codes = np.argsort(-log_probs_NV, axis=1, kind="stable")[:, :width]
            best.codes[places] = codes
            best.probabilities[places] = np.exp(np.take_along_axis(log_probs_NV, codes, axis=1))

        if len(y_N):
            visit_outputs(model.network, pool, x_N, visit, progress, model.vocabulary.end)
        found.append(best)
        return costs_N

    scores = score_part(subject.part, model.vocabulary, model.training_characters, known_costs)
    return scores, found[0]


def _coloured(subject: Subject, bits_N: Costs, predictions: _Predictions, shown: int) -> Coloured:
    symbols = _shown(subject.model.vocabulary)
    _, is_read = subject.model.read(subject.part)
    expected = (
        [Guess(symbols[code], probability) for code, probability in zip(codes, row, strict=True)]
        for codes, row in zip(predictions.codes.tolist(), predictions.probabilities.tolist(), strict=True)
    )
    guesses: list[list[Guess]] = [[], *(next(expected) if read else [] for read in is_read[1:])]
    title = f"{subject.run} on {subject.text_name}"
    return Coloured(title, subject.shown, [None, *bits_N.tolist()], guesses, shown)


def _shown(vocabulary: Vocabulary) -> list[str]:
    """Every symbol as a character, by its code."""
    specials = {vocabulary.end: SHOWN_END, vocabulary.unknown: REPLACEMENT}
    return [*vocabulary.symbols, *(specials[code] for code in range(len(vocabulary.symbols), len(vocabulary)))]


def _cells(passage: Passage) -> tuple[int, float, str]:
    return passage.position, passage.bits_per_char, visible(passage.text)


def _tsv(subjects: Sequence[Subject], coloured: Sequence[Coloured]) -> str:
    """Every character after the first of each text, a line each."""
    lines = ["\t".join(TSV_HEADINGS)]
    for subject, text in zip(subjects, coloured, strict=True):
        names = f"{visible(subject.run)}\t{visible(subject.text_name)}"
        lines += [
            f"{names}\t{position}\t{visible(character)}\t{bits:.4f}"
            for position, (character, bits) in enumerate(zip(text.text, text.bits, strict=True))
            if bits is not None
        ]
    return "\n".join(lines) + "\n"
