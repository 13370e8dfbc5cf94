"""Lay out a table as lines of text that fit a width.

Columns that do not fit are left out, the least important first; a table is never turned into a list of values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.cells import cell_len, set_cell_size

from charlm.base.escape import escape_unprintable
from charlm.base.tables import PROGRAMS, WIDE, Column, Table

INDENT, GAP = "  ", "  "
MOST_AS_COLUMNS = 5  # rows that are drawn as columns
SHORTEST, READABLE = 8, 16  # columns of text that is cut off: at least, and rather than left out
CUT = ".."


@dataclass(frozen=True)
class Layout:
    """A table's lines, what columns that were left out would add, and remarks that had no room in it."""

    lines: list[str]
    left_out: list[str]
    has_best: bool
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Drawn:
    """A column as text: its heading first."""

    cells: list[str]
    is_right: bool
    rank: int = 0
    adds: str = ""
    remark: str = ""
    has_best: bool = False

    @property
    def width(self) -> int:
        return max(map(cell_len, self.cells))

    @property
    def is_empty(self) -> bool:
        return not any(cell.strip(" -") for cell in self.cells[1:])


def lay_out(table: Table, width: int, wide: bool) -> Layout:
    """Lay out a table.

    Args:
        table: its values.
        width: of the terminal, in columns.
        wide: show all columns, in blocks below one another where they do not fit.
    """
    columns = [
        _draw(column, [row[place] for row in table.rows])
        for place, column in enumerate(table.columns)
        if column.rank < PROGRAMS
    ]
    has_best = any(column.has_best for column in columns)
    remarks = _name_remarks(columns)
    if table.rows_as_columns and len(table.rows) <= MOST_AS_COLUMNS:
        kept = [column for column in columns if wide or column.rank < WIDE]
        left_out = [each.adds for each in columns if each not in kept]
        if _width(turned := [*_turn(kept), *_draw_remarks(kept)]) <= width:
            return Layout(_join(turned), left_out, has_best)
        if _width(turned := _turn(kept)) <= width:
            return Layout(_join(turned), left_out, has_best, remarks)
    if wide:
        blocks = ["\n".join(_join(block)) for block in _split(columns, width)]
        return Layout("\n\n".join(blocks).split("\n"), [], has_best, remarks)
    kept = _choose(columns, width)
    shown = {each.adds for each in kept}
    left_out = [each.adds for each in columns if each.adds not in shown]
    return Layout(_join(_shorten(kept, width)), left_out, has_best, _name_remarks(kept))


def _name_remarks(columns: Sequence[_Drawn]) -> list[str]:
    return [f"{column.cells[0].rstrip()} {column.remark}" for column in columns if column.remark]


def _draw(column: Column, values: Sequence[Any]) -> _Drawn:
    best = _find_best(column, values)
    marks = ["", *("*" if place in best else "" for place in range(len(values)))]
    cells = map(escape_unprintable, [column.heading, *map(column.show, values)])
    text = [cell + (mark or " ") if best else cell for cell, mark in zip(cells, marks, strict=True)]
    adds = column.adds or column.heading
    return _Drawn(text, is_number(values), column.rank, adds, column.remark, bool(best))


def is_number(values: Sequence[Any]) -> bool:
    """Whether a column holds numbers, which are aligned on the right."""
    return all(isinstance(value, int | float | tuple | None) for value in values)


def _find_best(column: Column, values: Sequence[Any]) -> set[int]:
    """The places of the lowest values; none where nothing is compared."""
    numbers = [value for value in values if value is not None]
    if not column.lowest_is_best or len(numbers) < 2:
        return set()
    lowest = min(map(column.show, numbers), key=float)
    return {place for place, value in enumerate(values) if value is not None and column.show(value) == lowest}


def _turn(columns: Sequence[_Drawn]) -> list[_Drawn]:
    """Rows as columns: headings, and each row's values."""
    space = " " if any(column.has_best for column in columns) else ""  # the place of a star
    names, *others = (
        column.cells if column.has_best else [cell + space for cell in column.cells] for column in columns
    )
    turned = [_Drawn(["", *(cells[0].rstrip() for cells in others)], is_right=False)]
    turned += [
        _Drawn([names[place], *(cells[place] for cells in others)], is_right=True)
        for place in range(1, len(names))
    ]
    return turned


def _draw_remarks(columns: Sequence[_Drawn]) -> list[_Drawn]:
    remarks = ["", *(column.remark for column in columns[1:])]
    return [_Drawn(remarks, is_right=False)] if any(remarks) else []


def _choose(columns: Sequence[_Drawn], width: int) -> list[_Drawn]:
    """The columns that fit: those of rank 0, and of the others in their order each that there is room for.

    Columns without a value come last.
    """
    kept = {place: column for place, column in enumerate(columns) if column.rank == 0 and not column.is_empty}
    for place, column in sorted(enumerate(columns), key=lambda pair: (pair[1].is_empty, pair[1].rank)):
        room = width - _width([*kept.values()]) - len(GAP)
        if place in kept or column.rank >= WIDE:
            continue
        if column.width <= room:
            kept[place] = column
        elif not column.is_right and room >= READABLE:
            kept[place] = _cut(column, room)
    return [kept[place] for place in sorted(kept)]


def _shorten(columns: list[_Drawn], width: int) -> list[_Drawn]:
    """Cut off text where the columns are still too wide, the widest first."""
    while (excess := _width(columns) - width) > 0:
        texts = [column for column in columns if not column.is_right and column.width > SHORTEST]
        if not texts:
            return columns
        widest = max(texts, key=lambda column: column.width)
        size = max(SHORTEST, widest.width - max(1, min(excess, widest.width // 2)))
        columns = [_cut(column, size) if column is widest else column for column in columns]
    return columns


def _cut(column: _Drawn, size: int) -> _Drawn:
    cells = [
        cell if cell_len(cell) <= size else set_cell_size(cell, size - len(CUT)) + CUT for cell in column.cells
    ]
    return replace(column, cells=cells)


def _split(columns: Sequence[_Drawn], width: int) -> list[list[_Drawn]]:
    """Blocks of columns that fit, each with the first column."""
    first, *others = columns
    blocks = [[first]]
    for column in others:
        if len(blocks[-1]) > 1 and _width([*blocks[-1], column]) > width:
            blocks.append([first])
        blocks[-1].append(column)
    return blocks


def _width(columns: Sequence[_Drawn]) -> int:
    return len(INDENT) + sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def _join(columns: Sequence[_Drawn]) -> list[str]:
    lines = []
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = []
        for column, cell in zip(columns, row, strict=True):
            space = " " * (column.width - cell_len(cell))
            cells.append(space + cell if column.is_right else cell + space)
        lines.append((INDENT + GAP.join(cells)).rstrip())
    return lines if lines[0] else lines[1:]  # facts have no headings
