"""A pseudo-random permutation, computed on demand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer[Any]]
_Words = npt.NDArray[np.uint64]

ROUNDS = 8


class Permutation:
    """A permutation of the numbers 0 to ``count`` - 1.

    A Feistel network (Luby & Rackoff 1988) with the mixer of SplitMix64 (Steele, Lea & Flood 2014).
    Numbers out of range are encrypted again (Black & Rogaway 2002).

    >>> permutation = Permutation(10, np.random.default_rng(1))
    >>> sorted(permutation(np.arange(10)).tolist())
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        """Draw the keys; ValueError unless 1 <= ``count`` <= 2**62."""
        if not 1 <= count <= 2**62:
            raise ValueError(f"there is no permutation of {count} numbers here")
        self.count = count
        half_bits = max(1, ((count - 1).bit_length() + 1) // 2)
        self._half_bits = np.uint64(half_bits)
        self._mask = np.uint64(2**half_bits - 1)
        self._keys = rng.integers(2**64, size=ROUNDS, dtype=np.uint64)

    def __call__(self, numbers_N: Integers) -> npt.NDArray[np.int64]:
        """The images of these numbers (N,)."""
        words_N = self._encrypt(numbers_N.astype(np.uint64))
        (outside,) = np.nonzero(words_N >= self.count)
        while len(outside):
            words_N[outside] = self._encrypt(words_N[outside])
            outside = outside[words_N[outside] >= self.count]
        return words_N.astype(np.int64)

    def _encrypt(self, words_N: _Words) -> _Words:
        left_N, right_N = words_N >> self._half_bits, words_N & self._mask
        for key in self._keys:
            left_N, right_N = right_N, left_N ^ (_mixed(right_N + key) & self._mask)
        encrypted_N: _Words = left_N << self._half_bits | right_N
        return encrypted_N


def _mixed(words_N: _Words) -> _Words:
    """SplitMix64's mixer."""
    words_N ^= words_N >> np.uint64(30)
    words_N *= np.uint64(0xBF58476D1CE4E5B9)
    words_N ^= words_N >> np.uint64(27)
    words_N *= np.uint64(0x94D049BB133111EB)
    words_N ^= words_N >> np.uint64(31)
    return words_N
