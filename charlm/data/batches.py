"""Batches: the named arrays of a training step, and where they come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

BatchSpec: TypeAlias = Mapping[str, tuple[tuple[int, ...], npt.DTypeLike]]
"""The largest shape and the dtype of each field of a batch."""


@dataclass(frozen=True)
class Batch:
    """The input of a training step: named arrays with the batch axis last.

        x_TB            inputs; 0 without a target
        y_TB            targets, the characters after the inputs; 0 if none
        target_mask_TB  where there is a target; omitted if everywhere
        carry_TB        False where the state is reset first; omitted if nowhere

    ``num_targets`` counts those of all columns, also of others' of which this batch has none. With
    ``resets_state``, the batch starts from the initial state.
    """

    fields: Mapping[str, npt.NDArray[Any]]
    num_targets: int
    resets_state: bool

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.fields[name]

    def get(self, name: str) -> npt.NDArray[Any] | None:
        """A field, or None if it is omitted."""
        return self.fields.get(name)

    @property
    def sizes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each field without the batch axis."""
        return {name: values.shape[:-1] for name, values in self.fields.items()}


class Batches(ABC):
    """The batches of a training split, epoch by epoch."""

    @property
    @abstractmethod
    def targets_per_epoch(self) -> int:
        """The targets of an epoch."""

    @property
    @abstractmethod
    def batches_per_epoch(self) -> int:
        """The maximal number of batches in an epoch."""

    @property
    @abstractmethod
    def longest(self) -> int:
        """The most time steps of a batch."""

    @property
    @abstractmethod
    def most_targets(self) -> int:
        """The most targets of a batch."""

    @abstractmethod
    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, from batch ``start`` on."""
