"""Draw facts: a word on the left, sentences on the right."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rich.cells import cell_len

from charlm.base.escape import escape_controls

BARS = "▁▂▃▄▅▆▇█"
NAMED = {" ": "space"}
MOST_NAMED = 60  # characters or ranges of them
LEAST_RANGE = 4  # characters that are written as a range
MOST_BARS = 20


def draw_facts(facts: Mapping[str, str], width: int) -> list[str]:
    """Facts that fit a width.

    >>> draw_facts({"Model": "a b c", "Note": "d"}, 12)
    ['  Model  a b', '         c', '  Note   d']
    """
    left = max(map(len, facts)) + 4
    lines = []
    for name, text in facts.items():
        wrapped = textwrap.wrap(escape_controls(text), max(width - left, 3), break_on_hyphens=False) or [""]
        lines += [f"  {name:<{left - 2}}{wrapped[0]}", *(" " * left + line for line in wrapped[1:])]
    return lines


def join_ends(left: str, right: str, width: int) -> list[str]:
    """A line with text at both ends, or two lines.

    >>> join_ends("a", "b", 5), join_ends("abc", "def", 5)
    (['a   b'], ['abc', 'def'])
    """
    space = width - cell_len(left) - cell_len(right)
    return [left + " " * space + right] if space > 0 else [left, right]


def draw_sparkline(values: Sequence[float]) -> str:
    """A curve in a few letters, the highest value as a full bar.

    >>> draw_sparkline([4.0, 3.0, 2.5, 2.0, 2.0])
    '█▄▂▁▁'
    """
    if len(values) > MOST_BARS:
        values = [values[round(place * (len(values) - 1) / (MOST_BARS - 1))] for place in range(MOST_BARS)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    if high <= low:
        return ""
    return "".join(BARS[int((value - low) / (high - low) * (len(BARS) - 1))] for value in values)


def list_characters(symbols: Sequence[str]) -> str:
    r"""Characters in the order of Unicode, many in a row as a range.

    >>> list_characters("zyxabcdef\n !A")
    '\\n space ! A a-f x y z'
    """
    points = sorted(set(map(ord, symbols)))
    starts = [
        0,
        *(place + 1 for place, (a, b) in enumerate(pairwise(points)) if b != a + 1 or _kind(a) != _kind(b)),
    ]
    parts: list[str] = []
    for start, stop in pairwise([*starts, len(points)]):
        names = [_name(point) for point in points[start:stop]]
        is_range = len(names) >= LEAST_RANGE and _kind(points[start]) is not None
        parts += [f"{names[0]}-{names[-1]}"] if is_range else names
    return " ".join(parts[:MOST_NAMED]) + (" ..." if len(parts) > MOST_NAMED else "")


def _kind(point: int) -> str | None:
    """Letters and digits of a kind make ranges."""
    letter = chr(point)
    if letter.isdigit():
        return "digit"
    if not letter.isalpha():
        return None
    return "upper" if letter.isupper() else "letter"


def _name(point: int) -> str:
    letter = chr(point)
    return NAMED.get(letter, letter if letter.isprintable() else letter.encode("unicode_escape").decode())
