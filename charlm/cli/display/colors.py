"""Surprisal as color, from 0 to 8 bits."""

from __future__ import annotations

import sys
from itertools import groupby

from rich.console import Console
from rich.style import Style
from rich.text import Text

from charlm.base.escape import escape_unprintable
from charlm.base.plural import counted
from charlm.evaluate.base import ColoredText

LEVELS = 9  # the last is for LEVELS - 1 bits and more
LOWEST, HIGHEST = (255, 251, 235), (165, 10, 10)
DARK = 5  # from this level on, letters are white


def choose_level(bits: float | None) -> int | None:
    """The color level of a character.

    >>> [choose_level(bits) for bits in (None, 0.0, 2.7, 8.0, 40.0)]
    [None, 0, 2, 8, 8]
    """
    return None if bits is None else min(int(bits), LEVELS - 1)


def choose_colors(level: int) -> tuple[str, str]:
    """The colors of letters and background.

    >>> choose_colors(0), choose_colors(8)
    (('#000000', '#fffbeb'), ('#ffffff', '#a50a0a'))
    """
    share = level / (LEVELS - 1)
    parts = (round(low + share * (high - low)) for low, high in zip(LOWEST, HIGHEST, strict=True))
    return ("#ffffff" if level >= DARK else "#000000"), "#" + "".join(f"{part:02x}" for part in parts)


def format_level(level: int) -> str:
    """A level in a legend: ``3``, ``8+``."""
    return f"{level}+" if level == LEVELS - 1 else str(level)


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
    Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200).print(drawn)


def _make_style(level: int | None) -> Style:
    if level is None:
        return Style()
    letters, background = choose_colors(level)
    return Style(color=letters, bgcolor=background)
