"""The survey of a source: the whole is counted, and of its beginning it is said how predictable it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from charlm.base.arrays import id_dtype
from charlm.base.progress import Progress
from charlm.data.reading.decode import decode
from charlm.data.reading.sources import Source, empty
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate.census import Census
from charlm.evaluate.compressors import compressed_sizes, conditional_entropies, duplicate_share

SAMPLE = 2_000_000  # characters, from the beginning, that entropies, compressors and duplicates are of
MOST_COMMON = 10


@dataclass(frozen=True)
class Survey:
    """What is known of a text; counts are of all of it, the rest of its first ``sample_characters``.

    Attributes:
        name: the source's.
        files: how many it has.
        bytes: of the text in UTF-8.
        characters: how many.
        distinct: how many different ones.
        dtype: of their codes.
        lines: how many line ends it has.
        most_common: the most frequent characters with their counts.
        scripts: how many letters are of each script.
        oddities: what looks like an accident, and how often.
        sample_characters: of how many characters, from the first, the rest is.
        sample_bytes: their bytes.
        duplicate_lines: the share of lines, empty ones aside, that have come before.
        entropies: the conditional entropies of orders 0 to 5, in bits a character.
        compressed: the bytes that each compressor makes of them.
    """

    name: str
    files: int
    bytes: int
    characters: int
    distinct: int
    dtype: str
    lines: int
    most_common: Sequence[tuple[str, int]]
    scripts: Mapping[str, int]
    oddities: Mapping[str, int]
    sample_characters: int
    sample_bytes: int
    duplicate_lines: float
    entropies: Sequence[float]
    compressed: Mapping[str, int]

    @property
    def bits_per_char(self) -> dict[str, float]:
        """What each compressor needs."""
        return {name: 8 * size / self.sample_characters for name, size in self.compressed.items()}

    @property
    def bits_per_byte(self) -> dict[str, float]:
        """What each compressor needs for a byte of the text."""
        return {name: 8 * size / self.sample_bytes for name, size in self.compressed.items()}


def survey_source(source: Source, progress: Progress) -> Survey:
    """Read a source once, in bounded memory.

    Args:
        source: the text.
        progress: called with how many bytes have been read, and how many there are.

    Raises:
        CorpusError: it cannot be read, is no UTF-8, or is empty.
    """
    census, sample, sampled, done = Census(), list[str](), 0, 0
    whole = sum(member.stamp()[0] for member in source.files)

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(done, whole)

    for member in source.files:
        for piece in decode(member.blocks(advance), member.label):
            census.take(piece)
            if sampled < SAMPLE:
                sample.append(piece[: SAMPLE - sampled])
                sampled += len(sample[-1])
    if not census.characters:
        raise empty(source.label)
    return _survey(source, census, "".join(sample))


def _survey(source: Source, census: Census, sample: str) -> Survey:
    vocabulary = Vocabulary.of(sample)
    return Survey(
        name=source.name,
        files=len(source.files),
        bytes=census.bytes,
        characters=census.characters,
        distinct=census.distinct,
        dtype=id_dtype(census.distinct).name,
        lines=census.count("\n"),
        most_common=census.most_common(MOST_COMMON),
        scripts=census.scripts,
        oddities=census.oddities,
        sample_characters=len(sample),
        sample_bytes=len(sample.encode()),
        duplicate_lines=duplicate_share(sample.split("\n")),
        entropies=conditional_entropies(vocabulary.encode(sample, source.label), len(vocabulary)),
        compressed=compressed_sizes(sample),
    )
