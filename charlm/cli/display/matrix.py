"""A matrix of counts in colors: each row's shares in percent."""

from __future__ import annotations

import sys

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

from charlm.base.escape import escape_unprintable
from charlm.base.tables import Matrix
from charlm.cli.output import escape_for, terminal_width, wrap_for
from charlm.report.colors import LEVELS, choose_colors

CELL = 3  # columns of a share in percent
HEAD = 2  # letters of a label above its column


def print_matrix(matrix: Matrix) -> None:
    """Print a matrix on a terminal; columns that it has no room for are left out, the rarest first."""
    names = [escape_unprintable(row) for row in matrix.rows]
    stub = max(map(cell_len, names))
    room = max((terminal_width(sys.stdout) - stub - 1) // CELL, 1)
    used = [sum(counts[column] for counts in matrix.counts) for column in range(len(matrix.columns))]
    kept = sorted(sorted(range(len(used)), key=lambda column: -used[column])[:room])
    console = Console(highlight=False, soft_wrap=True)
    head = "".join(f" {escape_unprintable(matrix.columns[column])[:HEAD]:>{HEAD}}" for column in kept)
    sys.stdout.write(f"\n{escape_for(sys.stdout, matrix.title)}\n\n")
    console.print(Text(f"{'':{stub}} {head}".rstrip()))
    for name, shares in zip(names, matrix.shares, strict=True):
        line = Text(f"{name}{' ' * (stub - cell_len(name))} ")
        for column in kept:
            line.append(_show(shares[column]), _style(shares[column]))
        console.print(line)
    left_out = len(used) - len(kept)
    said = f"{matrix.row_label} by row, {matrix.column_label} by column, in percent of the row"
    said += f"; {left_out} columns are left out" if left_out else ""
    sys.stdout.write(wrap_for(sys.stdout, f"\n{said}\n"))


def _show(share: float) -> str:
    percent = round(100 * share)
    return f"{percent:{CELL}d}" if percent else f"{'.':>{CELL}}"


def _style(share: float) -> Style:
    if not round(100 * share):
        return Style()
    letters, ground = choose_colors(min(int(share * LEVELS), LEVELS - 1))
    return Style(color=letters, bgcolor=ground)
