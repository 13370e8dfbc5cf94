"""Texts in memory, with what each character costs its own source."""

from dataclasses import dataclass
from itertools import islice

import numpy as np


@dataclass(frozen=True)
class Drawn:
    """A text of N characters, and minus log2 of the probability of each (N,)."""

    characters: str
    bits: np.ndarray


def draw(source, length, rng):
    """The first characters of a source, at least one."""
    characters, probabilities = zip(*islice(source.draws(rng), length), strict=True)
    return Drawn("".join(characters), np.log2(np.reciprocal(probabilities)))
