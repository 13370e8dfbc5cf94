"""Counts as they are said: one file, two files."""

from __future__ import annotations


def counted(count: int, nouns: str) -> str:
    """A count with what is counted.

    Args:
        count: how many.
        nouns: what, as a plural that ends in -s.

    >>> counted(1, "rare characters"), counted(0, "files"), counted(2000, "bytes")
    ('1 rare character', '0 files', '2,000 bytes')
    """
    return f"{count:,} {nouns.removesuffix('s') if count == 1 else nouns}"
