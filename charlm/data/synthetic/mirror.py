"""Mirrored lines: w random letters, of S letters, and their mirror image, in which each may be another letter.

A mirrored letter differs with probability q; then it is any of the others. Read in one direction, with h the
entropy of q,

    H = w (log2 S + h(q) + q log2(S - 1)) / (2 w + 1)

A single missing letter is known from its mirror image but for the same noise. If all others are visible, it has
2 w (h(q) + q log2(S - 1)) / (2 w + 1) bits on average, the ends of lines included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from charlm.config import setting
from charlm.data.synthetic_source import LETTERS, Draws, Source, entropy_bits


@dataclass(frozen=True)
class Mirror(Source):
    """Lines whose second half mirrors the first: a model must see both sides."""

    width: int = setting(3, "Letters of half a line.", low=1, high=1_000_000)
    symbols: int = setting(8, "Number of different letters.", low=2, high=len(LETTERS))
    noise: float = setting(0.1, "Probability that a mirrored letter is another.", low=0, below=1)

    @property
    def bits_per_char(self) -> float:
        """H, in bits."""
        return self.width * (math.log2(self.symbols) + self._noise_bits) / (2 * self.width + 1)

    @property
    def bits_per_missing(self) -> float:
        """The entropy of a single missing character, the ends of lines included, in bits."""
        return 2 * self.width * self._noise_bits / (2 * self.width + 1)

    @property
    def _noise_bits(self) -> float:
        return entropy_bits(1 - self.noise, self.noise) + self.noise * math.log2(self.symbols - 1)

    def draws(self, rng: np.random.Generator) -> Draws:
        """Lines of letters and their mirror images."""
        while True:
            numbers = rng.integers(self.symbols, size=self.width)
            for number in numbers:
                yield LETTERS[number], 1 / self.symbols
            is_other = rng.random(self.width) < self.noise
            shifts = rng.integers(1, self.symbols, size=self.width) * is_other
            for number, shift in zip(numbers[::-1], shifts[::-1], strict=True):
                share = 1 - self.noise if shift == 0 else self.noise / (self.symbols - 1)
                yield LETTERS[(number + shift) % self.symbols], share
            yield "\n", 1.0
