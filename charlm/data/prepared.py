"""A prepared corpus: the whole text as codes of its alphabet, in memory or, from the cache, as a memory map."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from charlm.base.arrays import TokenIds
from charlm.config import CorpusConfig
from charlm.data.alphabet import Alphabet
from charlm.data.reading.sources import Source


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
