"""What a source is: settings, an endless stream of characters with their probabilities, and an entropy rate.

The entropy rate is the limit of H(x_1 ... x_n) / n, in bits a character (Shannon 1948, "A mathematical theory of
communication"; Cover and Thomas 2006, "Elements of information theory", chapter 4). Where a hidden state of the
source can be told from the characters before, as in all sources here, it is the mean over the states, each as
often as the source is in it, of the entropy of the character that follows.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.config import Config

Draws: TypeAlias = Iterator[tuple[str, float]]

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Drawn:
    """A text from a source.

    Attributes:
        characters: N of them.
        bits: what each cost its own source (N,): minus log2 of its probability, given all before it.
    """

    characters: str
    bits: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Source(Config):
    """A source of text; its fields are its settings, its docstring's first line its help."""

    @property
    @abstractmethod
    def bits_per_char(self) -> float:
        """The entropy rate: what the best possible model pays in the long run."""

    @abstractmethod
    def draws(self, rng: np.random.Generator) -> Draws:
        """Characters without end, each with its probability given all before it.

        Args:
            rng: what all that is random comes from; the same state gives the same characters.
        """

    def text(self, length: int, rng: np.random.Generator) -> Drawn:
        """The first ``length`` characters, at least one; a longer text begins with the shorter one."""
        characters, probabilities = zip(*islice(self.draws(rng), length), strict=True)
        return Drawn("".join(characters), np.log2(np.reciprocal(probabilities)))


def entropy_bits(*probabilities: float) -> float:
    """The entropy of a distribution, in bits; what has no probability adds nothing.

    >>> entropy_bits(0.5, 0.25, 0.25, 0.0)
    1.5
    """
    return math.fsum(p * math.log2(1 / p) for p in probabilities if p)
