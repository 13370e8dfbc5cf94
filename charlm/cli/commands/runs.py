"""List the runs under runs/, oldest first."""

from __future__ import annotations

import sys
from typing import Any

import typer

from charlm.base.errors import RunError
from charlm.base.escape import escape_controls
from charlm.base.tables import Column, Table
from charlm.cli.display.tables import print_tables
from charlm.cli.output import print_json
from charlm.cli.table_options import TableOptions, prints_tables
from charlm.runs.find import list_runs
from charlm.runs.run import Run

PLACE = ("Look", 1)
ALIASES = ("list",)
COLUMNS = {"run": "", "corpus": "", "cell": "", "hidden": "d", "steps": ",d", "seconds": ".1f", "best_val": ".4f"}


@prints_tables(json="Print one JSON object per run.", without=("explain",))
def command(how: TableOptions) -> None:
    folders = list_runs()
    if not folders:
        sys.stderr.write("charlm: there is no run under runs/: make one with charlm train\n")
        return
    records = []
    for folder in folders:
        try:
            records.append(_make_record(folder.name, Run.open(folder)))
        except RunError as error:  # a damaged run does not hide the others
            sys.stderr.write(f"charlm: {escape_controls(str(error))}\n")
    if how.json:
        for record in records:
            print_json(record)
    else:
        rows = [[record[name] for name in COLUMNS] for record in records]
        print_tables([Table("", [Column(name, format) for name, format in COLUMNS.items()], rows)], how)
    if len(records) < len(folders):
        raise typer.Exit(1)


def _make_record(name: str, run: Run) -> dict[str, Any]:
    summary = run.summarize()
    return {
        "run": name,
        "corpus": run.corpus.name,
        "cell": run.config.model.cell,
        "hidden": run.config.model.hidden,
        "steps": summary.steps,
        "seconds": summary.seconds,
        "best_val": summary.best_val_nats_per_char,
    }
