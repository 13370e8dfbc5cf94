"""Bigram counts of a split, in the alphabet's ids, cached."""

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

BLOCK = 1 << 20  # bigrams counted at once
DENSE = 1 << 20  # possible bigrams up to which a table of all of them is faster than sorting

_INTEGER = np.dtype("<i8")
_SUM = hashlib.sha256().digest_size


@dataclass(frozen=True, eq=False)
class Bigrams:
    """How often each symbol follows each other: ``keys`` (first * vocab_size + second) and ``counts`` (P,).

    >>> bigrams = count_bigrams(np.array([0, 1, 0, 1, 1], np.uint8), 2)
    >>> bigrams.keys.tolist(), bigrams.counts.tolist()
    ([1, 2, 3], [2, 1, 1])
    """

    vocab_size: int
    keys: Integers
    counts: Integers


def load_bigrams(text: EncodedText) -> Bigrams:
    """The bigrams of a text, from the cache or counted."""
    cached = None if text.bigrams_path is None else _read(text.bigrams_path, text)
    if cached is not None:
        return cached
    bigrams = count_bigrams(text.ids, len(text.alphabet))
    if text.bigrams_path is not None:
        raw = np.concatenate([bigrams.keys, bigrams.counts]).astype(_INTEGER).tobytes()
        # If the file cannot be written, they are counted again the next time.
        with suppress(OSError), atomic_file(text.bigrams_path, PRIVATE) as file:
            file.write(hashlib.sha256(raw).digest() + raw)
    return bigrams


def count_bigrams(ids: TokenIds, vocab_size: int) -> Bigrams:
    """Count the bigrams of a non-empty text (N,)."""
    is_dense = vocab_size**2 <= DENSE
    table = np.zeros(vocab_size**2 if is_dense else 0, np.int64)
    keys = counts = np.zeros(0, np.int64)
    waiting: list[tuple[Integers, Integers]] = []
    for start in range(0, len(ids) - 1, BLOCK):
        block = ids[start : start + BLOCK + 1].astype(np.int64)
        found = block[:-1] * vocab_size + block[1:]
        if is_dense:
            table += np.bincount(found, minlength=len(table))
            continue
        waiting.append(np.unique(found, return_counts=True))
        # Merging is slow, so wait until the new blocks have as many bigrams as the merged ones.
        if sum(len(each) for each, _ in waiting) > max(BLOCK, len(keys)):
            keys, counts = _merge([(keys, counts), *waiting])
            waiting = []
    if is_dense:
        keys = np.flatnonzero(table)
        return Bigrams(vocab_size, keys, table[keys])
    return Bigrams(vocab_size, *_merge([(keys, counts), *waiting]))


def bigram_levels(text: EncodedText, table_A: TokenIds, vocab_size: int, end: int | None) -> list[Level]:
    """The levels of order 1; ``table_A`` maps symbols to the vocabulary's ids."""
    bigrams = load_bigrams(text)
    table = table_A.astype(np.int64)
    firsts, seconds = table[bigrams.keys // bigrams.vocab_size], table[bigrams.keys % bigrams.vocab_size]
    unigram_counts = np.zeros(vocab_size, np.int64)
    np.add.at(unigram_counts, seconds, bigrams.counts)
    unigram_counts[table[text.ids[0]]] += 1
    seen = np.flatnonzero(unigram_counts)
    zeros = np.zeros(len(seen), np.int64)
    unigrams = Level(1, vocab_size, seen, unigram_counts[seen], zeros, zeros.astype(np.bool_))
    keys, counts = _merge([(np.searchsorted(seen, firsts) * vocab_size + seconds, bigrams.counts)])
    is_first = seen[keys // vocab_size] == (-1 if end is None else end)
    shorter = np.searchsorted(seen, keys % vocab_size)
    return [unigrams, Level(len(seen), vocab_size, keys, counts, shorter, is_first)]


def _merge(found: list[tuple[Integers, Integers]]) -> tuple[Integers, Integers]:
    """Sorted unique keys and their counts."""
    keys, numbers = np.unique(np.concatenate([keys for keys, _ in found]), return_inverse=True)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, numbers, np.concatenate([counts for _, counts in found]))
    return keys, counts


def _read(path: Path, text: EncodedText) -> Bigrams | None:
    """The cached bigrams, or None."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(raw[_SUM:]).digest() != raw[:_SUM] or (len(raw) - _SUM) % (2 * _INTEGER.itemsize):
        return None
    keys, counts = np.frombuffer(raw[_SUM:], _INTEGER).astype(np.int64).reshape(2, -1)
    vocab_size = len(text.alphabet)
    is_whole = counts.sum() == len(text) - 1 and (np.diff(keys) > 0).all() and (counts > 0).all()
    is_inside = not len(keys) or (keys[0] >= 0 and keys[-1] < vocab_size**2)
    return Bigrams(vocab_size, keys, counts) if is_whole and is_inside else None
