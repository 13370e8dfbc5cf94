"""Decoding blocks of strict UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from charlm.base.errors import CorpusError
from charlm.data.reading.file_formats import HEAD, detect_kind, is_document

# UTF-32's little-endian mark starts with UTF-16's, so it comes first.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def decode(blocks: Iterable[bytes], label: str) -> Iterator[str]:
    r"""The text of blocks of UTF-8; a character may span two blocks.

    Raises:
        CorpusError: it is not UTF-8.

    >>> list(decode([b"caf", b"\xc3", b"\xa9s"], "the file"))
    ['cafés']
    """
    blocks, start = iter(blocks), b""
    while len(start) < HEAD and (block := next(blocks, None)) is not None:
        start += block
    head = start[:HEAD]
    _check_mark(head, label)
    if is_document(head):
        raise _known_kind(head, label) or CorpusError(f"{label} is not text", hint="give a text file")
    done, rest = 0, b""
    for block in chain([start], blocks):
        zero = block.find(0)
        if zero >= 0:
            place = done + len(rest) + zero
            raise _known_kind(head, label) or CorpusError(
                f"{label} is binary, not text: byte {place} (counted from 0) is zero",
                hint="give a text file, or train with --bytes",
            )
        text, rest, done = _decode_block(rest + block, done, label, head, final=False)
        if text:
            yield text
    _decode_block(rest, done, label, head, final=True)


def _decode_block(data: bytes, done: int, label: str, head: bytes, final: bool) -> tuple[str, bytes, int]:
    """The text of the bytes after ``done``, the bytes left over, and the new ``done``."""
    try:
        text, used = codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError as error:
        # Windows-1252 has all characters of Latin-1, and also curly quotes and dashes.
        raise _known_kind(head, label) or CorpusError(
            f"{label} is not in UTF-8: byte {done + error.start} (counted from 0) is 0x{data[error.start]:02X}",
            hint="convert it, such as with iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW if it is in Windows-1252 or "
            "Latin-1, or train with --bytes",
        ) from None
    return text, data[used:], done + used


def _known_kind(head: bytes, label: str) -> CorpusError | None:
    """The error for a file that is not text, or None."""
    kind = detect_kind(head)
    return None if kind is None else CorpusError(f"{label} is {kind[0]}, not text", hint=kind[1])


def _check_mark(data: bytes, label: str) -> None:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            raise CorpusError(
                f"{label} is in {encoding}, as the mark at byte 0 says, and must be in UTF-8",
                hint=f"convert it, such as with iconv -f {encoding} -t UTF-8 OLD > NEW",
            )
