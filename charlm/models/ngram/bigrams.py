"""Bigrams of a part of any length: counted block by block, and kept beside the prepared corpus.

Of one part they are the same for every run, so they are in the alphabet's codes; each run makes its own levels of
them. What is kept has a sum of itself: what was altered is counted again.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from charlm.base.arrays import TokenIds
from charlm.base.files.atomic import PRIVATE, atomic_file
from charlm.data.encoded import EncodedText
from charlm.models.ngram.counts import Integers, Level

BLOCK = 1 << 20  # bigrams that are counted at once
DENSE = 1 << 20  # possible bigrams up to which a table of all of them is faster than sorting

_INTEGER = np.dtype("<i8")
_SUM = hashlib.sha256().digest_size


@dataclass(frozen=True, eq=False)
class Bigrams:
    """How often each symbol of an alphabet came after each.

    Attributes:
        symbols: A, the size of the alphabet.
        keys: first * A + second of every bigram that occurs (P,), sorted.
        counts: how often each does (P,).

    >>> bigrams = count_bigrams(np.array([0, 1, 0, 1, 1], np.uint8), 2)
    >>> bigrams.keys.tolist(), bigrams.counts.tolist()
    ([1, 2, 3], [2, 1, 1])
    """

    symbols: int
    keys: Integers
    counts: Integers


def bigrams_of(part: EncodedText) -> Bigrams:
    """The bigrams of a part, at least one symbol; counted where they are not kept."""
    kept = None if part.bigrams_path is None else _read(part.bigrams_path, part)
    if kept is not None:
        return kept
    bigrams = count_bigrams(part.ids, len(part.alphabet))
    if part.bigrams_path is not None:
        raw = np.concatenate([bigrams.keys, bigrams.counts]).astype(_INTEGER).tobytes()
        # Where the system refuses, they are counted again the next time.
        with suppress(OSError), atomic_file(part.bigrams_path, PRIVATE) as file:
            file.write(hashlib.sha256(raw).digest() + raw)
    return bigrams


def count_bigrams(ids: TokenIds, symbols: int) -> Bigrams:
    """Count a text (N,) of any length, at least one symbol, in memory of its different bigrams alone."""
    is_dense = symbols**2 <= DENSE
    table = np.zeros(symbols**2 if is_dense else 0, np.int64)
    keys = counts = np.zeros(0, np.int64)
    waiting: list[tuple[Integers, Integers]] = []
    for start in range(0, len(ids) - 1, BLOCK):
        block = ids[start : start + BLOCK + 1].astype(np.int64)
        found = block[:-1] * symbols + block[1:]
        if is_dense:
            table += np.bincount(found, minlength=len(table))
            continue
        waiting.append(np.unique(found, return_counts=True))
        # Sorting what is known in again costs more than the block, unless the blocks are as many.
        if sum(len(each) for each, _ in waiting) > max(BLOCK, len(keys)):
            keys, counts = _merged([(keys, counts), *waiting])
            waiting = []
    if is_dense:
        keys = np.flatnonzero(table)
        return Bigrams(symbols, keys, table[keys])
    return Bigrams(symbols, *_merged([(keys, counts), *waiting]))


def bigram_levels(part: EncodedText, table_A: TokenIds, symbols: int, end: int | None) -> list[Level]:
    """What ``count_levels`` counts for contexts of 0 and 1 characters, from a part's bigrams.

    Args:
        part: at least one symbol, all of which the vocabulary has.
        table_A: the vocabulary's code of each of the alphabet's symbols.
        symbols: V, the size of the vocabulary.
        end: the vocabulary's code of the end of a document; None where there is none.
    """
    bigrams = bigrams_of(part)
    table = table_A.astype(np.int64)
    firsts, seconds = table[bigrams.keys // bigrams.symbols], table[bigrams.keys % bigrams.symbols]
    of_symbols = np.zeros(symbols, np.int64)
    np.add.at(of_symbols, seconds, bigrams.counts)
    of_symbols[table[part.ids[0]]] += 1
    seen = np.flatnonzero(of_symbols)
    zeros = np.zeros(len(seen), np.int64)
    unigrams = Level(1, symbols, seen, of_symbols[seen], zeros, zeros.astype(np.bool_))
    keys, counts = _merged([(np.searchsorted(seen, firsts) * symbols + seconds, bigrams.counts)])
    is_first = seen[keys // symbols] == (-1 if end is None else end)
    return [unigrams, Level(len(seen), symbols, keys, counts, np.searchsorted(seen, keys % symbols), is_first)]


def _merged(found: list[tuple[Integers, Integers]]) -> tuple[Integers, Integers]:
    """Keys, sorted and each once, and the sums of their counts."""
    keys, numbers = np.unique(np.concatenate([keys for keys, _ in found]), return_inverse=True)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, numbers, np.concatenate([counts for _, counts in found]))
    return keys, counts


def _read(path: Path, part: EncodedText) -> Bigrams | None:
    """What is kept; None where there is nothing, or it is not what was written for this part."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(raw[_SUM:]).digest() != raw[:_SUM] or (len(raw) - _SUM) % (2 * _INTEGER.itemsize):
        return None
    keys, counts = np.frombuffer(raw[_SUM:], _INTEGER).astype(np.int64).reshape(2, -1)
    symbols = len(part.alphabet)
    is_whole = counts.sum() == len(part) - 1 and (np.diff(keys) > 0).all() and (counts > 0).all()
    is_inside = not len(keys) or (keys[0] >= 0 and keys[-1] < symbols**2)
    return Bigrams(symbols, keys, counts) if is_whole and is_inside else None
