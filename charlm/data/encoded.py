"""Encoded text: a whole corpus, or a stretch of it, as ids in memory or in a memory-mapped file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from charlm.base.arrays import TokenIds
from charlm.config import CorpusConfig
from charlm.data.alphabet import END, Alphabet, decode_points, split_blocks
from charlm.data.reading.encode import CorpusEncoder
from charlm.data.reading.sources import Source, make_text_source


@dataclass(frozen=True, eq=False)
class EncodedCorpus:
    """A corpus that is ready to be divided; nothing of it grows with the corpus but the map.

    Attributes:
        source: where it came from.
        config: how it was read.
        alphabet: its symbols.
        ids: the whole corpus in codes of the alphabet (N,), which can only be read.
        sha256: of its content; of several files, of their sums in the order in which they were read.
        folder: where maps that are made from this one may be kept; None where the corpus is not in the cache.
    """

    source: Source
    config: CorpusConfig
    alphabet: Alphabet
    ids: TokenIds = field(repr=False)
    sha256: str
    folder: Path | None = None

    @property
    def is_lossy(self) -> bool:
        """Whether its text is no longer the original one."""
        return self.config.is_lossy


@dataclass(frozen=True, eq=False)
class EncodedText:
    r"""A stretch of an encoded text, which may lie on disk and be of any length.

    Attributes:
        ids: the alphabet's codes of its symbols (N,); of documents, an end symbol comes first, which is no
            target, and last.
        alphabet: the corpus's symbols.
        bigrams_path: where its bigrams are kept once they are counted; None where they are not.

    >>> part = EncodedText.of_text("emma\nava", CorpusConfig(lines=True))
    >>> len(part), part.text, part.target_bytes
    (10, 'emma\nava\n', 9)
    """

    ids: TokenIds
    alphabet: Alphabet
    bigrams_path: Path | None = None

    @classmethod
    def of(cls, prepared: EncodedCorpus) -> EncodedText:
        """The whole of a prepared corpus."""
        return cls(prepared.ids, prepared.alphabet)

    @classmethod
    def of_text(cls, text: str, config: CorpusConfig) -> EncodedText:
        """A text in memory, read as the settings say.

        Raises:
            CorpusError: it is empty, is no valid Unicode, or has empty documents only.
        """
        passes = CorpusEncoder(make_text_source(text), config, progress=None)
        alphabet, _ = passes.count()
        return cls(np.concatenate(list(passes.ids(alphabet))), alphabet)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, places: slice) -> EncodedText:
        return EncodedText(self.ids[places], self.alphabet)

    @property
    def symbols(self) -> str:
        """The symbols as characters (N,): bytes as those of their code points, ends as ``END``."""
        return "".join(self.symbol_blocks)

    @property
    def symbol_blocks(self) -> Iterator[str]:
        """The same in stretches that any memory holds."""
        return (decode_points(self.alphabet.points_A[block]) for block in split_blocks(self.ids))

    @property
    def text(self) -> str:
        """The text, in memory: each document with what ends it, and nothing before the first."""
        starts_document = len(self) > 0 and self.ids[0] == self.alphabet.end
        return self.alphabet.decode(self.ids[1:] if starts_document else self.ids)

    @property
    def utf8(self) -> bytes:
        """The text's bytes."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def utf8_blocks(self) -> Iterator[bytes]:
        """The same in stretches that any memory holds."""
        starts_document = len(self) > 0 and self.ids[0] == self.alphabet.end
        for block in split_blocks(self.ids[1:] if starts_document else self.ids):
            yield self.alphabet.decode(block).encode("utf-8", "surrogateescape")

    @property
    def words(self) -> int:
        """How many words there are between white space; an end symbol is such."""
        is_space_A = np.array([symbol.isspace() or symbol == END for symbol in self.alphabet.symbols])
        if self.alphabet.units == "bytes":
            is_space_A &= (self.alphabet.points_A < 0x80) | (self.alphabet.points_A == ord(END))
        words, was_space = 0, True
        for block in split_blocks(self.ids):
            is_space = is_space_A[block]
            words += int((is_space[:-1] & ~is_space[1:]).sum()) + (was_space and not is_space[0])
            was_space = bool(is_space[-1])
        return words

    @property
    def target_bytes(self) -> int:
        """How many bytes of UTF-8 the symbols after the first stand for."""
        lengths_A = self.alphabet.byte_lengths_A
        return sum(int(lengths_A[block].sum()) for block in split_blocks(self.ids[1:]))
