"""The sampling filters, in order, and the draw."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.config import Config, setting

FILTERS: dict[str, type[Filter]] = {}
"""Every filter by the name of its setting, in the order in which they apply."""


@dataclass(frozen=True)
class Filter(Config):
    """One sampling setting that changes logits."""

    def __init_subclass__(cls) -> None:
        FILTERS[next(iter(cls.__annotations__))] = cls

    @abstractmethod
    def apply(self, logits_BV: Floats) -> None:
        """Change logits in place; minus infinity excludes a symbol."""


@dataclass(frozen=True)
class Temperature(Filter):
    """Logits divided by a temperature (Ackley, Hinton & Sejnowski 1985); 0 keeps the likeliest."""

    temperature: float = setting(1.0, "Below 1 is safer, above 1 more surprising.", low=0, high=1000)

    def apply(self, logits_BV: Floats) -> None:
        """Divide; at 0, exclude all but the likeliest."""
        if self.temperature == 1:
            return
        # Below its type's smallest normal number a temperature would be rounded, perhaps to zero.
        if self.temperature < np.finfo(logits_BV.dtype).tiny:
            best_B = logits_BV.argmax(axis=1)
            logits_BV[:] = -np.inf
            logits_BV[np.arange(len(best_B)), best_B] = 0
        else:
            # Shifted first, so that a tiny temperature sends the others to minus infinity and nothing to plus.
            with np.errstate(over="ignore"):
                logits_BV -= logits_BV.max(axis=1, keepdims=True)
                logits_BV /= self.temperature


@dataclass(frozen=True)
class TopK(Filter):
    """Keep the k likeliest (Fan, Lewis & Dauphin 2018); ties go to the first."""

    top_k: int | None = setting(None, "Choose among the K likeliest characters.", low=1)

    def apply(self, logits_BV: Floats) -> None:
        """Exclude all but the k likeliest."""
        if self.top_k is None or self.top_k >= logits_BV.shape[1]:
            return
        order_BV = np.argsort(-logits_BV, axis=1, kind="stable")
        np.put_along_axis(logits_BV, order_BV[:, self.top_k :], -np.inf, axis=1)


@dataclass(frozen=True)
class TopP(Filter):
    """Keep the fewest likeliest with probabilities of p or more (Holtzman et al. 2020)."""

    top_p: float | None = setting(
        None, "Nucleus sampling: the smallest set with this total probability.", above=0, high=1
    )

    def apply(self, logits_BV: Floats) -> None:
        """Exclude what lies outside the nucleus."""
        if self.top_p is None:
            return
        p_BV = probabilities(logits_BV)
        order_BV = np.argsort(-p_BV, axis=1, kind="stable")
        sorted_BV = np.take_along_axis(p_BV, order_BV, axis=1)
        before_BV = np.cumsum(sorted_BV, axis=1) - sorted_BV
        outside_BV = np.zeros(p_BV.shape, dtype=bool)
        np.put_along_axis(outside_BV, order_BV, before_BV >= self.top_p, axis=1)
        logits_BV[outside_BV] = -np.inf


@dataclass(frozen=True)
class MinP(Filter):
    """Keep at least min-p times the likeliest's probability (Nguyen et al. 2024)."""

    min_p: float | None = setting(
        None, "Choose among characters at least this fraction as likely as the likeliest.", low=0, high=1
    )

    def apply(self, logits_BV: Floats) -> None:
        """Exclude what is too improbable."""
        if not self.min_p:
            return
        logits_BV[logits_BV < logits_BV.max(axis=1, keepdims=True) + math.log(self.min_p)] = -np.inf


def probabilities(logits_BV: Floats) -> npt.NDArray[np.float64]:
    """The softmax of each row (B, V), in float64."""
    weights_BV = _weights(logits_BV)
    weights_BV /= weights_BV.sum(axis=1, keepdims=True)
    return weights_BV


def sample_ids(logits_BV: Floats, uniform_B: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Draw a symbol for each row (B,) from uniform numbers in [0, 1).

    >>> sample_ids(np.log([[0.5, 0.25, 0.25]] * 3), np.array([0.0, 0.6, 0.99])).tolist()
    [0, 1, 2]
    """
    cumulative_BV = _weights(logits_BV)
    np.add.accumulate(cumulative_BV, axis=1, out=cumulative_BV)
    # Scaled by the sum, so that the weights need not be; ">" steps over symbols of probability 0.
    thresholds_B = uniform_B * cumulative_BV[:, -1]
    drawn_B: npt.NDArray[np.intp] = (cumulative_BV > thresholds_B[:, None]).argmax(axis=1)
    return drawn_B


def _weights(logits_BV: Floats) -> npt.NDArray[np.float64]:
    """Probabilities relative to each row's likeliest."""
    weights_BV: npt.NDArray[np.float64] = np.subtract(
        logits_BV, logits_BV.max(axis=1, keepdims=True), dtype=np.float64
    )
    return np.exp(weights_BV, out=weights_BV)
