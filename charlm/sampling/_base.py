"""What a filter is, and how a character is drawn: pure functions of logits, handed their random numbers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from charlm.arrays import Floats
from charlm.config import Config


@dataclass(frozen=True)
class Filter(Config):
    """One setting, named like the file, and what it does to logits.

    Attributes of a class:
        rank: filters are applied in the order of their ranks.
    """

    rank: ClassVar[int]

    @abstractmethod
    def apply(self, logits_BV: Floats) -> None:
        """Change the logits in place; minus infinity rules a symbol out, never every symbol of a row."""


def probabilities(logits_BV: Floats) -> npt.NDArray[np.float64]:
    """The softmax of each row (B, V), in float64; a symbol at minus infinity gets 0."""
    weights_BV = _weights(logits_BV)
    weights_BV /= weights_BV.sum(axis=1, keepdims=True)
    return weights_BV


def draw(logits_BV: Floats, uniform_B: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Draw a symbol for each row by inverting its distribution function.

    Args:
        logits_BV: unnormalised log-probabilities.
        uniform_B: a number in [0, 1) for each row.

    Returns:
        The symbols (B,).

    >>> draw(np.log([[0.5, 0.25, 0.25]] * 3), np.array([0.0, 0.6, 0.99])).tolist()
    [0, 1, 2]
    """
    cumulative_BV = _weights(logits_BV)
    np.add.accumulate(cumulative_BV, axis=1, out=cumulative_BV)
    # Scaled by the sum, so that the weights need not be; ">" steps over symbols of probability 0.
    thresholds_B = uniform_B * cumulative_BV[:, -1]
    drawn_B: npt.NDArray[np.intp] = (cumulative_BV > thresholds_B[:, None]).argmax(axis=1)
    return drawn_B


def _weights(logits_BV: Floats) -> npt.NDArray[np.float64]:
    """Probabilities but for a factor: each row's likeliest symbol weighs 1."""
    weights_BV: npt.NDArray[np.float64] = np.subtract(
        logits_BV, logits_BV.max(axis=1, keepdims=True), dtype=np.float64
    )
    return np.exp(weights_BV, out=weights_BV)
