"""Synthetic sources of characters, with known entropy rates.

The entropy rate is the limit of H(x_1 ... x_n) / n, in bits/char (Shannon 1948; Cover and Thomas 2006, ch. 4).
Here it is the stationary mean of the entropy of the next character, as the state follows from the past.
"""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from charlm.base.errors import CorpusError, UsageError
from charlm.base.files.atomic import atomic_file, check_disk_space
from charlm.config import Config

Draws: TypeAlias = Iterator[tuple[str, float]]

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Source(Config):
    """A source of text; the first line of a docstring is its help."""

    @property
    @abstractmethod
    def bits_per_char(self) -> float:
        """The entropy rate."""

    @property
    def bits_per_missing(self) -> float | None:
        """The entropy of a single missing character where all others are visible; None if it is not known."""
        return None

    @abstractmethod
    def draws(self, rng: np.random.Generator) -> Draws:
        """Endless characters with their conditional probabilities."""


def entropy_bits(*probabilities: float) -> float:
    """The entropy of a distribution, in bits.

    >>> entropy_bits(0.5, 0.25, 0.25, 0.0)
    1.5
    """
    return math.fsum(p * math.log2(1 / p) for p in probabilities if p)


BLOCK = 1 << 16  # characters


@dataclass(frozen=True)
class WrittenText:
    """A file's length, loss under the source, and sha256."""

    characters: int
    bits_per_char: float
    sha256: str


def write_text(
    source: Source, length: int, rng: np.random.Generator, path: Path, progress: Callable[[int, int], None]
) -> WrittenText:
    """Draw ``length`` characters into a new file.

    Raises:
        UsageError: the file exists.
        CorpusError: it cannot be written.
    """
    digest, bits, done = hashlib.sha256(), 0.0, 0
    draws = source.draws(rng)
    try:
        if path.exists():
            raise UsageError(f"{path} exists: name another file by --out, or remove it")
        check_disk_space(path.parent, length)
        with atomic_file(path) as file:
            while block := list(islice(draws, min(BLOCK, length - done))):
                characters, probabilities = zip(*block, strict=True)
                raw = "".join(characters).encode()
                file.write(raw)
                digest.update(raw)
                bits -= float(np.log2(probabilities).sum())
                done += len(block)
                progress(done, length)
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be written: {error.strerror or error}", hint="give another file"
        ) from None
    return WrittenText(done, bits / done, digest.hexdigest())
