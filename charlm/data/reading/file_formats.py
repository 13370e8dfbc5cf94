"""File formats by name and first bytes."""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, BinaryIO, TypeAlias

from charlm.base.errors import CorpusError

Decompressor: TypeAlias = Callable[[BinaryIO], Any]

ZSTD_MODULES = ("compression.zstd", "backports.zstd")
"""Modules that read Zstandard; Python has one from 3.14 on."""


def _zstd() -> Any:
    """The module that reads Zstandard, or None."""
    for name in ZSTD_MODULES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _open_zstd(file: BinaryIO) -> Any:
    return _zstd().open(file)


@dataclass(frozen=True)
class Format:
    """A compression format."""

    name: str
    program: str
    beginnings: tuple[bytes, ...]
    open: Decompressor = field(repr=False)


_FORMATS = {
    ".gz": Format("gzip", "gzip", (b"\x1f\x8b",), gzip.open),
    ".bz2": Format("bzip2", "bzip2", (b"BZh",), bz2.open),
    ".xz": Format("xz", "xz", (b"\xfd7zXZ\0", b"\x5d\0\0"), lzma.open),
    # Zstandard files may start with a skippable frame, of which there are sixteen kinds.
    ".zst": Format(
        "Zstandard",
        "zstd",
        (b"\x28\xb5\x2f\xfd", *(bytes([kind]) + b"\x2a\x4d\x18" for kind in range(0x50, 0x60))),
        _open_zstd,
    ),
}

SUFFIXES = tuple(_FORMATS)


def decompression_errors() -> tuple[type[Exception], ...]:
    """What reading a damaged compressed file raises, besides EOFError."""
    zstd = _zstd()
    return OSError, zlib.error, lzma.LZMAError, *(() if zstd is None else (zstd.ZstdError,))


def find_decompressor(path: str, head: bytes, label: str) -> Decompressor | None:
    """How to open a compressed file; None if it is not compressed.

    Raises:
        CorpusError: it cannot be decompressed, or its name is wrong.

    >>> find_decompressor("tale.txt", b"Once", "'tale.txt'") is None
    True
    """
    suffixes = (PurePath(path).suffix.lower(), Path(path).resolve().suffix.lower())
    suffix = next((each for each in suffixes if each in _FORMATS), None)
    if suffix is None:
        return None
    if suffix == ".zst" and _zstd() is None:
        raise CorpusError(
            f"{label} is compressed with Zstandard, which this Python cannot read",
            hint="install it with pip install 'charlm-rnn[zst]', or decompress the file with zstd -d",
        )
    own, found = _FORMATS[suffix], detect_compression(head)
    if head and found is None:
        raise CorpusError(
            f"{label} is not compressed, as its first bytes say, though its name ends in {suffix}",
            hint="rename it",
        )
    if found is not None and found[1] is not own:
        raise CorpusError(
            f"{label} is compressed with {found[1].name}, as its first bytes say, though its name ends in "
            f"{suffix}",
            hint=f"give it a name that ends in {found[0]}",
        )
    return own.open


def detect_compression(head: bytes) -> tuple[str, Format] | None:
    """The suffix and the format of a compressed file, or None."""
    found = (each for each in _FORMATS.items() if head.startswith(each[1].beginnings))
    return next(found, None)


def plain_name(path: str) -> str:
    """A file's name without its folder and its compression suffix.

    >>> plain_name("texts/tale.txt.gz")
    'tale.txt'
    """
    name = PurePath(path)
    return name.stem if name.suffix.lower() in SUFFIXES else name.name


HEAD = 4096
"""First bytes that show the kind of a file."""

_ZIP = b"PK\x03\x04"
_PANDOC = "convert it to text, such as with pandoc -t plain -o NEW.txt"

_IN_ZIP: dict[bytes, str] = {
    b"application/epub+zip": "an EPUB book",
    b"application/vnd.oasis.opendocument.text": "an OpenDocument text",
    b"word/": "a Word document (.docx)",
    b"ppt/": "a PowerPoint presentation (.pptx)",
    b"xl/": "an Excel workbook (.xlsx)",
}


def detect_kind(head: bytes) -> tuple[str, str] | None:
    """What a file is by its first bytes, and what to do with it, or None.

    >>> detect_kind(b"%PDF-1.7")
    ('a PDF', 'convert it to text, such as with pdftotext')
    """
    compressed = detect_compression(head)
    if compressed is not None:
        suffix, how = compressed
        cure = f"give it a name that ends in {suffix}, or decompress it with {how.program} -d"
        return f"compressed with {how.name}", cure
    if is_document(head):
        return "a PDF", "convert it to text, such as with pdftotext"
    if head.startswith(_ZIP):
        # A zip archive names its files, and some formats their own type, near its start.
        what = next((name for mark, name in _IN_ZIP.items() if mark in head), None)
        return ("a zip archive", "unpack it") if what is None else (what, _PANDOC)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "an old document of Microsoft Office", "save it as text"
    return None


def is_document(head: bytes) -> bool:
    """Whether a file is for another program even if it is text."""
    return head.startswith(b"%PDF-")
