"""Print results as tables or JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from charlm.base.files.atomic import write_atomically
from charlm.base.tables import Column, Table
from charlm.cli.display.colors import print_colored
from charlm.cli.display.curves import print_curves
from charlm.cli.display.page import make_page
from charlm.cli.output import escape_for, print_json, write_note, write_text
from charlm.evaluate.base import EvalResult

WIDTH = 200  # columns if standard output is not a terminal
UNBOUNDED = 10_000  # columns, to measure an unfolded table
LARGE = 1e12  # from here on numbers are in scientific notation


def print_findings(findings: EvalResult, as_json: bool) -> None:
    """Print the results of a measurement."""
    if as_json:  # every object has the notes: lines are sorted, filtered and read one by one
        for record in findings.records:
            print_json(record | {"notes": findings.notes})
        return
    for text in findings.colored:
        print_colored(text)
    for table in findings.tables:
        print_table(table)
    print_curves(findings.curves)
    for note in findings.notes:
        write_text(f"note: {note}\n")


def save_findings(findings: EvalResult) -> None:
    """Write the files of a measurement.

    Raises:
        RunError: a system error.
    """
    pages = {path: make_page(texts) for path, texts in findings.pages.items()}
    for path, text in (pages | dict(findings.files)).items():
        write_atomically(Path(path), text.encode())
        write_note(f"wrote {path}")


def print_table(table: Table) -> None:
    """Print a table that fits the terminal."""
    drawn = RichTable(title=_cell(table.title), title_justify="left")
    for number, column in enumerate(table.columns):
        is_number = all(isinstance(row[number], int | float | None) for row in table.rows)
        drawn.add_column(_cell(column.heading), justify="right" if is_number else "left", overflow="fold")
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        drawn.add_row(*(_cell(_format(column, value)) for column, value in cells))
    is_terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if is_terminal else WIDTH)
    unbounded = console.options.update_width(UNBOUNDED)
    is_too_wide = is_terminal and console.measure(drawn, options=unbounded).maximum > console.width
    console.print(_turn(table) if is_too_wide and len(table.columns) > 2 else drawn)


def _turn(table: Table) -> RichTable:
    """A table with a line per value."""
    drawn = RichTable(title=_cell(table.title), title_justify="left", show_header=False)
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for row in table.rows:
        for column, value in zip(table.columns, row, strict=True):
            drawn.add_row(_cell(column.heading), _cell(_format(column, value)))
        drawn.add_section()
    return drawn


def print_profile(seconds: Mapping[str, float], steps: int) -> None:
    """Print the times of a step's parts."""
    whole = sum(seconds.values())
    drawn = RichTable(title="Where a step's time went", title_justify="left")
    for heading in ("activity", "ms a step", "share"):
        drawn.add_column(heading, justify="left" if heading == "activity" else "right")
    for activity, spent in seconds.items():
        drawn.add_row(activity, f"{1000 * spent / max(steps, 1):.2f}", f"{spent / whole:.1%}")
    Console(stderr=True, highlight=False).print(drawn)


def _cell(text: str) -> Text:
    """A cell's text, escaped on terminals."""
    return Text(escape_for(sys.stdout, text))


def _format(column: Column, value: Any) -> str:
    if value is None:
        return "-"
    return format(value, ".4e" if isinstance(value, float) and abs(value) >= LARGE else column.format)
