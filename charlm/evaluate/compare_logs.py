"""Comparing runs of tasks that give labels or other answers, by the best validations of their training logs."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from charlm.base.tables import Column, Table
from charlm.base.timing import format_seconds
from charlm.evaluate.base import EvalResult
from charlm.evaluate.settings_table import find_differing, list_settings, setting_column, summarize_course
from charlm.runs.find import find_run
from charlm.runs.run import Run

WHAT = "the figures are those of each run's best validation, on the validation split of its own corpus"
SEEDS = "figures are means over the seeds of each run's best validation; deviation is that of the loss (n - 1)"
ERRORS = ("accuracy", "f1", "r2")
"""The ends of names of figures of which more is better."""


def compare_logs(runs: Sequence[Run]) -> EvalResult:
    """Compare runs by what their logs say."""
    differing = find_differing([list_settings(run) for run in runs])
    bests = [run.summarize().best for run in runs]
    own = {f"val_{run.config.task.kind.loss}" for run in runs}
    shared = [name for name in bests[0] if name.startswith("val_") and all(name in best for best in bests)]
    figures = [*(name for name in shared if name in own), *(name for name in shared if name not in own)]
    records: list[dict[str, Any]] = [
        {"run": run.name, "corpus": run.corpus.name, "settings": list_settings(run, differing)}
        | {name: value for name, value in summarize_course(run).items() if not name.startswith("best")}
        | {name: best.get(name) for name in figures}
        for run, best in zip(runs, bests, strict=True)
    ]
    is_fair = len({run.corpus.sha256 for run in runs}) == 1 and "seed" not in differing
    columns = [Column("run"), *(setting_column(name, runs) for name in differing)]
    columns += [Column("parameters", ",d", rank=2), Column("time", format_seconds, rank=3, name="seconds")]
    columns += [_figure_column(name, name in own, is_fair) for name in figures]
    rows = [
        [record["run"], *record["settings"].values(), record["parameters"], record["seconds"]]
        + [record[name] for name in figures]
        for record in records
    ]
    units = dict.fromkeys(run.config.task.kind.loss_unit() for run in runs)
    differ = "the runs are of different tasks: their losses do not compare"
    return EvalResult(
        records,
        [Table("", columns, rows, rows_as_columns=True)],
        [differ] if len(units) > 1 else [] if is_fair else ["the runs were validated on different examples"],
        explanation=[WHAT],
        legend=f"loss in {next(iter(units))}" if len(units) == 1 else "",
        see_also=f"Plot: charlm plot {shlex.join(run.name for run in runs)}",
    )


def compare_group_logs(
    groups: Mapping[str, Mapping[int, str]], settings: Mapping[str, Mapping[str, Any]]
) -> EvalResult:
    """Compare groups of runs, such as the seeds of one setting, by the means of what their logs say.

    Args:
        groups: the runs of each by their seeds, all of one corpus and task.
        settings: of each group, what tells it from the others.
    """
    bests = {name: [find_run(run).summarize().best for run in own.values()] for name, own in groups.items()}
    kind = find_run(next(iter(next(iter(groups.values())).values()))).config.task.kind
    loss = f"val_{kind.loss}"
    first = next(iter(bests.values()))[0]
    figures = [loss, *(name for name in first if name.startswith("val_") and name != loss)]
    records: list[dict[str, Any]] = [
        {"settings": dict(settings[name]), "runs": list(groups[name].values())}
        | {figure: statistics.fmean(best[figure] for best in own) for figure in figures}
        | {"deviation": statistics.stdev(best[loss] for best in own) if len(own) > 1 else None}
        for name, own in bests.items()
    ]
    columns = [Column(name.replace("_", " "), name=name) for name in next(iter(settings.values()), {})]
    columns += [Column("runs", "d", rank=2), _figure_column(loss, True, True), Column("deviation", ".3f", rank=1)]
    columns += [_figure_column(name, False, True) for name in figures[1:]]
    rows = [
        [*record["settings"].values(), len(record["runs"]), record[loss], record["deviation"]]
        + [record[name] for name in figures[1:]]
        for record in records
    ]
    return EvalResult(
        records, [Table("", columns, rows)], [], explanation=[SEEDS], legend=f"loss in {kind.loss_unit()}"
    )


def _figure_column(name: str, is_loss: bool, is_fair: bool) -> Column:
    """A figure's column; the loss, and errors, are best where they are lowest."""
    if is_loss:
        return Column("val loss", ".3f", name=name, lowest_is_best=is_fair)
    return Column(name.replace("_", " "), ".4f", name=name, lowest_is_best=is_fair and not name.endswith(ERRORS))
