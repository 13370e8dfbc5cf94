"""Random generators from a seed, a purpose and counters."""

from __future__ import annotations

import zlib

import numpy as np


def make_generator(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """The generator of a purpose at its counters (step, epoch, worker).

    >>> make_generator(1, "dropout", 7).random() == make_generator(1, "dropout", 7).random()
    True
    >>> make_generator(1, "dropout", 7).random() == make_generator(1, "dropout", 8).random()
    False
    """
    # A seed sequence ignores trailing zeros, so the number of counters is part of the key.
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), len(counters), *counters])
