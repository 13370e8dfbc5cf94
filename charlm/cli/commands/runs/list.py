"""List the runs under runs/, oldest first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from charlm.base.errors import CharlmError
from charlm.base.tables import PROGRAMS, WIDE, Column, Table
from charlm.base.timing import format_date, format_seconds
from charlm.cli.output import print_json, write_note
from charlm.cli.table_options import TableOptions, prints_tables

if TYPE_CHECKING:
    from charlm.runs.run import Run

ALIASES = ("ls",)

SHORT_STATES = {"interrupted": "int.", "finished": "", "weights": "saved"}
ORDERS = {"loss": "best_val", "name": "run", "steps": "steps", "time": "seconds"}


@prints_tables(json="Print one JSON object per run.", without=("explain",))
def command(
    how: TableOptions,
    sort: Annotated[
        Literal["date", "loss", "name", "steps", "time"],
        typer.Option(metavar="date|loss|name|steps|time", help="Order; date: the newest last."),
    ] = "date",
) -> None:
    from charlm.cli.display.tables import print_tables
    from charlm.runs.find import list_runs
    from charlm.runs.run import Run

    folders = list_runs()
    if not folders:
        write_note("charlm: there is no run under runs/: make one with charlm train")
        return
    records = []
    for folder in folders:
        try:
            records.append(_make_record(folder.name, Run.open(folder)))
        except CharlmError as error:  # a damaged run does not hide the others
            write_note(f"charlm: {error}")
    if sort in ORDERS:
        records.sort(key=lambda record: (record[ORDERS[sort]] is None, record[ORDERS[sort]]))
    if how.json:
        for record in records:
            print_json({name: value for name, value in record.items() if name not in ("network", "unit")})
    else:
        print_tables([_make_table(records)], how, see_also=_describe_list(records))
    if len(records) < len(folders):
        raise typer.Exit(1)


def _make_record(name: str, run: Run) -> dict[str, Any]:
    from charlm.cli.display.describe import find_unit, short_network
    from charlm.runs.manage import read_note
    from charlm.runs.status import find_status

    summary, status, model = run.summarize(), find_status(run), run.config.model
    return {
        "run": name,
        "corpus": run.corpus.name,
        "cell": model.cell,
        "hidden": model.hidden,
        "steps": summary.steps,
        "seconds": summary.seconds,
        "best_val": summary.best_val_nats_per_char,
        "state": status.state,
        "saved_at": status.saved_at,
        "parameters": sum(map(math.prod, run.network.shapes.values())),
        "note": read_note(run.folder),
        "network": short_network(model),
        "unit": find_unit(run.config.task.kind, run.config.corpus.bytes),
    }


def _make_table(records: list[dict[str, Any]]) -> Table:
    units = {record["unit"] for record in records}
    unit = units.pop() if len(units) == 1 else "char"
    has_note = any(record["note"] for record in records)
    has_state = any(map(_shorten_state, [record["state"] for record in records]))
    columns = (
        Column("run"),
        Column("text", rank=2),
        Column("model", rank=1),
        Column("steps", ",d", rank=3),
        Column("time", format_seconds, rank=4, name="seconds"),
        Column("val loss", ".3f"),
        Column(f"val bits/{unit}", ".2f", rank=5),
        Column("parameters", ",d", WIDE),
        Column("saved", format_date, WIDE, name="saved at"),
        Column("state", _shorten_state, rank=0 if has_state else PROGRAMS),
        Column("note", rank=6 if has_note else PROGRAMS),
    )
    rows = [
        [
            *(record[name] for name in ("run", "corpus", "network", "steps", "seconds", "best_val")),
            _find_bits(record),
            *(record[name] for name in ("parameters", "saved_at", "state", "note")),
        ]
        for record in records
    ]
    return Table("", columns, rows)


def _find_bits(record: dict[str, Any]) -> float | None:
    from charlm.cli.display.describe import TEXT_UNITS

    loss = record["best_val"]
    return None if loss is None or record["unit"] not in TEXT_UNITS else loss / math.log(2)


def _shorten_state(state: str) -> str:
    return SHORT_STATES.get(state, state)


def _describe_list(records: list[dict[str, Any]]) -> str:
    texts = [f"{len(records):,} run{'' if len(records) == 1 else 's'}"]
    if any(record["state"] == "interrupted" for record in records):
        texts.append('"int.": interrupted, charlm train --resume NAME')
    if len(records) > 1:
        texts.append("--sort loss")
    return ". ".join(texts)
