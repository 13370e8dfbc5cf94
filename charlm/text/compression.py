"""Compressed files, by the ends of their names: gzip, bzip2, xz, and Zstandard where Python has it."""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import zlib
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, BinaryIO, TypeAlias

from charlm.errors import CorpusError

Decompression: TypeAlias = Callable[[BinaryIO], Any]

ZSTD_MODULES = ("compression.zstd", "backports.zstd")
"""Where Zstandard is: Python has it from 3.14 on."""


def _zstd() -> Any:
    """The module that reads Zstandard; None where there is none."""
    for name in ZSTD_MODULES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _open_zstd(file: BinaryIO) -> Any:
    return _zstd().open(file)


_DECOMPRESSIONS: dict[str, Decompression] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zstd,
}

SUFFIXES = tuple(_DECOMPRESSIONS)


def damages() -> tuple[type[Exception], ...]:
    """What reading raises, beside EOFError, where a compressed file is damaged or the system refuses."""
    zstd = _zstd()
    return OSError, zlib.error, lzma.LZMAError, *(() if zstd is None else (zstd.ZstdError,))


def decompression_of(path: str, label: str) -> Decompression | None:
    """How to read a file of this name; None where it is not compressed.

    Raises:
        CorpusError: this Python cannot decompress it.

    >>> decompression_of("tale.txt", "'tale.txt'") is None
    True
    """
    suffix = PurePath(path).suffix.lower()
    if suffix == ".zst" and _zstd() is None:
        raise CorpusError(
            f"{label} is compressed with Zstandard, which this Python cannot read: "
            "install it with pip install 'charlm-rnn[zst]', or decompress the file with zstd -d"
        )
    return _DECOMPRESSIONS.get(suffix)


def plain_name(path: str) -> str:
    """A file's name without its folder, and without the ending that says how it is compressed.

    >>> plain_name("texts/tale.txt.gz")
    'tale.txt'
    """
    name = PurePath(path)
    return name.stem if name.suffix.lower() in SUFFIXES else name.name
