"""The alphabet of a corpus: its characters or bytes, and their counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds, id_dtype
from charlm.config.corpus import Units

END = "\udc00"
"""The end symbol of documents: a surrogate, which no valid text contains."""

UNICODE_END = 0x110000

Counts = npt.NDArray[np.int64]
Points = npt.NDArray[np.uint32]

_BLOCK = 1 << 20  # ids
_UTF32 = "utf-32-le"
_POINT = np.dtype("<u4")


def code_points(text: str) -> Points:
    """The code points of a text (N,).

    >>> code_points("aé").tolist()
    [97, 233]
    """
    return np.frombuffer(text.encode(_UTF32, "surrogatepass"), _POINT)


def decode_points(points: npt.NDArray[Any]) -> str:
    """The text of code points (N,)."""
    return points.astype(_POINT, copy=False).tobytes().decode(_UTF32, "surrogatepass")


@dataclass(frozen=True, eq=False)
class Alphabet:
    """The symbols of a corpus; a symbol's index is its id.

    Code points are ascending, but ``END`` is last; it stands for ``document_end``.

    >>> alphabet = Alphabet.from_counts(np.bincount(code_points("hello")), "characters")
    >>> alphabet.symbols, alphabet.counts_A.tolist()
    (('e', 'h', 'l', 'o'), [1, 1, 2, 1])
    """

    points_A: Points
    counts_A: Counts
    units: Units
    document_end: str | None = None

    @classmethod
    def from_counts(cls, counts: Counts, units: Units, document_end: str | None = None) -> Alphabet:
        """The alphabet of counts by code point."""
        if units == "bytes":
            is_symbol = np.arange(len(counts)) < 256
            is_symbol |= counts > 0
        else:
            is_symbol = counts > 0
        points_A = np.flatnonzero(is_symbol).astype(np.uint32)
        if document_end is not None:
            points_A = np.append(points_A[points_A != ord(END)], np.uint32(ord(END)))
        return cls(points_A, counts[points_A], units, document_end)

    def __len__(self) -> int:
        return len(self.points_A)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The smallest dtype for the ids."""
        return id_dtype(len(self))

    @property
    def end(self) -> int | None:
        """The id of ``END``, or None."""
        return None if self.document_end is None else len(self) - 1

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbols as characters."""
        return tuple(decode_points(self.points_A))

    @cached_property
    def table(self) -> TokenIds:
        """The id of each code point, or 0."""
        table = np.zeros(UNICODE_END, self.dtype)
        table[self.points_A] = np.arange(len(self))
        return table

    @cached_property
    def byte_lengths_A(self) -> npt.NDArray[np.int64]:
        """Bytes of UTF-8 of each symbol."""
        lengths_A = np.ones(len(self), np.int64)
        if self.units == "characters":
            lengths_A += np.searchsorted([0x80, 0x800, 0x10000], self.points_A, side="right")
        if self.document_end is not None:
            lengths_A[-1] = len(self.document_end.encode("utf-8", "surrogatepass"))
        return lengths_A

    def decode(self, ids: TokenIds) -> str:
        r"""The text of ids (N,).

        >>> alphabet = Alphabet.from_counts(np.zeros(256, np.int64), "bytes")
        >>> alphabet.decode(np.array([0xC3, 0xA9, 0xFF], np.uint8)).encode("utf-8", "surrogateescape")
        b'\xc3\xa9\xff'
        """
        text = decode_points(self.points_A[ids])
        if self.units == "bytes":
            end = (self.document_end or "").encode("utf-8", "surrogateescape").decode("latin-1")
            return text.replace(END, end).encode("latin-1").decode("utf-8", "surrogateescape")
        return text if self.document_end is None else text.replace(END, self.document_end)

    def count(self, ids: TokenIds) -> Counts:
        """The count of each symbol in ids (N,)."""
        counts_A = np.zeros(len(self), np.int64)
        for block in split_blocks(ids):
            counts_A += np.bincount(block, minlength=len(self))
        return counts_A


def split_blocks(ids: TokenIds) -> Iterator[TokenIds]:
    """Ids (N,) in blocks."""
    return (ids[start : start + _BLOCK] for start in range(0, len(ids), _BLOCK))
