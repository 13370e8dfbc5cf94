"""Context: the loss after reading only k characters (for words: Khandelwal et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.base.progress import Progress
from charlm.base.tables import Column, Curve, Table
from charlm.config import setting
from charlm.evaluate.base import EvalCase, EvalResult, Measurement, beginnings, characters_taken, legend_of
from charlm.evaluate.ngram_levels import max_memory

if TYPE_CHECKING:
    from charlm.base.arrays import TokenIds
    from charlm.engines.base import Network
    from charlm.engines.threads import ThreadPool
    from charlm.inference.scoring import Costs
    from charlm.inference.unroll import Places

TARGETS = 128  # read for at once
COLUMNS = (
    Column("context", ",d"),
    Column("loss", ".3f"),
    Column("bits/char", ".3f"),
    Column("gain", "+.3f"),
    Column("std. error", ".3f", rank=1),
    Column("Kneser-Ney loss", ".3f"),
)

RULE = (
    "every context has the same targets and starts from the initial state; the gain is over the row before, "
    "with its standard error; Kneser-Ney has as many characters of context"
)


@dataclass(frozen=True)
class Context(Measurement):
    """Loss by length of context."""

    longest: int = setting(512, "Longest context; the shorter ones are powers of 2.", low=1)
    places: int = setting(2000, "Positions to predict, evenly spaced over the text.", low=2)
    characters: int = characters_taken(1_000_000)
    max_memory: int = max_memory()

    @property
    def needs_numpy(self) -> bool:
        """Predictions are enough."""
        return False

    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Measure each case."""
        records = []
        tables = []
        curves = []
        notes: list[str] = []
        lengths = context_lengths(self.longest)
        subjects, cuts = beginnings(subjects, self.characters)
        notes += cuts
        for subject in subjects:
            model = subject.model
            ids, is_read = model.read(subject.part)
            places = self._places(ids, subject.text_name)
            costs = [
                costs_after(model.open(pool), ids, places, length, progress, model.vocabulary.end)
                for length in lengths
            ]
            counted = self._kneser_ney(subject, ids, places, notes)
            points = _points(lengths, costs, counted)
            records.append(
                {"run": subject.run, "text": subject.text_name, "targets": len(places)}
                | {"contexts": points, "kneser_ney_nats": counted}
            )
            tables.append(_table(subject, points))
            curves.append(_curve(subject, points, counted))
            if counted is None:
                notes.append(f"no n-grams for {subject.run}: its corpus was not found")
            if not is_read.all():
                notes.append(f"characters of {subject.text_name} that are unknown to {subject.run} are left out")
        return EvalResult(records, tables, notes, curves, explanation=[RULE], legend=legend_of(subjects))

    def _places(self, ids: TokenIds, text_name: str) -> Places:
        """Evenly spaced targets, after the longest context.

        Raises:
            CorpusError: the text is too short.
        """
        room = len(ids) - self.longest
        if room < 2:
            raise CorpusError(
                f"{text_name} has {counted(len(ids), 'known characters')}: for --longest {self.longest} it "
                f"takes {self.longest + 2:,}; give a longer text or a smaller --longest"
            )
        count = min(self.places, room)
        places: Places = self.longest + np.arange(count) * room // count
        return places

    def _kneser_ney(
        self, subject: EvalCase, ids: TokenIds, places: Places, notes: list[str]
    ) -> list[float] | None:
        """The targets' mean losses by order, from 1; None without a corpus."""
        from charlm.evaluate.ngram_levels import levels_of, plan_of
        from charlm.inference.scoring import STRETCH
        from charlm.models.ngram.kneser_ney import KneserNey

        training, end = subject.training, subject.model.vocabulary.end
        if training is None:
            return None
        plan = plan_of(subject, training, None, self.max_memory)
        notes += [] if plan.note is None else [plan.note]
        model = KneserNey.from_levels(levels_of(subject, training, plan.order), end)
        read, found = model.reader(), np.zeros(plan.order)
        for start in range(0, len(ids) - 1, STRETCH):
            x_N, y_N = ids[:-1][start : start + STRETCH], ids[1:][start : start + STRETCH]
            own = places[(places > start) & (places <= start + len(y_N))] - 1 - start
            found += [costs[own].sum() for costs in read(x_N, y_N)[1:]]
        return [float(nats) for nats in found / len(places)]


def context_lengths(longest: int) -> list[int]:
    """The powers of 2 below the longest, and the longest.

    >>> context_lengths(20)
    [1, 2, 4, 8, 16, 20]
    """
    return [*(1 << power for power in range((longest - 1).bit_length())), longest]


def costs_after(
    network: Network, ids: TokenIds, places: Places, length: int, progress: Progress, end: int | None = None
) -> Costs:
    """The loss of each target (N,), in nats, after reading exactly ``length`` characters."""
    from charlm.inference.unroll import reset_marks, windows
    from charlm.nn.readout import check_numbers

    costs_N = np.empty(len(places))

    marks_N = reset_marks(ids, end)
    for start in range(0, len(places), TARGETS):
        rows = slice(start, min(start + TARGETS, len(places)))
        network.begin(rows.stop - start)
        for window in windows(ids, marks_N, places[rows] - length, 0, length):
            outputs = network.read(window.x_TB, window.carry_TB)
        costs_N[rows] = outputs[-1:].nll(ids[None, places[rows]])[0]
        progress(rows.stop, len(places))
    check_numbers(costs_N)
    return costs_N


def _points(lengths: Sequence[int], costs: Sequence[Costs], counted: list[float] | None) -> list[dict[str, Any]]:
    """A record for each context."""
    gains: list[Costs | None] = [None, *(before - after for before, after in pairwise(costs))]
    return [
        {
            "context": length,
            "nats_per_char": float(cost.mean()),
            "gain_nats": None if gain is None else float(gain.mean()),
            "gain_standard_error": None if gain is None else float(gain.std(ddof=1)) / math.sqrt(len(gain)),
            "kneser_ney_nats": counted[length - 1] if counted is not None and length <= len(counted) else None,
        }
        for length, cost, gain in zip(lengths, costs, gains, strict=True)
    ]


def _table(subject: EvalCase, points: Sequence[dict[str, Any]]) -> Table:
    rows = []
    for context, nats, *others in (point.values() for point in points):
        rows.append((context, nats, nats / math.log(2), *others))
    return Table(f"{subject.title}: loss after so many characters of context", COLUMNS, rows, subject.keys)


def _curve(subject: EvalCase, points: Sequence[dict[str, Any]], counted: list[float] | None) -> Curve:
    own = ([math.log2(point["context"]) for point in points], [point["nats_per_char"] for point in points])
    series: dict[str, tuple[Sequence[float], Sequence[float]]] = {subject.run: own}
    if counted is not None:
        series["Kneser-Ney"] = ([math.log2(order) for order in range(1, len(counted) + 1)], counted)
    title = f"Loss of {subject.run} on {subject.text_name}"
    return Curve(title, "context, as a power of 2 characters", "nats/char", series)
