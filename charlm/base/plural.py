"""Counts with their nouns."""

from __future__ import annotations


def counted(count: int, nouns: str) -> str:
    """A count and its noun, given as a plural in -s.

    >>> counted(1, "rare characters"), counted(0, "files"), counted(2000, "bytes")
    ('1 rare character', '0 files', '2,000 bytes')
    """
    return f"{count:,} {nouns.removesuffix('s') if count == 1 else nouns}"


def format_size(count: int) -> str:
    """A number of bytes.

    >>> format_size(41_300), format_size(5_367_777)
    ('41 kB', '5.4 MB')
    """
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"
