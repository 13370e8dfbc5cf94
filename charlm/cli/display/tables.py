"""Print tables: drawn on a terminal, as values in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from charlm.base.errors import UsageError
from charlm.base.escape import escape_unprintable
from charlm.base.plural import counted
from charlm.base.tables import Column, Table
from charlm.cli.display.layout import lay_out
from charlm.cli.display.values import group_tables, make_csv, make_markdown, make_tsv
from charlm.cli.output import escape_for, terminal_width, wrap_for, write_note
from charlm.cli.table_options import TableOptions

EXPLAIN = "--explain says how it is measured"


def print_tables(
    tables: Sequence[Table],
    how: TableOptions,
    *,
    legend: str = "",
    see_also: str = "",
    explanation: Sequence[str] = (),
    notes: Sequence[str] = (),
    further: str = "",
) -> None:
    """Print tables and what is to be said about them.

    Args:
        tables: those that are details are drawn with ``--wide`` only.
        how: the options.
        legend: a few words on the columns, without a full stop.
        see_also: a last sentence, such as what to type next.
        explanation: how it was measured; shown with ``--explain``.
        notes: what must not be missed.
        further: what else ``--wide`` adds.
    """
    tables = _choose(tables, how)
    if not how.is_drawn:
        _print_values(tables, how)
        for note in [*(explanation if how.explain else ()), *notes]:
            write_note(f"note: {note}")
        return
    left_out: list[str] = []
    remarks: list[str] = []
    has_best = False
    for number, table in enumerate(table for table in tables if how.wide or how.table or not table.adds):
        layout = lay_out(table, terminal_width(sys.stdout), how.wide)
        title = [escape_unprintable(table.title), ""] if table.title else []
        _write(sys.stdout, [*([""] if number else []), *title, *layout.lines])
        left_out += layout.left_out
        has_best |= layout.has_best
        remarks += layout.remarks
    left_out += [further] if further and not how.wide else []
    left_out += [table.adds for table in tables if table.adds and not (how.wide or how.table)]
    adds = f"--wide adds {', '.join(dict.fromkeys(left_out))}" if left_out else ""
    said = [adds, EXPLAIN if explanation and not how.explain else ""]
    sentences = ["* best" if has_best else "", *remarks, legend, "; ".join(filter(None, said)), see_also]
    texts = [". ".join(filter(None, sentences)), *(explanation if how.explain else ())]
    for text in [*filter(None, texts), *(f"note: {note}" for note in notes)]:
        _write(sys.stdout, ["", wrap_for(sys.stdout, text)])


def _choose(tables: Sequence[Table], how: TableOptions) -> Sequence[Table]:
    """The table that ``--table`` asks for, or all of them; in a pipe, a note says how to choose one.

    Raises:
        UsageError: there is no table with that number.
    """
    groups = group_tables(tables)
    if how.table is not None:
        if not 0 < how.table <= len(groups):
            found = counted(len(groups), "tables")
            raise UsageError(
                f"--table is {how.table}, and {found} can be printed: choose from 1 to {len(groups)}"
            )
        return groups[how.table - 1]
    if len(groups) > 1 and not (how.is_drawn or how.markdown):
        write_note(
            f"note: {len(groups)} tables, with an empty line between them: --table 1 prints only the first"
        )
    return tables


def print_profile(seconds: Mapping[str, float], steps: int) -> None:
    """Print the times of a step's parts on standard error."""
    whole = sum(seconds.values())
    columns = (Column("activity"), Column("ms/step", ".2f"), Column("share", ".1%"))
    rows = [(activity, 1000 * spent / max(steps, 1), spent / whole) for activity, spent in seconds.items()]
    table = Table("Time of a training step", columns, rows)
    if sys.stderr.isatty():
        _write(sys.stderr, [table.title, "", *lay_out(table, terminal_width(sys.stderr), wide=False).lines])
    else:
        sys.stderr.write(make_tsv([table]))


def _print_values(tables: Sequence[Table], how: TableOptions) -> None:
    if how.markdown:
        text = make_markdown([each for each in tables if how.wide or how.table or not each.adds], how.wide)
    else:
        text = make_csv(tables) if how.csv else make_tsv(tables)
    sys.stdout.write(escape_for(sys.stdout, text))


def _write(stream: TextIO, lines: Sequence[str]) -> None:
    stream.write("".join(f"{escape_for(stream, line)}\n" for line in lines))
