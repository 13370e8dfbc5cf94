"""Units: how well each hidden unit alone tells what the text is in (Karpathy, Johnson & Li 2015).

The AUC (Hanley & McNeil 1982): the chance that a unit is higher at a random character inside than at one outside;
0.5 is chance. The best unit is chosen on the first half of the text and measured on the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.tables import Column, Curve, Table
from charlm.config import setting
from charlm.evaluate.base import EvalCase, EvalResult, Measurement, beginnings, characters_taken

if TYPE_CHECKING:
    from charlm.base.arrays import Floats
    from charlm.engines.threads import ThreadPool

LEAST = 20  # characters inside, and outside, in each half of the text
LINE = "position in the line"

Scores = npt.NDArray[np.float64]

COLUMNS = (
    Column("the text is"),
    Column("share", ".1%"),
    Column("best unit"),
    Column("AUC", ".3f"),
    Column("untrained", ".3f"),
)


@dataclass(frozen=True)
class Followed:
    """How well the S units of a network follow a property of the text.

    Attributes:
        scores: each unit's AUC, or rank correlation (S,), over the whole text.
        unit: the best on the first half.
        score: its AUC or correlation on the second half.
    """

    scores: Scores
    unit: int
    score: float


@dataclass(frozen=True)
class Units(Measurement):
    """What each hidden unit tells: quotes, capitals, line position."""

    seed: int = setting(1, "Seed of the untrained network's weights.", low=0, high=2**63 - 1)
    characters: int = characters_taken(50_000)

    def measure(self, subjects: Sequence[EvalCase], pool: ThreadPool, progress: Progress) -> EvalResult:
        """Follow each unit through each subject's text."""
        records: list[dict[str, Any]] = []
        tables, curves = [], []
        subjects, notes = beginnings(subjects, self.characters)
        for number, subject in enumerate(subjects):

            def advance(done: float, number: int = number) -> None:
                progress(round(100 * (number + done)), 100 * len(subjects))

            found = self._follow(subject, pool, advance)
            records.append(_record(subject, found))
            tables.append(_table(subject, found))
            curves.append(_curve(subject, found))
        rule = (
            f"the last row is a rank correlation, the others AUC (0.5 is chance); the best unit is chosen on the "
            f"first half of the text and measured on the second; under {LEAST} characters in a half: not measured"
        )
        return EvalResult(records, tables, notes, curves, explanation=[rule])

    def _follow(self, subject: EvalCase, pool: ThreadPool, advance: Any) -> dict[str, _Property]:
        from charlm.evaluate.hidden_units import read_units
        from charlm.models.char_rnn import Model

        trained = subject.model.network
        untrained = Model(trained.config, trained.vocab_size)
        untrained.initialize(make_generator(self.seed, "initialise"))
        x_N, is_read_N = subject.model.read(subject.part)
        properties = _properties(subject.shown, is_read_N)
        for done, network in enumerate((trained, untrained)):
            ranks_SN = _ranked(read_units(network, x_N, subject.model.vocabulary.end, pool), pool)
            for each in properties.values():
                each.networks.append(_followed(ranks_SN, each))
            advance((done + 1) / 2)
        return properties


@dataclass(frozen=True)
class _Property:
    """A property of N characters, as marks or numbers, and what two networks' units tell of it."""

    values_N: npt.NDArray[Any]
    networks: list[Followed | None]

    @property
    def is_mark(self) -> bool:
        return self.values_N.dtype == np.bool_


def _properties(text: str, is_read_N: npt.NDArray[np.bool_]) -> dict[str, _Property]:
    from charlm.evaluate.marks import MARKS, line_columns

    found = {name: _Property(mark(text)[is_read_N], []) for name, mark in MARKS.items()}
    return found | {LINE: _Property(line_columns(text)[is_read_N], [])}


def _ranked(units_SN: Floats, pool: ThreadPool) -> list[npt.NDArray[Any]]:
    """Each unit's ranks in the first half of the text, the second, and the whole; ties have their mean rank."""
    from charlm.evaluate.hidden_units import mean_ranks

    half = units_SN.shape[1] // 2
    found = []
    for part_SN in (units_SN[:, :half], units_SN[:, half:], units_SN):
        ranks_SN = np.empty(part_SN.shape, np.float32)

        def rank(rows: slice, part_SN: Floats = part_SN, ranks_SN: npt.NDArray[Any] = ranks_SN) -> None:
            for row, ranks_N in zip(part_SN[rows], ranks_SN[rows], strict=True):
                ranks_N[:] = mean_ranks(row)

        pool.run_columns(len(part_SN), rank)
        found.append(ranks_SN)
    return found


def _followed(ranks: Sequence[npt.NDArray[Any]], each: _Property) -> Followed | None:
    """The units' scores; None where a half of the text has too few characters inside or outside."""
    half = ranks[0].shape[1]
    halves = each.values_N[:half], each.values_N[half:]
    least = min(min(int(part.sum()), int((~part).sum())) for part in halves) if each.is_mark else half
    if least < LEAST or any(np.ptp(part) == 0 for part in halves if not each.is_mark):
        return None
    score = _auc if each.is_mark else _correlation
    chance = 0.5 if each.is_mark else 0.0
    first, second, whole = (
        score(ranks_SN, part) for ranks_SN, part in zip(ranks, (*halves, each.values_N), strict=True)
    )
    best = int(np.abs(first - chance).argmax())
    return Followed(whole, best, float(second[best]))


def _auc(ranks_SN: npt.NDArray[Any], marks_N: npt.NDArray[np.bool_]) -> Scores:
    """Each unit's area under the ROC curve (S,), from the rank sum (Mann & Whitney 1947)."""
    inside = int(marks_N.sum())
    sums_S = ranks_SN[:, marks_N].sum(axis=1, dtype=np.float64)
    aucs_S: Scores = (sums_S - inside * (inside + 1) / 2) / (inside * (len(marks_N) - inside))
    return aucs_S


def _correlation(ranks_SN: npt.NDArray[Any], values_N: npt.NDArray[Any]) -> Scores:
    """Each unit's rank correlation (S,) (Spearman 1904); 0 for a unit that never changes."""
    from charlm.evaluate.hidden_units import mean_ranks

    theirs_N = mean_ranks(values_N)
    theirs_N -= theirs_N.mean()
    own_SN = ranks_SN - ranks_SN.mean(axis=1, keepdims=True, dtype=np.float64)
    sizes_S = np.sqrt((own_SN * own_SN).sum(axis=1) * (theirs_N @ theirs_N))
    products_S = own_SN @ theirs_N
    found_S: Scores = np.divide(products_S, sizes_S, out=np.zeros(len(own_SN)), where=sizes_S > 0)
    return found_S


def _record(subject: EvalCase, found: dict[str, _Property]) -> dict[str, Any]:
    """A subject's figures; ``scores`` in the order of ``units``."""
    from charlm.evaluate.hidden_units import unit_count, unit_name

    model = subject.model.network
    properties = []
    for name, each in found.items():
        values: dict[str, Any] = {
            "property": name,
            "measure": "auc" if each.is_mark else "rank_correlation",
            "share": float(each.values_N.mean()) if each.is_mark else None,
        }
        for prefix, own in zip(("", "untrained_"), each.networks, strict=True):
            values[f"{prefix}unit"] = None if own is None else unit_name(model, own.unit)
            values[f"{prefix}score"] = None if own is None else own.score
        trained = each.networks[0]
        properties.append(values | {"scores": None if trained is None else trained.scores.round(4).tolist()})
    units = [unit_name(model, unit) for unit in range(unit_count(model))]
    return {"run": subject.run, "text": subject.text_name, "units": units, "properties": properties}


def _table(subject: EvalCase, found: dict[str, _Property]) -> Table:
    from charlm.evaluate.hidden_units import unit_name

    rows = []
    for name, each in found.items():
        trained, untrained = each.networks
        rows.append(
            [
                name,
                float(each.values_N.mean()) if each.is_mark else None,
                None if trained is None else unit_name(subject.model.network, trained.unit),
                None if trained is None else trained.score,
                None if untrained is None else untrained.score,
            ]
        )
    return Table(f"Units of {subject.title}", COLUMNS, rows, subject.keys)


def _curve(subject: EvalCase, found: dict[str, _Property]) -> Curve:
    """How strongly each unit follows each property, the strongest first."""
    series = {}
    for name, each in found.items():
        if each.networks[0] is not None:
            scores_S = each.networks[0].scores
            strengths_S = np.abs(2 * scores_S - 1) if each.is_mark else np.abs(scores_S)
            strengths = np.sort(strengths_S)[::-1].tolist()
            series[name] = ([float(place) for place in range(1, len(strengths) + 1)], strengths)
    title = f"Units of {subject.run} on {subject.text_name}"
    return Curve(title, "units, the best first", "|2 AUC - 1|, or |correlation|", series)
