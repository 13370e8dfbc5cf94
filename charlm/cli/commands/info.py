"""Show one run: its data, model, settings and result.

Without --all, a short page; in a pipe, a table of names and values. With --csv and --markdown, the validations of
the training log.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.base.errors import UsageError
from charlm.base.tables import Column, Table
from charlm.base.timing import format_seconds
from charlm.cli.options import OneRun
from charlm.cli.output import print_json, terminal_width, write_note, write_text
from charlm.cli.table_options import TableOptions, prints_tables

if TYPE_CHECKING:
    from charlm.runs.run import Run

PLACE = ("Look", 2)
MOST_ROWS = 5  # of the training log


@prints_tables(json="Print one JSON object.", without=("explain", "wide"))
def command(
    how: TableOptions,
    run: OneRun = None,
    all: Annotated[bool, typer.Option("--all", help="Show all settings, parameters and validations.")] = False,
    as_command: Annotated[
        bool, typer.Option("--as-command", help="Print the command that repeats the run.")
    ] = False,
    as_toml: Annotated[
        bool, typer.Option("--as-toml", help="Print the settings as a file for charlm train --config.")
    ] = False,
) -> None:
    from charlm.cli.pick import pick_run
    from charlm.training.repeat import list_doubts, make_command, make_toml

    if sum((as_command, as_toml, all, how.json, how.csv, how.markdown)) > 1:
        raise UsageError("--all, --as-command, --as-toml, --csv, --markdown and --json exclude each other")
    found = pick_run(run)
    if as_command or as_toml:
        for doubt in list_doubts(found):
            write_note(f"note: {doubt}")
        write_text(make_toml(found) if as_toml else make_command(found) + "\n")
    elif how.json:
        print_json(_make_record(found))
    else:
        _print_page(found, how, all)


def _make_record(run: Run) -> dict[str, Any]:
    from charlm.runs.manage import read_note
    from charlm.runs.status import find_status

    status = find_status(run)
    return {
        "run": str(run.folder),
        "corpus": run.corpus.to_json(),
        "origin": None if run.origin is None else run.origin.to_json(),
        "training": run.config.to_json(),
        "symbols": len(run.vocabulary),
        "rare_characters": list(run.vocabulary.rare),
        "parameters": {name: list(shape) for name, shape in run.network.shapes.items()},
        "metrics": run.read_metrics(),
        "state": status.state,
        "saved_at": status.saved_at,
        "note": read_note(run.folder),
    }


def _print_page(run: Run, how: TableOptions, is_all: bool) -> None:
    from charlm.cli.display.facts import draw_facts, join_ends
    from charlm.cli.display.run_facts import collect_facts, describe_state
    from charlm.cli.display.tables import print_tables

    facts, name = collect_facts(run, how.is_drawn), str(run.folder)
    log = _make_log(run, run.read_metrics())
    if how.csv or how.markdown:
        print_tables([log], how)
        return
    if not how.is_drawn:
        rows = [
            *{"Run": name, "State": describe_state(run), **facts}.items(),
            *(_list_details(run) if is_all else ()),
        ]
        print_tables([Table("", (Column("name"), Column("value")), rows)], how)
        return
    details = [_make_settings(run), _make_parameters(run)] if is_all else []
    width = terminal_width(sys.stdout)
    title = join_ends(f"{run.name}   {describe_state(run)}", name, width)
    write_text("\n".join([*title, "", *draw_facts(facts, width), ""]) + "\n")
    shown = log if is_all else Table("", log.columns, _choose_rows(log.rows))
    more = "" if is_all else f"All settings: charlm info {run.name} --all. "
    print_tables([*details, shown], how, see_also=f"{more}Curve: charlm plot {run.name}")


def _make_log(run: Run, records: Sequence[Mapping[str, Any]]) -> Table:
    loss, best = run.config.task.kind.loss, run.summarize().best.get("step")
    names = ["step", "epoch", "seconds", f"train_{loss}", f"val_{loss}"]
    others = (name for record in records for name in record if name.startswith("val_"))
    figures = [name for name in dict.fromkeys(others) if name not in names]
    columns = (
        Column("step", ",d"),
        Column("epoch", ".1f"),
        Column("time", format_seconds, name="seconds"),
        Column("train loss", ".3f"),
        Column("val loss", ".3f"),
        *(Column(name.replace("_", " "), ".4f", rank=1) for name in figures),
        Column("", name="best"),
    )
    rows = [
        [*(record.get(name) for name in (*names, *figures)), "best" if record.get("step") == best else ""]
        for record in records
    ]
    return Table("Training log", columns, rows)


def _choose_rows(rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """A few rows over the length of the log, and the best; the untrained network only where there is no other."""
    rows = [row for row in rows if row[0]] or rows
    places = {round(place * (len(rows) - 1) / (MOST_ROWS - 1)) for place in range(MOST_ROWS)}
    return [row for place, row in enumerate(rows) if place in places or row[-1]]


def _list_details(run: Run) -> list[tuple[str, str]]:
    """Settings and shapes of parameters by name."""
    settings = [(f"{group}.{name}", value) for group, name, value in _make_settings(run).rows]
    return [*settings, *((name, shape) for name, shape, _ in _make_parameters(run).rows)]


def _make_settings(run: Run) -> Table:
    rows = [
        (group, name, "" if value is None else str(value))
        for group, settings in run.config.to_json().items()
        for name, value in settings.items()
    ]
    return Table("Settings", (Column("group"), Column("setting"), Column("value")), rows)


def _make_parameters(run: Run) -> Table:
    rows = [(name, " x ".join(map(str, shape)), math.prod(shape)) for name, shape in run.network.shapes.items()]
    return Table("Parameters", (Column("name"), Column("shape"), Column("count", ",d")), rows)
