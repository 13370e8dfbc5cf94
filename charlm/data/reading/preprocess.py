r"""From outside text to a model's symbols: the one way, whether the text comes in blocks or is at hand.

Bytes become characters, strictly UTF-8, or with ``--bytes`` one symbol each; characters are changed as the corpus
was. Where its documents end is marked by ``END``; see ``charlm.data.reading.documents``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from charlm.config import CorpusConfig
from charlm.data.reading.decode import decode
from charlm.data.reading.documents import mark_documents
from charlm.data.reading.normalize import lowercase, normalize_unicode

BYTE_ORDER_MARK = "\ufeff"


def preprocess_text(text: str, config: CorpusConfig) -> str:
    r"""The symbols of a text that is at hand, without marks: bytes as the characters of their code points.

    >>> preprocess_text("É", CorpusConfig(lowercase=True)), preprocess_text("É", CorpusConfig(bytes=True))
    ('é', 'Ã\x89')
    """
    if config.bytes:
        # What is no UTF-8 comes as surrogate escapes, from the shell as from standard input.
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return config.changed(text)


def preprocess_blocks(blocks: Iterable[bytes], config: CorpusConfig, label: str) -> Iterator[str]:
    """The symbols of a file that comes in blocks, its documents marked.

    Raises:
        CorpusError: it cannot be read as the settings say; ``label`` names it.
    """
    if config.bytes:
        pieces: Iterator[str] = (block.decode("latin-1") for block in blocks)
    else:
        pieces = decode(blocks, label)
    if config.lowercase:
        pieces = lowercase(pieces, label)
    if config.normalize != "none":
        pieces = normalize_unicode(pieces, "NFKC" if config.normalize == "nfkc" else "NFC", label)
    if config.lines:
        return mark_documents(pieces, "\n", lines=True)
    if config.delimiter is None:
        return pieces
    return mark_documents(pieces, preprocess_text(config.delimiter, config), lines=False)
