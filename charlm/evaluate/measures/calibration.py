"""Calibration: whether predictions of 70% come true 7 times in 10.

Reliability diagram (DeGroot & Fienberg 1983); expected calibration error (Guo et al. 2017). Newton's method finds
the best temperature.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from charlm.base.errors import CorpusError
from charlm.base.progress import Progress
from charlm.base.tables import WIDE, Column, Curve, Table
from charlm.config import setting
from charlm.evaluate.base import (
    EvalCase,
    EvalResult,
    Measurement,
    beginnings,
    characters_taken,
    legend_of,
    text_column,
    with_mixtures,
)

if TYPE_CHECKING:
    from charlm.base.arrays import Floats, TokenIds
    from charlm.data.encoded import EncodedText
    from charlm.engines.threads import ThreadPool
    from charlm.inference.language_model import LanguageModel
    from charlm.inference.unroll import Window

TextMetrics = npt.NDArray[np.float64]

LOWEST, HIGHEST = 0.01, 100.0  # temperatures that are tried
TOLERANCE = 1e-4  # of the inverse temperature, relative
MAX_PASSES, CHARACTERS = 40, 300_000  # at the most, and of a text where nothing else is said

SUMMARY = (
    Column("characters", ",d", WIDE),
    Column("loss", ".3f"),
    Column("ECE", ".4f"),
    Column("temperature", ".3f"),
    Column("loss after scaling", ".3f"),
    Column("ECE after scaling", ".4f"),
)
COLUMNS = (
    Column("probability"),
    Column("characters", ",d"),
    Column("confidence", ".3f"),
    Column("accuracy", ".3f"),
    Column("gap", "+.3f"),
)
RULE = (
    "the temperature is the one with the lowest loss on this text, without the characters that the run does "
    "not know; ECE is the expected calibration error: the mean distance between confidence (the probability of"
    " the likeliest character) and accuracy (how often it is right)"
)


@dataclass(frozen=True)
class Outcomes:
    """Predictions of N characters at one temperature.

    Slopes and curvatures are derivatives by the inverse temperature.
    """

    costs_nats: TextMetrics
    slopes: TextMetrics
    curvatures: TextMetrics
    confidences: TextMetrics
    right: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Bin:
    """Characters whose likeliest candidate has a probability in (low, high]."""

    low: float
    high: float
    characters: int
    mean_probability: float | None
    share_right: float | None

    @property
    def gap(self) -> float | None:
        """The rate of success less the confidence."""
        if self.mean_probability is None or self.share_right is None:
            return None
        return self.share_right - self.mean_probability


@dataclass(frozen=True)
class Calibration(Measurement):
    """Calibration error, and the temperature with the lowest loss."""

    bins: int = setting(15, "Bins of equal width for the confidence.", low=1, high=1000)
    characters: int = characters_taken(CHARACTERS)

    mixes: ClassVar[Literal["if asked"]] = "if asked"

    @property
    def needs_numpy(self) -> bool:
        """Predictions are enough."""
        return False

    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Measure each subject, also at its best temperature."""
        records = []
        tables = []
        summary = []
        series: dict[str, tuple[list[float], list[float]]] = {"perfect": ([0.0, 1.0], [0.0, 1.0])}
        subjects, notes = beginnings(with_mixtures(subjects), self.characters)
        for subject in subjects:
            outcomes_at = outcomes_of(subject.model, subject.part, pool, progress)
            best = best_temperature(outcomes_at)
            as_is, at_best = outcomes_at(1.0), outcomes_at(best)
            bins = reliability(as_is, self.bins)
            record = {
                "run": subject.run,
                "text": subject.text_name,
                "characters": len(as_is.right),
                "nats_per_char": float(as_is.costs_nats.mean()),
                "expected_calibration_error": calibration_error(bins),
                "best_temperature": best,
                "best_nats_per_char": float(at_best.costs_nats.mean()),
                "best_expected_calibration_error": calibration_error(reliability(at_best, self.bins)),
            }
            summary.append(list(record.values()))
            records.append(record | {"mix": subject.model.is_mixed, "bins": [vars(each) for each in bins]})
            tables.append(_table(subject, bins, len(subjects) == 1))
            series[f"{subject.run}, {subject.text_name}"] = _points(bins)
            if not 1.01 * LOWEST < best < HIGHEST / 1.01:
                notes.append(f"{subject.run}: the loss still falls at the last temperature tried, {best:g}")
        curve = Curve("Reliability", "confidence", "accuracy", series)
        columns = [Column("model"), text_column(subjects), *SUMMARY]
        title = subjects[0].title if len(subjects) == 1 else "Calibration"
        tables = [Table(title, columns, summary), *tables]
        return EvalResult(records, tables, notes, [curve], explanation=[RULE], legend=legend_of(subjects))


def outcomes_of(
    model: LanguageModel, text: EncodedText, pool: ThreadPool, progress: Progress
) -> Callable[[float], Outcomes]:
    """A function that reads a text at a temperature.

    Raises:
        CorpusError: the text has fewer than two known characters.
    """
    ids, _ = model.read(text)
    if len(ids) < 2:
        raise CorpusError("calibration needs a text with two characters that the model knows: give another")

    def outcomes_at(temperature: float) -> Outcomes:
        return _outcomes(model, ids[:-1], ids[1:], 1 / temperature, pool, progress)

    return outcomes_at


def _outcomes(
    model: LanguageModel, x_N: TokenIds, y_N: TokenIds, inverse: float, pool: ThreadPool, progress: Progress
) -> Outcomes:
    from charlm.inference.unroll import read_text
    from charlm.nn.readout import check_numbers

    costs_nats, slopes, curvatures, confidences = np.empty((4, len(y_N)))
    found = Outcomes(costs_nats, slopes, curvatures, confidences, np.empty(len(y_N), np.bool_))

    def add(window: Window, logits_TBV: Floats, columns: slice) -> None:
        own_TB = window.is_own_TB[:, columns]
        places = window.places_TB[:, columns][own_TB]
        z_NV = logits_TBV[:, columns][own_TB].astype(np.float64)
        z_NV -= z_NV.max(axis=1, keepdims=True)
        z_N = z_NV[np.arange(len(places)), y_N[places]]
        p_NV = np.exp(inverse * z_NV)
        partition_N = p_NV.sum(axis=1)
        p_NV /= partition_N[:, None]
        mean_N = (p_NV * z_NV).sum(axis=1)
        found.costs_nats[places] = np.log(partition_N) - inverse * z_N
        found.slopes[places] = mean_N - z_N
        found.curvatures[places] = (p_NV * (z_NV - mean_N[:, None]) ** 2).sum(axis=1)
        found.confidences[places] = p_NV.max(axis=1)
        found.right[places] = z_NV.argmax(axis=1) == y_N[places]

    network = model.open(pool)
    network.begin(1)
    for window, outputs in read_text(network, x_N, model.vocabulary.end):
        logits_TBV = outputs.logits()
        pool.run_columns(logits_TBV.shape[1], partial(add, window, logits_TBV))
        progress(min(window.steps_done, len(y_N)), len(y_N))
    check_numbers(found.costs_nats)
    return found


def best_temperature(outcomes_at: Callable[[float], Outcomes]) -> float:
    """The temperature from LOWEST to HIGHEST with the least loss."""
    inverse, low, high = 1.0, 1 / HIGHEST, 1 / LOWEST
    for _ in range(MAX_PASSES):
        outcomes = outcomes_at(1 / inverse)
        slope, curvature = float(outcomes.slopes.mean()), float(outcomes.curvatures.mean())
        if slope == 0:
            break
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        newton = inverse - slope / curvature if curvature > 0 else math.inf
        before, inverse = inverse, newton if low < newton < high else math.sqrt(low * high)
        if abs(inverse - before) < TOLERANCE * before:
            break
    return 1 / inverse


def reliability(outcomes: Outcomes, bins: int) -> list[Bin]:
    """The reliability diagram: bins (low, high] of equal width."""
    numbers = np.clip(np.ceil(outcomes.confidences * bins).astype(np.intp) - 1, 0, bins - 1)
    counts = np.bincount(numbers, minlength=bins)
    confidences = np.bincount(numbers, weights=outcomes.confidences, minlength=bins)
    right = np.bincount(numbers, weights=outcomes.right, minlength=bins)
    return [
        Bin(
            number / bins,
            (number + 1) / bins,
            int(count),
            float(confidences[number] / count) if count else None,
            float(right[number] / count) if count else None,
        )
        for number, count in enumerate(counts)
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error.

    >>> calibration_error([Bin(0, 0.5, 1, 0.5, 0.0), Bin(0.5, 1, 3, 0.75, 1.0)])
    0.3125
    """
    gaps = [each.characters * abs(each.gap) for each in bins if each.gap is not None]
    return sum(gaps) / sum(each.characters for each in bins)


def _points(bins: Sequence[Bin]) -> tuple[list[float], list[float]]:
    points = [(each.mean_probability, each.share_right) for each in bins]
    return [x for x, _ in points if x is not None], [y for _, y in points if y is not None]


def _table(subject: EvalCase, bins: Sequence[Bin], is_only: bool) -> Table:
    rows = [
        (f"{own.low:.3f} to {own.high:.3f}", own.characters, own.mean_probability, own.share_right, own.gap)
        for own in bins
    ]
    return Table("Reliability" if is_only else f"Reliability of {subject.title}", COLUMNS, rows, subject.keys)
