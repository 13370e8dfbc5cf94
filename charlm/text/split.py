"""The validation split: a text's tail is held out, because a shuffled split would leak the text's context."""

from __future__ import annotations

from fractions import Fraction
from math import floor


def training_length(characters: int, fraction: float) -> int:
    """How many of a text's first characters are for training: floor(n * (1 - fraction)).

    The product is exact, in the decimal digits that the fraction is written with, so that no rounding of
    binary fractions moves the split.

    Args:
        characters: n, the length of the text.
        fraction: the share that is held out, from 0 to less than 1.

    >>> training_length(1_115_394, 0.1)
    1003854
    >>> training_length(100, 0.07)
    93
    """
    return floor(characters * (1 - Fraction(str(fraction))))


def split_tail(text: str, fraction: float) -> tuple[str, str]:
    """The training part and, after it, the validation part: the last ``fraction`` of the text.

    >>> split_tail("abcdefghij", 0.2)
    ('abcdefgh', 'ij')
    """
    length = training_length(len(text), fraction)
    return text[:length], text[length:]
