"""Counts with their nouns."""

from __future__ import annotations


def counted(count: int, nouns: str) -> str:
    """A count and its noun, given as a plural in -s.

    >>> counted(1, "rare characters"), counted(0, "files"), counted(2000, "bytes")
    ('1 rare character', '0 files', '2,000 bytes')
    """
    return f"{count:,} {nouns.removesuffix('s') if count == 1 else nouns}"
