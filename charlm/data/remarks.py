"""Remarks on a corpus before training."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from charlm.config import CorpusConfig
from charlm.data.encoded import EncodedCorpus
from charlm.data.reading.file_formats import HEAD, detect_kind
from charlm.data.reading.patterns import files_in, identify
from charlm.data.reading.preprocess import BYTE_ORDER_MARK, preprocess_blocks, preprocess_text
from charlm.data.reading.sources import Source

MOST_SHOWN = 3
FEWEST_LINES, SHORT_LINE = 50, 30
"""Of a text whose lines may be examples: how many they are, and their characters, at most, with the end."""


def list_remarks(prepared: EncodedCorpus) -> list[str]:
    """What a user should know before training.

    Raises:
        CorpusError: a file can no longer be read.
    """
    found = (
        describe_left_out(prepared.source),
        describe_passed_over(prepared.source, prepared.config.glob),
        _short_lines(prepared),
        describe_undivided(prepared),
        _accidents(prepared),
        _other_than_text(prepared),
    )
    return [each for each in found if each is not None]


def describe_left_out(source: Source) -> str | None:
    """Files left out although their names match, or None."""
    if not source.left_out:
        return None
    more = len(source.left_out) - MOST_SHOWN
    return f"left out: {', '.join(source.left_out[:MOST_SHOWN])}" + (f" and {more:,} more" if more > 0 else "")


def describe_passed_over(source: Source, pattern: str) -> str | None:
    """Files of a corpus's folders that the default pattern passes over, or None."""
    if pattern != CorpusConfig().glob:
        return None  # it was chosen
    read = {identify(member.path or "") for member in source.files}  # a file may have several names
    others = [path for folder in source.paths for path in files_in(folder) if identify(path) not in read]
    if not others:
        return None
    shown = ", ".join(repr(Path(path).name) for path in others[:MOST_SHOWN])
    more = f" and {len(others) - MOST_SHOWN:,} more" if len(others) > MOST_SHOWN else ""
    suffix = Path(others[0]).suffix
    cure = f"to read such files, give --glob '**/*{suffix}' or name them"
    return f"left out by --glob {pattern!r}: {shown}{more}; {cure}"


def _short_lines(prepared: EncodedCorpus) -> str | None:
    """Say that the lines may be examples of their own, such as names, or None."""
    newline = np.flatnonzero(prepared.alphabet.points_A == ord("\n"))
    if prepared.alphabet.end is not None or not len(newline):
        return None
    lines = int(prepared.alphabet.counts_A[newline[0]])
    if lines < FEWEST_LINES or len(prepared.ids) > SHORT_LINE * lines:
        return None
    lengths = np.diff(np.flatnonzero(prepared.ids == newline[0]))
    if lengths.min() == 1 or lengths.max() > SHORT_LINE:  # an empty line, or a long one
        return None
    longest = int(lengths.max()) - 1
    return (
        f"every line is short (at most {longest} characters): if each is an example of its own, such as a name, "
        "add --lines"
    )


def _accidents(prepared: EncodedCorpus) -> str | None:
    r"""Carriage returns and byte order marks."""
    returns, newlines = _count(prepared, "\r"), _count(prepared, "\n")
    is_bytes = prepared.config.bytes
    found = []
    # Binary files have these bytes by chance; text has as many of both, and no zeros.
    if returns and (not is_bytes or (returns == newlines and not _count(prepared, "\0"))):
        cure = "tr -d '\\r' < OLD > NEW" if newlines else "tr '\\r' '\\n' < OLD > NEW"
        found.append(f"its lines end in {'CRLF' if newlines else 'CR'}, so '\\r' is a symbol ({cure} removes it)")
    if _head(prepared).startswith(BYTE_ORDER_MARK.encode()) or (
        not is_bytes and _count(prepared, BYTE_ORDER_MARK)
    ):
        found.append("a byte order mark, U+FEFF, is a symbol (tail -c +4 OLD > NEW removes the first)")
    return f"{prepared.source.name}: {'; '.join(found)}; samples will show it" if found else None


def _other_than_text(prepared: EncodedCorpus) -> str | None:
    """The kind of a first file that is not plain text."""
    kind = detect_kind(_head(prepared)) if prepared.config.bytes else None
    label = prepared.source.files[0].label
    return None if kind is None else f"{label} is {kind[0]}, and is read as it is: for its text, {kind[1]}"


def _count(prepared: EncodedCorpus, character: str) -> int:
    """The count of a character."""
    alphabet = prepared.alphabet
    return int(alphabet.counts_A[alphabet.points_A == ord(character)].sum())


def _head(prepared: EncodedCorpus) -> bytes:
    """The first bytes of a corpus."""
    ids = prepared.ids[: HEAD + 1]
    ids = ids[1:] if ids[0] == prepared.alphabet.end else ids[:HEAD]
    return prepared.alphabet.decode(ids).encode("utf-8", "surrogateescape")


_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\f": "\f"}


def describe_undivided(prepared: EncodedCorpus) -> str | None:
    r"""Say that no end of a document occurs, and what may be meant, or None.

    Raises:
        CorpusError: a file can no longer be read.
    """
    alphabet, source, config = prepared.alphabet, prepared.source, prepared.config
    end, files = config.document_end, len(source.files)
    if alphabet.end is None or end is None or int(alphabet.counts_A[alphabet.end]) > files + 1:
        return None
    if not files or _occurs(end, source, config):
        return None
    meant = next((each for each in _alternatives(end) if _occurs(each, source, config)), None)
    what = "no line end" if config.lines else f"--delimiter {_quoted(end)}"
    occurs = "occurs" if config.lines else "does not occur"
    cure = "give a string that ends documents" if meant is None else f"--delimiter {_quoted(meant)} does"
    each = "it" if files == 1 else "each file"
    return f"{what} {occurs} in {source.label}, so that {each} is one document: {cure}"


def _alternatives(end: str) -> Iterator[str]:
    """Other strings that may be meant."""
    unescaped = re.sub(r"\\[nrtf]", lambda found: _ESCAPES[found[0]], end)
    unix = unescaped.replace("\r\n", "\n")
    for each in dict.fromkeys([unescaped, unix.replace("\n", "\r\n"), unix, unix.replace("\n", "\r")]):
        if each != end:
            yield each


def _occurs(wanted: str, source: Source, config: CorpusConfig) -> bool:
    """Whether a string occurs in a text."""
    whole = CorpusConfig(bytes=config.bytes, lowercase=config.lowercase, normalize=config.normalize)
    wanted = preprocess_text(wanted, whole)
    for member in source.files:
        rest = ""
        for piece in preprocess_blocks(member.blocks(), whole, member.label):
            text = rest + piece
            if wanted in text:
                return True
            rest = text[max(len(text) - len(wanted) + 1, 0) :]
    return False


def _quoted(text: str) -> str:
    """A string quoted for a shell, on one line."""
    if text.isprintable():
        return shlex.quote(text)
    escaped = re.sub(r"(['\\])", r"\\\1", text)
    return "$'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in escaped) + "'"
