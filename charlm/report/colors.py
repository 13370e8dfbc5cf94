"""Surprisal as color, from 0 to 8 bits, on a light and on a dark ground."""

from __future__ import annotations

LEVELS = 9  # the last is for LEVELS - 1 bits and more
LOWEST, HIGHEST = (255, 251, 235), (165, 10, 10)
DARK_LOWEST, DARK_HIGHEST = (34, 32, 30), (205, 50, 36)
WHITE_FROM = 6  # from this level on, letters are white


def choose_level(bits: float | None) -> int | None:
    """The color level of a character.

    >>> [choose_level(bits) for bits in (None, 0.0, 2.7, 8.0, 40.0)]
    [None, 0, 2, 8, 8]
    """
    return None if bits is None else min(int(bits), LEVELS - 1)


def choose_colors(level: int, dark: bool = False) -> tuple[str, str]:
    """The colors of letters and background.

    >>> choose_colors(0), choose_colors(8)
    (('#000000', '#fffbeb'), ('#ffffff', '#a50a0a'))
    """
    share = level / (LEVELS - 1)
    ends = (DARK_LOWEST, DARK_HIGHEST) if dark else (LOWEST, HIGHEST)
    parts = (round(low + share * (high - low)) for low, high in zip(*ends, strict=True))
    letters = "#ffffff" if dark or level >= WHITE_FROM else "#000000"
    return letters, "#" + "".join(f"{part:02x}" for part in parts)


def format_level(level: int) -> str:
    """A level in a legend: ``3``, ``8+``."""
    return f"{level}+" if level == LEVELS - 1 else str(level)
