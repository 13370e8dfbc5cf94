"""How predictable a text is before anything has learnt it: its conditional entropies, and what packs it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charlm.base.arrays import TokenIds
from charlm.evaluate.measures.baselines import COMPRESSORS
from charlm.models.ngram.counts import count_levels

MAX_ORDER = 5


def conditional_entropies(ids: TokenIds, symbols: int) -> list[float]:
    """H(x | the k characters before), in bits a character, for k of 0 to MAX_ORDER or the text's length less 1.

    These are the entropies of the text's own frequencies, which know every character that they are to predict: of
    high orders they are far too low, unless the text is very long (Shannon 1951, "Prediction and entropy of
    printed English").

    Args:
        ids: the text (N,), at least one character.
        symbols: V, the size of the vocabulary.

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
    """The bytes that each compressor makes of a text, at its best level."""
    raw = text.encode()
    return {name: len(compress(raw)) for name, (_, compress) in COMPRESSORS.items()}


def duplicate_share(lines: Sequence[str]) -> float:
    """The share of the lines, empty ones aside, that have come before.

    >>> duplicate_share(["a", "b", "", "a", "", "a"])
    0.5
    """
    full = [line for line in lines if line]
    return 1 - len(set(full)) / len(full) if full else 0.0
