"""The census of a text's characters, in bounded memory."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache

import numpy as np
import numpy.typing as npt

CODE_POINTS = 0x110000

BYTE_ORDER_MARK, REPLACEMENT = "\ufeff", "\ufffd"
ALIKE = ("LATIN", "GREEK", "COPTIC", "CYRILLIC")  # scripts whose letters are taken for each other's
ALIKE_BELOW = 0x3000  # code points among which those letters are
ODD_CATEGORIES = {
    "Cc": "control characters",
    "Cf": "invisible format characters",
    "Co": "private-use characters",
    "Cn": "unassigned code points",
    "Zl": "line separators U+2028",
    "Zp": "paragraph separators U+2029",
}


class Census:
    r"""Counts of a text read in pieces.

    >>> census = Census()
    >>> for piece in ("one\r", "\ntwo"):
    ...     census.take(piece)
    >>> census.characters, census.distinct, census.most_common(1), census.oddities
    (8, 7, [('o', 2)], {'line ends CR LF': 1})
    """

    def __init__(self) -> None:
        self._counts = np.zeros(CODE_POINTS, np.int64)
        self._last = ""
        self._marked = False
        self._pairs: Counter[str] = Counter()
        self.bytes = 0

    def take(self, piece: str) -> None:
        """Count one more piece."""
        if not self._last:
            self._marked = piece.startswith(BYTE_ORDER_MARK)
        points = _code_points(piece)
        self._counts += np.bincount(points, minlength=CODE_POINTS)
        self.bytes += len(piece.encode())
        # What two neighbours make, the last character of the piece before among them.
        joined = self._last + piece
        self._pairs["crlf"] += joined.count("\r\n")
        scripts = _alike()[np.minimum(_code_points(joined), ALIKE_BELOW)]
        before, after = scripts[:-1], scripts[1:]
        self._pairs["meeting"] += int(((before != after) & (before > 0) & (after > 0)).sum())
        self._last = piece[-1]

    @property
    def characters(self) -> int:
        """How many characters."""
        return int(self._counts.sum())

    @property
    def distinct(self) -> int:
        """How many different ones."""
        return int(np.count_nonzero(self._counts))

    def count(self, character: str) -> int:
        """How often a character occurs."""
        return int(self._counts[ord(character)])

    def most_common(self, number: int) -> list[tuple[str, int]]:
        """The most frequent characters with counts."""
        order = np.argsort(-self._counts, kind="stable")[: min(number, self.distinct)]
        return [(chr(point), int(self._counts[point])) for point in order]

    @property
    def scripts(self) -> dict[str, int]:
        """Letters of each Unicode script."""
        found: Counter[str] = Counter()
        for character in self._seen():
            if unicodedata.category(character).startswith("L"):
                found[unicodedata.name(character, "UNNAMED").split()[0]] += self.count(character)
        return dict(found.most_common())

    @property
    def oddities(self) -> dict[str, int]:
        """How often each likely accident occurs."""
        crlf = self._pairs["crlf"]
        found = Counter(
            {
                "byte order mark at the start": int(self._marked),
                "byte order marks elsewhere": self.count(BYTE_ORDER_MARK) - self._marked,
                "line ends CR LF": crlf,
                "CR alone": self.count("\r") - crlf,
                "replacement characters U+FFFD": self.count(REPLACEMENT),
                "no-break spaces U+00A0": self.count("\xa0"),
                "Latin, Greek or Cyrillic letters side by side": self._pairs["meeting"],
            }
        )
        for character in self._seen():
            if character not in "\t\n\r" + BYTE_ORDER_MARK:
                category = ODD_CATEGORIES.get(unicodedata.category(character))
                if category is not None:
                    found[category] += self.count(character)
        return {what: count for what, count in found.items() if count}

    def _seen(self) -> list[str]:
        return [chr(point) for point in np.flatnonzero(self._counts)]


@cache
def _alike() -> npt.NDArray[np.uint8]:
    """Each code point's script number, or 0."""
    table = np.zeros(ALIKE_BELOW + 1, np.uint8)
    for point in range(ALIKE_BELOW):
        script = unicodedata.name(chr(point), "").partition(" ")[0]
        if script in ALIKE and chr(point).isalpha():
            table[point] = ALIKE.index(script) + 1
    return table


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), "<u4")
