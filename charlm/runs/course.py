"""A run's course in three figures: how far its training went, how long it took, and the best that it reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class RunSummary:
    """What a run's training took and reached; None is what its curve does not tell.

    Attributes:
        steps: the steps that were taken before the latest validation.
        seconds: the time that they took.
        best_val_nats_per_char: the lowest cost of the validation part.
    """

    steps: int | None
    seconds: float | None
    best_val_nats_per_char: float | None

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]]) -> Self:
        """The course that a curve's records tell, oldest first.

        >>> RunSummary.of([{"step": 0, "seconds": 0.5, "val_nats_per_char": 3.25}, {"step": 8, "seconds": 2.0}])
        RunSummary(steps=8, seconds=2.0, best_val_nats_per_char=3.25)
        """
        last = records[-1] if records else {}
        costs = [record["val_nats_per_char"] for record in records if record.get("val_nats_per_char") is not None]
        return cls(last.get("step"), last.get("seconds"), min(costs, default=None))
