"""Preprocessing: from a stored text to symbols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from charlm.config import CorpusConfig
from charlm.data.reading.decode import decode
from charlm.data.reading.documents import mark_documents
from charlm.data.reading.normalize import lowercase, normalize_unicode

BYTE_ORDER_MARK = "\ufeff"


def preprocess_text(text: str, config: CorpusConfig) -> str:
    r"""The symbols of a text, without document marks; bytes as characters of their values.

    >>> preprocess_text("É", CorpusConfig(lowercase=True)), preprocess_text("É", CorpusConfig(bytes=True))
    ('é', 'Ã\x89')
    """
    if config.bytes:
        # Invalid UTF-8 from the shell or standard input is in surrogate escapes.
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return config.changed(text)


def preprocess_blocks(blocks: Iterable[bytes], config: CorpusConfig, label: str) -> Iterator[str]:
    """The symbols of a file in blocks, with marked documents.

    Raises:
        CorpusError: it cannot be read.
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
