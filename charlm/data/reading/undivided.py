r"""A corpus in which nothing ends a document: what to say of it, and which string was probably meant.

A shell hands ``'\n\n'`` on as four characters, and a text from Windows has ``\r\n`` where ``\n`` is looked for.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from charlm.config import CorpusConfig
from charlm.data.prepared import EncodedCorpus
from charlm.data.reading.sources import Source
from charlm.data.reading.symbols import symbol_pieces, symbols_of

_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\f": "\f"}


def undivided(prepared: EncodedCorpus) -> str | None:
    """What to say where the end of a document does not occur; None where it does, or the corpus is one text.

    The files are read again only where none has more than one document.

    Raises:
        CorpusError: a file cannot be read any more.
    """
    alphabet, source, config = prepared.alphabet, prepared.source, prepared.config
    end, files = config.document_end, len(source.members)
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
    """Strings that may have been meant, but for this one itself."""
    unescaped = re.sub(r"\\[nrtf]", lambda found: _ESCAPES[found[0]], end)
    unix = unescaped.replace("\r\n", "\n")
    for each in dict.fromkeys([unescaped, unix.replace("\n", "\r\n"), unix, unix.replace("\n", "\r")]):
        if each != end:
            yield each


def _occurs(wanted: str, source: Source, config: CorpusConfig) -> bool:
    """Whether a string occurs in a text that is read as the settings say, but for its documents."""
    whole = CorpusConfig(bytes=config.bytes, lowercase=config.lowercase, normalize=config.normalize)
    wanted = symbols_of(wanted, whole)
    for member in source.members:
        rest = ""
        for piece in symbol_pieces(member.blocks(), whole, member.label):
            text = rest + piece
            if wanted in text:
                return True
            rest = text[max(len(text) - len(wanted) + 1, 0) :]
    return False


def _quoted(text: str) -> str:
    """A string as a shell takes it, on one line."""
    if text.isprintable():
        return shlex.quote(text)
    escaped = re.sub(r"(['\\])", r"\\\1", text)
    return "$'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in escaped) + "'"
