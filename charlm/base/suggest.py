"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 2  # characters of a beginning that names what it begins
ALIKE = 0.7  # of 1, for which two names are the same


def closest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant: one that begins like this, has its letters, or is spelled like it.

    >>> closest("temp", ["num", "temperature"]), closest("hiden", ["hidden", "seed"]), closest("gpu", ["seed"])
    ('temperature', 'hidden', None)
    >>> closest("gur", ["lstm", "gru"])
    'gru'
    """
    from difflib import get_close_matches  # only where something is wrong

    known = list(names)
    begun = [each for each in known if len(name) >= SHORTEST and each.startswith(name)]
    if begun:
        return min(begun, key=len)
    swapped = [each for each in known if sorted(each) == sorted(name)]
    return next(iter(swapped or get_close_matches(name, known, 1, ALIKE)), None)


def did_you_mean(name: str, names: Iterable[str], prefix: str = "") -> str:
    """The end of a message about a wrong name; empty where no name is close.

    >>> did_you_mean("lstn", ["gru", "lstm"]), did_you_mean("gpu", ["seed"])
    ('; did you mean lstm?', '')
    """
    meant = closest(name, names)
    return "" if meant is None else f"; did you mean {prefix}{meant}?"
