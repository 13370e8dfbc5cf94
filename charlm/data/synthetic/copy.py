"""The copy task: random letters, blanks, and the same letters again after a lag.

The first w of lag + w + 1 characters are random, of S letters (after Hochreiter and Schmidhuber 1997; Arjovsky,
Shah and Bengio 2016):

    H = w log2 S / (lag + w + 1)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from charlm.base.errors import UsageError
from charlm.config import setting
from charlm.data.synthetic_source import LETTERS, Draws, Source

BLANK, CUE = ".", ":"


@dataclass(frozen=True)
class Copy(Source):
    """Letters that are repeated after a lag: how long a model remembers."""

    lag: int = setting(10, "Distance from a letter to its copy, in characters.", low=2, high=1_000_000)
    width: int = setting(1, "Number of letters copied; less than the lag.", low=1, high=999_999)
    symbols: int = setting(8, "Number of different letters.", low=2, high=len(LETTERS))

    def __post_init__(self) -> None:
        """Check the settings; UsageError if the lag is too short."""
        super().__post_init__()
        if self.width >= self.lag:
            raise UsageError(f"--width {self.width} needs a --lag of {self.width + 1} at least: it is {self.lag}")

    @property
    def bits_per_char(self) -> float:
        """H, in bits."""
        return self.width * math.log2(self.symbols) / (self.lag + self.width + 1)

    def draws(self, rng: np.random.Generator) -> Draws:
        """Lines of the task."""
        between = BLANK * (self.lag - self.width - 1) + CUE
        while True:
            letters = [LETTERS[number] for number in rng.integers(self.symbols, size=self.width)]
            for letter in letters:
                yield letter, 1 / self.symbols
            for character in (*between, *letters, "\n"):
                yield character, 1.0
