"""Tables for programs: tab-separated and comma-separated values, and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from charlm.base.escape import escape_unprintable
from charlm.base.tables import PROGRAMS, WIDE, Column, Table
from charlm.cli.display.layout import is_number

Cells: TypeAlias = list[str]


def make_tsv(tables: Sequence[Table]) -> str:
    r"""Tab-separated values under a line of headings; an empty line between tables of different columns.

    >>> make_tsv([Table("T", [Column("95% CI", is_interval=True), Column("n")], [[(0.5, 1.0), None]])])
    '95% CI low\t95% CI high\tn\n0.5\t1.0\t\n'
    """
    parts = [[headings, *rows] for headings, rows in _merge(tables)]
    return "\n".join("".join("\t".join(map(escape_unprintable, row)) + "\n" for row in part) for part in parts)


def make_csv(tables: Sequence[Table]) -> str:
    r"""The same, comma-separated.

    >>> make_csv([Table("T", [Column("name")], [["a, b"]])])
    'name\n"a, b"\n'
    """
    parts = []
    for headings, rows in _merge(tables):
        csv.writer(text := io.StringIO(newline=""), lineterminator="\n").writerows([headings, *rows])
        parts.append(text.getvalue())
    return "\n".join(parts)


def make_markdown(tables: Sequence[Table], wide: bool) -> str:
    r"""Markdown tables, with values as on a terminal.

    >>> print(make_markdown([Table("T", [Column("a|b"), Column("n", ".1f")], [["x", 1.25]])], wide=False))
    | a\|b | n |
    | --- | ---: |
    | x | 1.2 |
    <BLANKLINE>
    """
    return "\n".join("".join(f"| {' | '.join(row)} |\n" for row in _mark(table, wide)) for table in tables)


def _mark(table: Table, wide: bool) -> Iterator[Cells]:
    most = PROGRAMS if wide else WIDE
    places = [place for place, column in enumerate(table.columns) if column.rank < most]
    columns = [table.columns[place] for place in places]
    yield [_escape(column.heading) for column in columns]
    yield ["---:" if is_number([row[place] for row in table.rows]) else "---" for place in places]
    for row in table.rows:
        yield [_escape(column.show(row[place])) for column, place in zip(columns, places, strict=True)]


def _escape(cell: str) -> str:
    return escape_unprintable(cell).replace("|", "\\|")


def group_tables(tables: Sequence[Table]) -> list[list[Table]]:
    """Join neighboring tables that have the same headings: programs read them as one."""
    return [list(group) for _, group in groupby(tables, _list_headings)]


def _merge(tables: Sequence[Table]) -> Iterator[tuple[Cells, list[Cells]]]:
    """Headings and rows of all columns; tables with the same headings are one."""
    for group in group_tables(tables):
        yield (
            _list_headings(group[0]),
            [
                [
                    *table.keys.values(),
                    *(cell for pair in zip(table.columns, row, strict=True) for cell in _spell(*pair)),
                ]
                for table in group
                for row in table.rows
            ],
        )


def _list_headings(table: Table) -> Cells:
    return [*table.keys, *(name for column in table.columns for name in _name(column))]


def _name(column: Column) -> list[str]:
    name = column.name or column.heading
    return [f"{name} low", f"{name} high"] if column.is_interval else [name]


def _spell(column: Column, value: Any) -> Cells:
    """A value in full."""
    if column.is_interval:
        return ["", ""] if value is None else list(map(str, value))
    return ["" if value is None else str(value)]
