"""Where a run stands: everything about its course that a resumed run must know, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from charlm.errors import CheckpointError


@dataclass
class Position:
    """Counters of a run.

    Attributes:
        step: steps taken.
        epoch: whole passes over the training part.
        index: batches taken of the current pass.
        targets: characters predicted.
        seconds: time spent, validation and saving included.
        loss_sum: training costs since the last validation, in nats.
        loss_targets: how many targets they belong to.
        train_nats_per_char: their mean at the last validation; None before the first.
        best_val: the lowest validation cost so far; None before the first.
        validated_at: seconds when the last validation ended.
    """

    step: int = 0
    epoch: int = 0
    index: int = 0
    targets: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_targets: int = 0
    train_nats_per_char: float | None = None
    best_val: float | None = None
    validated_at: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The counters as JSON values, by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str) -> Self:
        """The counters of a stored mapping; other names in it are left alone.

        Raises:
            CheckpointError: a counter is missing or cannot be.
        """
        position = cls()
        for name, default in position.to_json().items():
            value: Any = values.get(name)
            if value is not None or default is not None:
                kinds = (int,) if type(default) is int else (int, float)
                if type(value) not in kinds or not 0 <= value < 2**63:
                    raise CheckpointError(f"{where}: the counter {name} is {value!r}: the file is damaged")
            setattr(position, name, value)
        return position
