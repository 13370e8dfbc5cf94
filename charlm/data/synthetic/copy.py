"""The copy task: random letters, blanks, and the same letters again after a lag.

A line is w letters, each of S equally often, then blanks and a colon up to the place ``lag`` characters after the
first letter, then the same w letters and a newline (after Hochreiter and Schmidhuber 1997, "Long short-term
memory"; Arjovsky, Shah and Bengio 2016, "Unitary evolution recurrent neural networks"). A line has lag + w + 1
characters, of which only the first w are random:

    H = w log2 S / (lag + w + 1)

A model that forgets the letters, but knows the places, pays twice: 2 w log2 S bits a line.
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
    """Letters that come again after a lag: how far back can a model remember?"""

    lag: int = setting(10, "How many characters after a letter its copy comes.", low=2, high=1_000_000)
    width: int = setting(1, "How many letters are copied: at most the lag less 1.", low=1, high=999_999)
    symbols: int = setting(8, "How many different letters there are.", low=2, high=len(LETTERS))

    def __post_init__(self) -> None:
        """Check the settings; UsageError if the letters and the colon do not fit into the lag."""
        super().__post_init__()
        if self.width >= self.lag:
            raise UsageError(f"--width {self.width} needs a --lag of {self.width + 1} at least: it is {self.lag}")

    @property
    def bits_per_char(self) -> float:
        """See the module's docstring."""
        return self.width * math.log2(self.symbols) / (self.lag + self.width + 1)

    def draws(self, rng: np.random.Generator) -> Draws:
        """See Source.draws."""
        between = BLANK * (self.lag - self.width - 1) + CUE
        while True:
            letters = [LETTERS[number] for number in rng.integers(self.symbols, size=self.width)]
            for letter in letters:
                yield letter, 1 / self.symbols
            for character in (*between, *letters, "\n"):
                yield character, 1.0
