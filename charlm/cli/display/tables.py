"""Drawing what was found: tables, curves and notes for people, JSON lines for programs."""

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
from charlm.cli.display.colors import print_coloured
from charlm.cli.display.curves import print_curves
from charlm.cli.display.page import page_of
from charlm.cli.output import for_stream, print_json, write_text
from charlm.evaluate.base import EvalResult

WIDTH = 200  # columns where standard output is no terminal
UNBOUNDED = 10_000  # columns, to measure a table that nothing folds
LARGE = 1e12  # from here on a number's size says more than its digits


def print_findings(findings: EvalResult, as_json: bool) -> None:
    """Show what a measurement found, on standard output.

    As JSON, every object has the notes beside its figures: lines are sorted, filtered and read one by one.
    """
    if as_json:
        for record in findings.records:
            print_json(record | {"notes": findings.notes})
        return
    for text in findings.colored:
        print_coloured(text)
    for table in findings.tables:
        print_table(table)
    print_curves(findings.curves)
    for note in findings.notes:
        write_text(f"note: {note}\n")


def save_findings(findings: EvalResult) -> None:
    """Write the files that a measurement was asked for, and name them on standard error.

    Raises:
        RunError: the system refuses.
    """
    pages = {path: page_of(texts) for path, texts in findings.pages.items()}
    for path, text in (pages | dict(findings.files)).items():
        write_atomically(Path(path), text.encode())
        sys.stderr.write(for_stream(f"wrote {path}\n", sys.stderr))


def print_table(table: Table) -> None:
    """Draw a table; numbers are aligned to the right. On a terminal too narrow for it, it is turned."""
    drawn = RichTable(title=_cell(table.title), title_justify="left")
    for number, column in enumerate(table.columns):
        is_number = all(isinstance(row[number], int | float | None) for row in table.rows)
        drawn.add_column(_cell(column.heading), justify="right" if is_number else "left", overflow="fold")
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        drawn.add_row(*(_cell(_formatted(column, value)) for column, value in cells))
    is_terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if is_terminal else WIDTH)
    unbounded = console.options.update_width(UNBOUNDED)
    is_too_wide = is_terminal and console.measure(drawn, options=unbounded).maximum > console.width
    console.print(_turned(table) if is_too_wide and len(table.columns) > 2 else drawn)


def _turned(table: Table) -> RichTable:
    """A table with a line for each of a row's values, and a rule between the rows."""
    drawn = RichTable(title=_cell(table.title), title_justify="left", show_header=False)
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for row in table.rows:
        for column, value in zip(table.columns, row, strict=True):
            drawn.add_row(_cell(column.heading), _cell(_formatted(column, value)))
        drawn.add_section()
    return drawn


def print_profile(seconds: Mapping[str, float], steps: int) -> None:
    """Draw on standard error where the time of a training step went, in the order of a step."""
    whole = sum(seconds.values())
    drawn = RichTable(title="Where a step's time went", title_justify="left")
    for heading in ("activity", "ms a step", "share"):
        drawn.add_column(heading, justify="left" if heading == "activity" else "right")
    for activity, spent in seconds.items():
        drawn.add_row(activity, f"{1000 * spent / max(steps, 1):.2f}", f"{spent / whole:.1%}")
    Console(stderr=True, highlight=False).print(drawn)


def _cell(text: str) -> Text:
    """A text that stands in a table as it is: markup in it means nothing, and it drives no terminal."""
    return Text(for_stream(text, sys.stdout))


def _formatted(column: Column, value: Any) -> str:
    if value is None:
        return "-"
    return format(value, ".4e" if isinstance(value, float) and abs(value) >= LARGE else column.format)
