"""The survey of a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from charlm.base.arrays import TokenIds, id_dtype
from charlm.base.progress import Progress
from charlm.data.reading.decode import decode
from charlm.data.reading.sources import Source, empty
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate.census import Census
from charlm.evaluate.measures.baselines import COMPRESSORS
from charlm.models.ngram.counts import count_levels

SAMPLE = 2_000_000  # characters, from the beginning, that entropies, compressors and duplicates are of
MOST_COMMON = 10
MAX_ORDER = 5  # of the conditional entropies


@dataclass(frozen=True)
class Survey:
    """What a text holds; from ``sample_characters`` on, of its beginning only.

    ``entropies`` are in bits/char, of orders 0 to 5; ``compressed`` in bytes; ``duplicate_lines`` is a share.
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
        """Compressed bits per character."""
        return {name: 8 * size / self.sample_characters for name, size in self.compressed.items()}

    @property
    def bits_per_byte(self) -> dict[str, float]:
        """Compressed bits per byte of the text."""
        return {name: 8 * size / self.sample_bytes for name, size in self.compressed.items()}


def survey_source(source: Source, progress: Progress) -> Survey:
    """Read a source once, in bounded memory.

    Raises:
        CorpusError: it is unreadable, not UTF-8, or empty.
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


def conditional_entropies(ids: TokenIds, symbols: int) -> list[float]:
    """H(x | the k characters before), in bits/char, for k from 0 to MAX_ORDER or N - 1.

    High orders come out too low (Shannon 1951, "Prediction and entropy of printed English").

    >>> conditional_entropies(np.array([0, 1] * 8, np.uint8), symbols=2)[:2]
    [1.0, 0.0]
    """
    found = []
    for level in count_levels(ids, symbols, MAX_ORDER):
        totals = np.bincount(level.owners, weights=level.counts)
        if not len(totals):
            break  # no character of so short a text has so many before it
        bits = (level.counts * np.log2(totals[level.owners] / level.counts)).sum()
        found.append(float(bits / level.counts.sum()))
    return found


def compressed_sizes(text: str) -> dict[str, int]:
    """A text's size in bytes, by compressor."""
    raw = text.encode()
    return {name: len(compress(raw)) for name, (_, compress) in COMPRESSORS.items()}


def duplicate_share(lines: Sequence[str]) -> float:
    """The share of nonempty lines that are repeats.

    >>> duplicate_share(["a", "b", "", "a", "", "a"])
    0.5
    """
    full = [line for line in lines if line]
    return 1 - len(set(full)) / len(full) if full else 0.0
