"""Remarks on a corpus before training."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from charlm.config import CorpusConfig
from charlm.data.encoded import EncodedCorpus
from charlm.data.reading.file_formats import HEAD, detect_kind
from charlm.data.reading.preprocess import BYTE_ORDER_MARK, preprocess_blocks, preprocess_text
from charlm.data.reading.sources import Source

MOST_SHOWN = 3


def list_remarks(prepared: EncodedCorpus) -> list[str]:
    """What a user should know before training.

    Raises:
        CorpusError: a file can no longer be read.
    """
    found = (
        describe_left_out(prepared.source),
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
