"""From blocks of bytes to pieces of text: strict UTF-8, and an error that says where it is none."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from charlm.errors import CorpusError

# UTF-32's little-endian mark starts with UTF-16's, so it is looked for first.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def decode(blocks: Iterable[bytes], label: str) -> Iterator[str]:
    r"""The text of blocks of UTF-8; newlines are never translated, and a character may span two blocks.

    Raises:
        CorpusError: it is not UTF-8, or it is binary; ``label`` and the byte are named.

    >>> list(decode([b"caf", b"\xc3", b"\xa9s"], "the file"))
    ['caf', 'és']
    """
    done, rest = 0, b""
    for block in blocks:
        if not done and not rest:
            _check_mark(block, label)
        zero = block.find(0)
        if zero >= 0:
            place = done + len(rest) + zero
            raise CorpusError(
                f"{label} is binary, not text: byte {place} (counted from 0) is zero; "
                "give a text file, or train with --bytes"
            )
        text, rest, done = _decoded(rest + block, done, label, final=False)
        if text:
            yield text
    _decoded(rest, done, label, final=True)


def _decoded(data: bytes, done: int, label: str, final: bool) -> tuple[str, bytes, int]:
    """The text of bytes that follow ``done`` others, the bytes left over, and how many are done then."""
    try:
        text, used = codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{label} is not in UTF-8: byte {done + error.start} (counted from 0) is "
            f"0x{data[error.start]:02X}: convert it, such as with iconv -f LATIN1 -t UTF-8 OLD > NEW if it is in "
            "Latin-1, or train with --bytes"
        ) from None
    return text, data[used:], done + used


def _check_mark(data: bytes, label: str) -> None:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            raise CorpusError(
                f"{label} is in {encoding}, as the mark at byte 0 says, and must be in UTF-8: convert it, "
                f"such as with iconv -f {encoding} -t UTF-8 OLD > NEW"
            )
