"""Random generators that are derived, never stored.

Every random number in charlm comes from a Generator that is passed in, and every Generator is made here from
three things: the run's seed, the purpose that it serves, and a counter (a step, an epoch). Purposes therefore
never disturb one another (drawing a sample in mid-training changes nothing that follows), and a resumed run
needs no generator's state: the counters that it stores anyway are enough.
"""

from __future__ import annotations

import zlib

import numpy as np


def make_generator(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """The generator of a purpose at a counter.

    Args:
        seed: the run's seed, 0 or more.
        purpose: what the numbers are for, such as ``"dropout"``.
        counters: which step, epoch or worker they are for.

    >>> make_generator(1, "dropout", 7).random() == make_generator(1, "dropout", 7).random()
    True
    >>> make_generator(1, "dropout", 7).random() == make_generator(1, "dropout", 8).random()
    False
    """
    # A seed sequence takes no notice of zeros at its end, so the number of counters is part of the key.
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), len(counters), *counters])
