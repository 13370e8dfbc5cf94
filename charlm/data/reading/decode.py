"""From blocks of bytes to pieces of text: strict UTF-8, and an error that says where it is none."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from charlm.base.errors import CorpusError
from charlm.data.reading.file_formats import HEAD, detect_kind, is_document

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
    done, rest, head = 0, b"", b""
    for block in blocks:
        if not done and not rest:
            _check_mark(block, label)
        if len(head) < HEAD:
            head += block[: HEAD - len(head)]
            if is_document(head):
                raise _known_kind(head, label) or CorpusError(f"{label} is not text", hint="give a text file")
        zero = block.find(0)
        if zero >= 0:
            place = done + len(rest) + zero
            raise _known_kind(head, label) or CorpusError(
                f"{label} is binary, not text: byte {place} (counted from 0) is zero",
                hint="give a text file, or train with --bytes",
            )
        text, rest, done = _decoded(rest + block, done, label, head, final=False)
        if text:
            yield text
    _decoded(rest, done, label, head, final=True)


def _decoded(data: bytes, done: int, label: str, head: bytes, final: bool) -> tuple[str, bytes, int]:
    """The text of bytes that follow ``done`` others, the bytes left over, and how many are done then."""
    try:
        text, used = codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError as error:
        # Windows-1252 has all characters of Latin-1, and the curly quotes and dashes that Latin-1 lacks.
        raise _known_kind(head, label) or CorpusError(
            f"{label} is not in UTF-8: byte {done + error.start} (counted from 0) is 0x{data[error.start]:02X}",
            hint="convert it, such as with iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW if it is in Windows-1252 or "
            "Latin-1, or train with --bytes",
        ) from None
    return text, data[used:], done + used


def _known_kind(head: bytes, label: str) -> CorpusError | None:
    """What to say of a file that is no text, where its first bytes tell what it is."""
    kind = detect_kind(head)
    return None if kind is None else CorpusError(f"{label} is {kind[0]}, not text", hint=kind[1])


def _check_mark(data: bytes, label: str) -> None:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            raise CorpusError(
                f"{label} is in {encoding}, as the mark at byte 0 says, and must be in UTF-8",
                hint=f"convert it, such as with iconv -f {encoding} -t UTF-8 OLD > NEW",
            )
