"""What a file that is no text is, by its first bytes, and how to come to the text in it."""

from __future__ import annotations

from collections.abc import Callable

from charlm.data.reading.compression import format_of

HEAD = 4096
"""How many bytes tell what a file is."""

_ZIP = b"PK\x03\x04"
_PANDOC = "convert it to text, such as with pandoc -t plain -o NEW.txt"

_IN_ZIP: dict[bytes, str] = {
    b"application/epub+zip": "an EPUB book",
    b"application/vnd.oasis.opendocument.text": "an OpenDocument text",
    b"word/": "a Word document (.docx)",
    b"ppt/": "a PowerPoint presentation (.pptx)",
    b"xl/": "an Excel workbook (.xlsx)",
}


def kind_of(head: bytes) -> tuple[str, str] | None:
    """What a file that begins so is, and what to do; None where it is nothing that is known here.

    >>> kind_of(b"%PDF-1.7")
    ('a PDF', 'convert it to text, such as with pdftotext')
    """
    found = (kind(head) for kind in _KINDS)
    return next((each for each in found if each is not None), None)


def is_document(head: bytes) -> bool:
    """Whether a file that begins so is for other programs even where all its bytes are text."""
    return head.startswith(b"%PDF-")


def _compressed(head: bytes) -> tuple[str, str] | None:
    found = format_of(head)
    if found is None:
        return None
    suffix, how = found
    return (
        f"compressed with {how.name}",
        f"give it a name that ends in {suffix}, or decompress it with {how.program} -d",
    )


def _pdf(head: bytes) -> tuple[str, str] | None:
    return ("a PDF", "convert it to text, such as with pdftotext") if head.startswith(b"%PDF-") else None


def _zipped(head: bytes) -> tuple[str, str] | None:
    """A zip archive names its files, and some formats their own type, near its beginning."""
    if not head.startswith(_ZIP):
        return None
    what = next((name for mark, name in _IN_ZIP.items() if mark in head), None)
    return ("a zip archive", "unpack it") if what is None else (what, _PANDOC)


def _old_word(head: bytes) -> tuple[str, str] | None:
    is_one = head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    return ("an old document of Microsoft Office", "save it as text") if is_one else None


_KINDS: tuple[Callable[[bytes], tuple[str, str] | None], ...] = (_compressed, _pdf, _zipped, _old_word)
