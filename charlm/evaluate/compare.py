"""Comparing runs."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from charlm.base.errors import CharlmError, CorpusError, DivergenceError, MissingCorpusError, UsageError, hinting
from charlm.base.progress import Progress
from charlm.base.tables import PROGRAMS, WIDE, Column, Table
from charlm.base.timing import format_seconds
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalCase, EvalResult
from charlm.evaluate.bootstrap import MeanSeries
from charlm.evaluate.compare_logs import compare_logs
from charlm.evaluate.dynamic import Adaptation, dynamic_scores
from charlm.evaluate.paired import INCLUDES_0, RULE, difference, score_case, text_digest, verdict
from charlm.evaluate.settings_table import (
    find_differing,
    list_settings,
    setting_column,
    summarize_course,
)
from charlm.evaluate.subjects import subjects_of
from charlm.inference.scoring import tally_of
from charlm.runs.find import find_run
from charlm.runs.run import Run

TAKEN = ("parameters", "steps", "seconds", "best_val_bits_per_char")
STATIC = ("bits_per_char", "bits_per_byte")
GAP = ("difference_nats", "difference_low", "difference_high")
DYNAMIC = ("dynamic_bits_per_char", "dynamic_bits_per_byte")
WHAT = (
    "each run is measured with its best weights; next to another split, val loss is the lowest of the training"
    " log; time is that of the training, with validations and checkpoints"
)
HINT = "put its corpus back, or measure it on a text file by charlm eval perplexity"


def compare_runs(
    targets: Sequence[str], split: str, dynamic: bool, pool: ThreadPool, progress: Progress
) -> tuple[EvalResult, list[CharlmError]]:
    """Compare runs, and give the errors of those not measured.

    Raises:
        UsageError: two runs have one name.
        RunError: a run is missing or damaged.
    """
    runs = _find_runs(targets)
    if not any("eval" in run.config.task.commands for run in runs.values()):
        return compare_logs(list(runs.values())), []
    differing = find_differing([list_settings(run) for run in runs.values()])
    outcomes = [_measure(target, run, split, dynamic, pool, progress) for target, run in runs.items()]
    figures = ("text", "unmeasured", *TAKEN, *STATIC, *(DYNAMIC if dynamic else ()), *GAP)
    records = [
        {"run": run.name, "corpus": run.corpus.name, "settings": list_settings(run, differing)}
        | dict.fromkeys(figures)
        | summarize_course(run)
        | outcome.figures
        for run, outcome in zip(runs.values(), outcomes, strict=True)
    ]
    doubts = _notes_on_texts([outcome.subject for outcome in outcomes if outcome.subject is not None])
    measured = zip(runs.values(), outcomes, strict=True)
    series = {run.name: outcome.series for run, outcome in measured if outcome.series is not None}
    said = [] if doubts else _add_differences(records, series)
    columns = [Column("run"), Column("text", rank=0 if doubts else PROGRAMS)]
    columns += [setting_column(name, list(runs.values())) for name in differing]
    columns += _figure_columns(split, dynamic, is_fair=not doubts)
    result = EvalResult(
        records,
        [Table("", columns, [_row(record, split, dynamic) for record in records], rows_as_columns=True)],
        [outcome.note for outcome in outcomes if outcome.note] + doubts + said,
        explanation=[WHAT, *([RULE] if said else []), *([Adaptation().note] if dynamic else [])],
        legend="loss in nats/char",
        see_also=f"Plot: charlm plot {shlex.join(targets)}",
    )
    return result, [outcome.fault for outcome in outcomes if outcome.fault is not None]


@dataclass(frozen=True)
class _Outcome:
    """What measuring a run gave: its figures on a text, or why there are none."""

    figures: dict[str, Any]
    note: str = ""
    subject: EvalCase | None = None
    series: MeanSeries | None = None
    fault: CharlmError | None = None


def _find_runs(targets: Sequence[str]) -> dict[str, Run]:
    """The runs by what they were called, each of a name of its own."""
    runs = {target: find_run(target) for target in targets}
    names = [run.name for run in runs.values()]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two of the runs are called {name}: rename the folder of one")
    return runs


def _measure(target: str, run: Run, split: str, dynamic: bool, pool: ThreadPool, progress: Progress) -> _Outcome:
    """Measure a run; one that cannot be measured does not hide the others."""
    if "eval" not in run.config.task.commands:
        best = run.summarize().best_val_nats_per_char
        shown = "none" if best is None else f"{best:.3f} {run.config.task.kind.loss_unit()}"
        return _Outcome({}, f"{run.name} is of --task {run.config.task.task}; its best val loss is {shown}")
    try:
        with hinting(HINT, MissingCorpusError, UsageError):
            (subject,) = subjects_of([target], split)
        figures, series = _figures(subject, dynamic, pool, progress)
        return _Outcome(figures, subject=subject, series=series)
    except (CorpusError, DivergenceError, UsageError) as error:
        return _Outcome({"unmeasured": str(error)}, f"{run.name} is not measured: {error}", fault=error)


def _figures(
    subject: EvalCase, dynamic: bool, pool: ThreadPool, progress: Progress
) -> tuple[dict[str, Any], MeanSeries]:
    """A run's losses on its text: their means, and character by character."""
    model, part = subject.model, subject.part
    metrics, series = score_case(subject, pool, progress)
    figures: dict[str, Any] = {"text": subject.text_name, **asdict(metrics)}
    if dynamic and subject.training is not None:
        found = asdict(tally_of(dynamic_scores(model, part, subject.training, Adaptation(), progress)).figures)
        figures |= {name: found[name.removeprefix("dynamic_")] for name in DYNAMIC}
    return figures, series


def _add_differences(records: Sequence[dict[str, Any]], series: Mapping[str, MeanSeries]) -> list[str]:
    """Add each run's difference to the best, on the same text, and give what can be said of it."""
    if len(series) < 2:
        return []
    best = min(series, key=lambda name: series[name].mean)
    gaps = {name: difference([([own], [series[best]])]) for name, own in series.items() if name != best}
    for record in records:
        if gap := gaps.get(record["run"]):
            record |= dict(zip(GAP, (gap.nats, gap.low, gap.high), strict=True))
    return [verdict(best, {name: "" if gap.is_clear else INCLUDES_0 for name, gap in gaps.items()})]


def _notes_on_texts(subjects: Sequence[EvalCase]) -> list[str]:
    """What does not compare because texts or units differ."""
    texts = {text_digest(subject.part) for subject in subjects}
    if len(texts) > 1:
        return [
            "the runs are measured on different texts: compare bits/byte, and bear in mind that one text may be "
            "harder than another"
        ]
    if len({len(subject.part) for subject in subjects}) > 1:
        return ["the runs read the text in different units: compare bits/byte"]
    return []


def _figure_columns(split: str, dynamic: bool, is_fair: bool) -> list[Column]:
    """What runs took, and their losses; these are ranked where the text and its units are the same."""
    loss, byte_rank = partial(Column, format=".3f", lowest_is_best=is_fair), WIDE if is_fair else 0
    columns = [
        Column("parameters", ",d", rank=2),
        Column("steps taken", ",d", WIDE),
        Column("time", format_seconds, rank=3, name="seconds"),
    ]
    for kind in (["val"] if split != "val" else []) + [split, *([f"dynamic {split}"] if dynamic else [])]:
        columns += [loss(f"{kind} loss"), loss(f"{kind} bits/char", rank=4)]
        columns += (
            []
            if kind != split and not kind.startswith("dynamic")
            else [loss(f"{kind} bits/byte", rank=byte_rank)]
        )
    columns.append(Column("to best, 95% CI", ".3f", rank=5, is_interval=True))
    return columns


def _row(record: dict[str, Any], split: str, dynamic: bool) -> list[Any]:
    """A run's values, in the order of the columns."""
    values = [record["run"], record["text"], *record["settings"].values()]
    values += [record[name] for name in ("parameters", "steps", "seconds")]
    if split != "val":
        values += _in_both_units(record["best_val_bits_per_char"])
    values += [*_in_both_units(record[STATIC[0]]), record[STATIC[1]]]
    if dynamic:
        values += [*_in_both_units(record[DYNAMIC[0]]), record[DYNAMIC[1]]]
    _, low, high = (record[name] for name in GAP)
    return [*values, None if low is None else (low, high)]


def _in_both_units(bits: float | None) -> list[float | None]:
    """A loss in nats and in bits."""
    return [None if bits is None else bits * math.log(2), bits]
