"""Text in the colors of its surprisal, for a terminal."""

from __future__ import annotations

import sys
from itertools import groupby

from rich.console import Console
from rich.style import Style
from rich.text import Text

from charlm.base.escape import escape_unprintable
from charlm.base.plural import counted
from charlm.evaluate.base import ColoredText
from charlm.report.colors import LEVELS, choose_colors, choose_level, format_level


def escape_lines(text: str) -> str:
    r"""Escape control characters; keep newlines.

    >>> print(escape_lines("a\tb\nc"))
    a\tb\n
    c
    """
    return "".join(
        "\\" if character == "\\" else escape_unprintable(character) + ("\n" if character == "\n" else "")
        for character in text
    )


def print_colored(colored: ColoredText) -> None:
    """Print a text's beginning, colored on terminals."""
    drawn = Text(f"{escape_unprintable(colored.title)}, bits/char: ")
    for level in range(LEVELS):
        drawn.append(f" {format_level(level)} ", _make_style(level))
    drawn.append("\n\n")
    characters = zip(colored.text[: colored.shown], map(choose_level, colored.bits), strict=False)
    for level, run in groupby(characters, key=lambda pair: pair[1]):
        drawn.append(escape_lines("".join(character for character, _ in run)), _make_style(level))
    hidden = len(colored.text) - colored.shown
    if hidden > 0:
        drawn.append(f"\n\n{counted(hidden, 'more characters')}: see all with --show, --html or --tsv")
    Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200).print(drawn, end="\n\n")


def _make_style(level: int | None) -> Style:
    if level is None:
        return Style()
    letters, background = choose_colors(level)
    return Style(color=letters, bgcolor=background)
