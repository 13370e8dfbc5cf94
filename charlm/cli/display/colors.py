"""Surprisal as colour: from nearly white at 0 bits to dark red at 8 and more."""

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
CHEAP, DEAR = (255, 251, 235), (165, 10, 10)
DARK = 5  # from this level on, letters are white


def level_of(bits: float | None) -> int | None:
    """The level of a character's colour; None of one that was not predicted.

    >>> [level_of(bits) for bits in (None, 0.0, 2.7, 8.0, 40.0)]
    [None, 0, 2, 8, 8]
    """
    return None if bits is None else min(int(bits), LEVELS - 1)


def colours_of(level: int) -> tuple[str, str]:
    """The colours of a level's letters and of what is behind them.

    >>> colours_of(0), colours_of(8)
    (('#000000', '#fffbeb'), ('#ffffff', '#a50a0a'))
    """
    share = level / (LEVELS - 1)
    parts = (round(cheap + share * (dear - cheap)) for cheap, dear in zip(CHEAP, DEAR, strict=True))
    return ("#ffffff" if level >= DARK else "#000000"), "#" + "".join(f"{part:02x}" for part in parts)


def label_of(level: int) -> str:
    """What a legend says of a level, such as ``3`` or, for the last, ``8+``."""
    return f"{level}+" if level == LEVELS - 1 else str(level)


def shown(text: str) -> str:
    r"""A text as it is shown: control characters as escapes, and a new line after one that ends a line.

    >>> print(shown("a\tb\nc"))
    a\tb\n
    c
    """
    return "".join(
        "\\" if character == "\\" else escape_unprintable(character) + ("\n" if character == "\n" else "")
        for character in text
    )


def print_coloured(colored: ColoredText) -> None:
    """Show the beginning of a text on standard output, in colour where that is a terminal."""
    drawn = Text(f"{escape_unprintable(colored.title)}, bits a character: ")
    for level in range(LEVELS):
        drawn.append(f" {label_of(level)} ", _style(level))
    drawn.append("\n\n")
    characters = zip(colored.text[: colored.shown], map(level_of, colored.bits), strict=False)
    for level, run in groupby(characters, key=lambda pair: pair[1]):
        drawn.append(shown("".join(character for character, _ in run)), _style(level))
    hidden = len(colored.text) - colored.shown
    if hidden > 0:
        drawn.append(f"\n\n{counted(hidden, 'more characters')}: see all with --show, --html or --tsv")
    Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200).print(drawn)


def _style(level: int | None) -> Style:
    if level is None:
        return Style()
    letters, ground = colours_of(level)
    return Style(color=letters, bgcolor=ground)
