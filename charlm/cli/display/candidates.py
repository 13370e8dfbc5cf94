"""The likeliest next characters as bars, or as tab-separated lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from charlm.base.escape import escape_unprintable
from charlm.cli.output import write_text

BAR = 40  # columns
NAMES = {" ": "space", "\n": "\\n", "\t": "\\t", "\ufffd": "<unk>"}

Candidates = Sequence[tuple[str, float]]


def print_candidates(candidates: Candidates) -> None:
    """Print characters with their probabilities, numbered from 1 on a terminal."""
    if not sys.stdout.isatty():
        write_text("character\tprobability\n")
        for character, probability in candidates:
            write_text(f"{name_character(character)}\t{probability:.6f}\n")
        return
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(justify="right")
    drawn.add_column(no_wrap=True)
    drawn.add_column(justify="right")
    drawn.add_column(width=BAR)
    for number, (character, probability) in enumerate(candidates, start=1):
        bar = Bar(1, 0, probability, width=BAR, color="cyan")
        drawn.add_row(str(number), Text(name_character(character)), f"{probability:.1%}", bar)
    Console(highlight=False).print(drawn)


def name_character(character: str) -> str:
    r"""A character in a table.

    >>> name_character(" "), name_character("\n"), name_character("\x1b"), name_character("é")
    ('space', '\\n', '\\x1b', 'é')
    """
    return NAMES.get(character) or escape_unprintable(character)
