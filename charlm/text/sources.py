"""Where a corpus comes from: a file, a built-in, standard input, or a string that Python hands in.

Bytes are read whole and decoded as strict UTF-8; newlines are never translated. The sha256 of the bytes goes
with the text, so that a run can find its own corpus again and notice when it has changed.
"""

from __future__ import annotations

import codecs
import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from charlm.errors import CorpusError, UsageError
from charlm.text.named import NAMES, read_named

Kind: TypeAlias = Literal["file", "built-in", "stdin", "text"]

_STDIN = "standard input"

# UTF-32's little-endian mark starts with UTF-16's, so it is looked for first.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(frozen=True)
class Source:
    """A text and where it came from.

    Attributes:
        name: a short name for runs and tables: the file's stem, the built-in's name, "stdin" or "text".
        kind: which of the four origins it has.
        path: the file's absolute path; None for the other kinds.
        text: the whole text.
        sha256: of the text's bytes, in hexadecimal.
    """

    name: str
    kind: Kind
    path: str | None
    text: str = field(repr=False)
    sha256: str


def read_source(corpus: str) -> Source:
    """Read what a user names as a corpus.

    Args:
        corpus: ``-`` for standard input, the name of a built-in corpus, or the path of a UTF-8 text file.

    Raises:
        UsageError: the name is a built-in's, and a file's in the working folder as well.
        CorpusError: there is nothing of that name, or it is not text in UTF-8.
    """
    if corpus == "-":
        raw = sys.stdin.buffer.read()
        return Source("stdin", "stdin", None, _decode(raw, _STDIN), _sha256(raw))
    if corpus not in NAMES:
        return _read_file(corpus, f"give a text file, or a built-in corpus ({', '.join(NAMES)})")
    if Path(corpus).exists() and not Path(corpus).is_dir():
        raise UsageError(
            f"{corpus} is a built-in corpus, and a file here has the same name: write ./{corpus} for "
            "the file; for the built-in one, rename the file or work in another folder"
        )
    return _read_built_in(corpus)


def source_of_text(text: str) -> Source:
    """The source of a string that Python hands in.

    Raises:
        CorpusError: the string is empty, or holds half of a surrogate pair, which no file can.

    >>> source_of_text("abc").sha256[:12]
    'ba7816bf8f01'
    """
    if not text:
        raise CorpusError("the text is empty: give one that has characters")
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"the text is not valid Unicode: {text[error.start]!r} at position {error.start} "
            "(counted from 0) is half of a surrogate pair; replace it"
        ) from None
    return Source("text", "text", None, text, _sha256(raw))


def find_again(kind: str, path: str | None, name: str, sha256: str) -> Source:
    """Read the corpus that a run was trained on, from what the run stored about it.

    Args:
        kind: the source's ``kind``.
        path: the source's ``path``.
        name: the source's ``name``.
        sha256: the source's ``sha256``.

    Raises:
        CorpusError: the corpus was never stored, is gone, or is no longer the same.
    """
    if kind == "built-in":
        source, called = _read_built_in(name), f"the built-in corpus {name}"
    elif kind == "file" and path is not None:
        remedy = "the run was trained on it, so put it back, or give a text file as TARGET"
        source, called = _read_file(path, remedy), f"the run's corpus {path!r}"
    else:
        origin = _STDIN if kind == "stdin" else "a text that was handed in from Python"
        raise CorpusError(f"the run was trained on {origin}, which is not kept: give a text file as TARGET")
    if source.sha256 != sha256:
        raise CorpusError(
            f"{called} has changed since the run was trained on it (sha256 {sha256[:12]} then, "
            f"{source.sha256[:12]} now): give a text file as TARGET"
        )
    return source


def _read_built_in(name: str) -> Source:
    text = read_named(name)
    return Source(name, "built-in", None, text, _sha256(text.encode()))


def _read_file(name: str, remedy: str) -> Source:
    """The source of a file; ``remedy`` is what to do where there is none of that name."""
    path = Path(name)
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise CorpusError(f"there is no file {name!r}: {remedy}") from None
    except IsADirectoryError:
        raise CorpusError(f"{name!r} is a folder: give a text file") from None
    except PermissionError:
        raise CorpusError(f"{name!r} may not be read: change its permissions, or give another file") from None
    except (OSError, ValueError) as error:
        raise CorpusError(f"{name!r} cannot be read ({error}): give another file") from None
    return Source(path.stem, "file", str(path.resolve()), _decode(raw, repr(name)), _sha256(raw))


def _decode(raw: bytes, where: str) -> str:
    """The text of bytes that must be UTF-8; ``where`` names them in the error."""
    if not raw:
        raise CorpusError(f"{where} is empty: give a text that has characters")
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            raise CorpusError(
                f"{where} is in {encoding}, as the mark at byte 0 says, and must be in UTF-8: convert it, "
                f"such as with iconv -f {encoding} -t UTF-8 OLD > NEW"
            )
    zero = raw.find(0)
    if zero >= 0:
        raise CorpusError(f"{where} is binary, not text: byte {zero} (counted from 0) is zero; give a text file")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{where} is not in UTF-8: byte {error.start} (counted from 0) is 0x{raw[error.start]:02X}: "
            "convert it, such as with iconv -f LATIN1 -t UTF-8 OLD > NEW if it is in Latin-1"
        ) from None


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
