"""What to say of a corpus before it is trained on: what was left out of it, and what may be an accident."""

from __future__ import annotations

from charlm.data.corpus import Corpus
from charlm.data.prepared import EncodedCorpus
from charlm.data.reading.file_kinds import HEAD, kind_of
from charlm.data.reading.sources import Source
from charlm.data.reading.symbols import BYTE_ORDER_MARK
from charlm.data.reading.undivided import undivided

MOST_SHOWN = 3


def remarks(corpus: Corpus) -> list[str]:
    """A line for each thing that who trains on a corpus should know, if there is any.

    Raises:
        CorpusError: a file cannot be read any more.
    """
    prepared = corpus.prepared
    found = (left_out(corpus.source), undivided(prepared), _accidents(prepared), _other_than_text(prepared))
    return [each for each in found if each is not None]


def left_out(source: Source) -> str | None:
    """What was not read though its name fits."""
    if not source.left_out:
        return None
    more = len(source.left_out) - MOST_SHOWN
    return f"left out: {', '.join(source.left_out[:MOST_SHOWN])}" + (f" and {more:,} more" if more > 0 else "")


def _accidents(prepared: EncodedCorpus) -> str | None:
    r"""The line ends of Windows and the mark of an editor, which become symbols, and how to be without them."""
    returns, newlines = _count(prepared, "\r"), _count(prepared, "\n")
    is_bytes = prepared.config.bytes
    found = []
    # Bytes of other files are the same by chance, but text has as many of both, and no zeros.
    if returns and (not is_bytes or (returns == newlines and not _count(prepared, "\0"))):
        cure = "tr -d '\\r' < OLD > NEW" if newlines else "tr '\\r' '\\n' < OLD > NEW"
        found.append(f"its lines end in {'CRLF' if newlines else 'CR'}, so '\\r' is a symbol ({cure} removes it)")
    if _head(prepared).startswith(BYTE_ORDER_MARK.encode()) or (
        not is_bytes and _count(prepared, BYTE_ORDER_MARK)
    ):
        found.append("a byte order mark, U+FEFF, is a symbol (tail -c +4 OLD > NEW removes the first)")
    return f"{prepared.source.name}: {'; '.join(found)}; samples will show it" if found else None


def _other_than_text(prepared: EncodedCorpus) -> str | None:
    """What the first file is where its bytes are read though it holds a text for another program."""
    kind = kind_of(_head(prepared)) if prepared.config.bytes else None
    label = prepared.source.members[0].label
    return None if kind is None else f"{label} is {kind[0]}, and is read as it is: for its text, {kind[1]}"


def _count(prepared: EncodedCorpus, character: str) -> int:
    """How often a character, or a byte, stands in a corpus."""
    alphabet = prepared.alphabet
    return int(alphabet.counts_A[alphabet.points_A == ord(character)].sum())


def _head(prepared: EncodedCorpus) -> bytes:
    """The first bytes of a corpus as it is read."""
    ids = prepared.ids[: HEAD + 1]
    ids = ids[1:] if ids[0] == prepared.alphabet.end else ids[:HEAD]
    return prepared.alphabet.decode(ids).encode("utf-8", "surrogateescape")
