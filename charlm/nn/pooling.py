"""Pooling: from a sequence's outputs to one vector; padding in front counts for nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.nn.buffers import State
from charlm.nn.pyramid import Lengths


class Pooling(ABC):
    """One pass of pooling over sequences (T, B, D) that end together."""

    def __init__(self, length_B: Lengths) -> None:
        self.length_B = length_B

    @abstractmethod
    def forward(self, h_TBD: Floats, finals: list[State]) -> Floats:
        """A vector for each sequence (B, D); zeros for an empty one."""

    @abstractmethod
    def backward(self, dpooled_BD: Floats, dh_TBD: Floats, dfinals: list[State]) -> None:
        """Write the gradients of the outputs and of the final states; both are zeros before."""

    def is_own_TB1(self, steps: int) -> npt.NDArray[np.bool_]:
        """Where the sequences are (T, B, 1)."""
        own_TB1: npt.NDArray[np.bool_] = (np.arange(steps)[:, None] >= steps - self.length_B)[..., None]
        return own_TB1


class Last(Pooling):
    """The final states of all directions."""

    def forward(self, h_TBD: Floats, finals: list[State]) -> Floats:
        """The states' h, joined."""
        pooled_BD: Floats = np.concatenate([h_BH for h_BH, *_ in finals], axis=-1)
        pooled_BD[self.length_B == 0] = 0
        return pooled_BD

    def backward(self, dpooled_BD: Floats, dh_TBD: Floats, dfinals: list[State]) -> None:
        """Write the gradients of the states."""
        parts = np.split(dpooled_BD * (self.length_B > 0)[:, None], len(dfinals), axis=-1)
        for (dh_BH, *_), part_BH in zip(dfinals, parts, strict=True):
            dh_BH[:] = part_BH


class Mean(Pooling):
    """The mean over each sequence's own steps."""

    def forward(self, h_TBD: Floats, finals: list[State]) -> Floats:
        """The means."""
        summed_BD = np.where(self.is_own_TB1(len(h_TBD)), h_TBD, 0).sum(axis=0)
        pooled_BD: Floats = (summed_BD / self._divisors_B1).astype(h_TBD.dtype, copy=False)
        return pooled_BD

    def backward(self, dpooled_BD: Floats, dh_TBD: Floats, dfinals: list[State]) -> None:
        """Spread the gradient over the steps."""
        dh_TBD[:] = np.where(self.is_own_TB1(len(dh_TBD)), dpooled_BD / self._divisors_B1, 0)

    @property
    def _divisors_B1(self) -> Lengths:
        return np.maximum(self.length_B, 1)[:, None]


class Max(Pooling):
    """The largest of each unit over each sequence's own steps; the first, where several are."""

    def forward(self, h_TBD: Floats, finals: list[State]) -> Floats:
        """The largest."""
        own_TBD = np.where(self.is_own_TB1(len(h_TBD)), h_TBD, -np.inf)
        self._places_1BD = own_TBD.argmax(axis=0, keepdims=True)
        pooled_BD: Floats = np.take_along_axis(h_TBD, self._places_1BD, axis=0)[0]
        pooled_BD[self.length_B == 0] = 0
        return pooled_BD

    def backward(self, dpooled_BD: Floats, dh_TBD: Floats, dfinals: list[State]) -> None:
        """Give each unit's gradient to its step."""
        own_BD = dpooled_BD * (self.length_B > 0)[:, None]
        np.put_along_axis(dh_TBD, self._places_1BD, own_BD[None].astype(dh_TBD.dtype, copy=False), axis=0)


POOLINGS: dict[str, type[Pooling]] = {"last": Last, "mean": Mean, "max": Max}
"""By the value of ``--pooling``."""
