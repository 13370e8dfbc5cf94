"""A corpus, or a part of it, as ids."""

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
    """A whole corpus as ids (N,), with its cache ``folder``."""

    source: Source
    config: CorpusConfig
    alphabet: Alphabet
    ids: TokenIds = field(repr=False)
    sha256: str
    folder: Path | None = None

    @property
    def is_lossy(self) -> bool:
        """Whether its text differs from the original."""
        return self.config.is_lossy


@dataclass(frozen=True, eq=False)
class EncodedText:
    r"""A text as ids (N,), with an end symbol before, between and after documents.

    >>> part = EncodedText.of_text("emma\nava", CorpusConfig(lines=True))
    >>> len(part), part.text, part.target_bytes
    (10, 'emma\nava\n', 9)
    """

    ids: TokenIds
    alphabet: Alphabet
    bigrams_path: Path | None = None

    @classmethod
    def of(cls, prepared: EncodedCorpus) -> EncodedText:
        """The whole of a corpus."""
        return cls(prepared.ids, prepared.alphabet)

    @classmethod
    def of_text(cls, text: str, config: CorpusConfig) -> EncodedText:
        """Encode a string in memory.

        Raises:
            CorpusError: it is empty or not valid Unicode.
        """
        encoder = CorpusEncoder(make_text_source(text), config, progress=None)
        alphabet, _ = encoder.count()
        return cls(np.concatenate(list(encoder.ids(alphabet))), alphabet)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, places: slice) -> EncodedText:
        return EncodedText(self.ids[places], self.alphabet)

    @property
    def symbols(self) -> str:
        """The symbols as characters (N,), ends as ``END``."""
        return "".join(self.symbol_blocks)

    @property
    def symbol_blocks(self) -> Iterator[str]:
        """``symbols`` in blocks."""
        return (decode_points(self.alphabet.points_A[block]) for block in split_blocks(self.ids))

    @property
    def text(self) -> str:
        """The text: each document with its end."""
        return self.alphabet.decode(self._ids_of_text)

    @property
    def utf8(self) -> bytes:
        """The text's bytes."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def utf8_blocks(self) -> Iterator[bytes]:
        """``utf8`` in blocks."""
        for block in split_blocks(self._ids_of_text):
            yield self.alphabet.decode(block).encode("utf-8", "surrogateescape")

    @property
    def words(self) -> int:
        """The number of words between white space."""
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
        """Bytes of UTF-8 of the symbols after the first."""
        lengths_A = self.alphabet.byte_lengths_A
        return sum(int(lengths_A[block].sum()) for block in split_blocks(self.ids[1:]))

    @property
    def _ids_of_text(self) -> TokenIds:
        starts_document = len(self) > 0 and self.ids[0] == self.alphabet.end
        return self.ids[1:] if starts_document else self.ids
