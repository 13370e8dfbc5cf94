"""A text colored by surprisal, packed for a web page in under 20 bytes a character.

A byte a character for its bits, in tenths; a byte for the square root of each likely character's probability, and
its number in one byte or two. All is deflated, and in base64. ``js/colored.js`` reads it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from charlm.evaluate.base import Candidate, ColoredText

BITS_UNIT = 10  # parts of a bit that are told apart
NONE = 255  # a character that nothing predicts
GUESSES = 5
START_WITHIN = 500  # characters at most that are left out, so that a text begins with a line


def from_line_start(text: ColoredText) -> ColoredText:
    r"""A text from its first whole line on, where a split has cut it.

    >>> cut = ColoredText("run", "lf a line\nnext", [None, *[1.0] * 13], [[]] * 14, 0, is_cut=True)
    >>> from_line_start(cut).text
    'next'
    """
    start = text.text.find("\n", 0, START_WITHIN) + 1
    if not text.is_cut or start == len(text.text):
        return text
    kept = text.text[start:], text.bits[start:], text.guesses[start:]
    return ColoredText(text.title, *kept, text.shown)


def pack(text: ColoredText, place: str) -> dict[str, Any]:
    """A text as JSON values.

    Args:
        text: N characters.
        place: the id of the element that shows it.
    """
    count = len(text.text)
    bits_N = np.array([NONE if bits is None else min(BITS_UNIT * bits, NONE - 1) for bits in text.bits])
    symbols, numbers_NK, shares_NK = _guesses(text.guesses, count)
    columns = [bits_N.round().astype(np.uint8), shares_NK, (numbers_NK & 255).astype(np.uint8)]
    if len(symbols) > 256:
        columns.append((numbers_NK >> 8).astype(np.uint8))
    packed = zlib.compress(b"".join(column.tobytes() for column in columns), 9)
    return {
        "place": place,
        "text": text.text,
        "symbols": symbols,
        "guesses": GUESSES,
        "bits_unit": BITS_UNIT,
        "none": NONE,
        "packed": base64.b64encode(packed).decode(),
    }


def _guesses(guesses: Sequence[Sequence[Candidate]], count: int) -> tuple[list[str], Any, Any]:
    """The different likely characters, and for each place their numbers and the roots of their probabilities."""
    numbers: dict[str, int] = {}
    numbers_NK = np.zeros((count, GUESSES), np.uint16)
    shares_NK = np.zeros((count, GUESSES), np.uint8)
    for place, candidates in enumerate(guesses):
        for rank, candidate in enumerate(candidates[:GUESSES]):
            numbers_NK[place, rank] = numbers.setdefault(candidate.character, len(numbers))
            shares_NK[place, rank] = round(255 * candidate.probability**0.5)
    return list(numbers), numbers_NK, shares_NK


def average_bits(text: ColoredText) -> float | None:
    """The mean bits of the characters that are predicted."""
    bits = [each for each in text.bits if each is not None]
    return sum(bits) / len(bits) if bits else None
