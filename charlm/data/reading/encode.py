"""Encoding a corpus in two passes: count and hash, then write the ids."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from charlm.base.arrays import TokenIds
from charlm.base.errors import CorpusError
from charlm.base.progress import Progress
from charlm.config import CorpusConfig
from charlm.data.alphabet import END, UNICODE_END, Alphabet, Counts, code_points
from charlm.data.reading.files import TextFile
from charlm.data.reading.preprocess import preprocess_blocks
from charlm.data.reading.sources import Source, empty


@dataclass(frozen=True)
class FileDigest:
    """A file's absolute path, and its decompressed size and sha256."""

    path: str | None
    bytes: int
    sha256: str


class CorpusEncoder:
    """Encodes one source in two passes."""

    def __init__(self, source: Source, config: CorpusConfig, progress: Progress | None) -> None:
        """Record the files' stamps; CorpusError if one is missing."""
        self.stamps = [member.stamp() for member in source.files]
        self._source = source
        self._config = config
        self._progress = progress
        self._done = 0
        self._is_begun = False
        self._total = 2 * sum(size for size, *_ in self.stamps)

    def count(self) -> tuple[Alphabet, list[FileDigest]]:
        """The first pass: the alphabet, and the files' digests.

        Raises:
            CorpusError: a file cannot be read, or all are empty.
        """
        counts: Counts = np.zeros(UNICODE_END, np.int64)
        files = []
        self._is_begun = False
        for member in self._source.files:
            content = HashingReader(member.blocks(self._advance))
            for piece in self._pieces(member, content):
                found = np.bincount(code_points(piece))
                counts[: len(found)] += found
            files.append(content.digest(member.path))
        if not counts.any():
            raise self._nothing(files)
        return Alphabet.from_counts(counts, self._config.units, self._config.document_end), files

    def sums(self) -> list[FileDigest]:
        """The files' digests; CorpusError if one cannot be read."""
        files = []
        for member in self._source.files:
            content = HashingReader(member.blocks(self._advance))
            deque(content, maxlen=0)
            files.append(content.digest(member.path))
        return files

    def ids(self, alphabet: Alphabet) -> Iterator[TokenIds]:
        """The second pass: ids, in pieces of any size.

        Raises:
            CorpusError: a file is unreadable or has changed.
        """
        self._is_begun = False
        for member in self._source.files:
            for piece in self._pieces(member, member.blocks(self._advance)):
                yield alphabet.table.take(code_points(piece), mode="clip")
        self.check_unchanged()

    def check_unchanged(self) -> None:
        """Raise CorpusError if a file has changed."""
        for member, stamp in zip(self._source.files, self.stamps, strict=True):
            if member.stamp() != stamp:
                raise CorpusError(
                    f"{member.label} has changed while it was read", hint="wait until no program writes to it"
                )

    def _pieces(self, member: TextFile, blocks: Iterable[bytes]) -> Iterator[str]:
        """A file's symbols; files share the end symbol between them."""
        pieces = preprocess_blocks(blocks, self._config, member.label)
        if self._config.document_end is not None:
            for piece in pieces:
                yield piece.removeprefix(END) if self._is_begun else piece
                self._is_begun = True
                break
        yield from pieces

    def _nothing(self, files: list[FileDigest]) -> CorpusError:
        if any(file.bytes for file in files):
            return CorpusError(
                f"{self._source.label} has empty documents only", hint="give a text that has others"
            )
        return empty(self._source.label)

    def _advance(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


class HashingReader:
    """Passes on and hashes a file's blocks."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self._bytes = 0
        self._sum = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self._bytes += len(block)
            self._sum.update(block)
            yield block

    def digest(self, path: str | None) -> FileDigest:
        """The file's digest, after all blocks."""
        return FileDigest(path, self._bytes, self._sum.hexdigest())
