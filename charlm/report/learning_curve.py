"""Learning curves from training logs: training and validation loss of runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from charlm.base.errors import RunError
from charlm.base.tables import Curve

NATS_PER_UNIT = {"bits": math.log(2), "nats": 1.0}
LOSSES = {"train": "train_nats_per_char", "val": "val_nats_per_char"}
KEYS = {"steps": "step", "seconds": "seconds", "epochs": "epoch"}

Records = Sequence[Mapping[str, Any]]


def learning_curve(logs: Mapping[str, Records], x: str, unit: str) -> Curve:
    """Make the learning curves of runs.

    Args:
        logs: each run's records by its name.
        x: "steps", "seconds" or "epochs".
        unit: "bits" or "nats".

    Raises:
        RunError: a run has no records.
    """
    series = {}
    for name, records in logs.items():
        points = {split: _find_points(records, KEYS[x], LOSSES[split], NATS_PER_UNIT[unit]) for split in LOSSES}
        if not any(points.values()):
            raise RunError(f"{name} has no learning curve yet: train it longer, or name another run")
        for split, pairs in points.items():
            if pairs:
                series[f"{name} {split}"] = ([place for place, _ in pairs], [value for _, value in pairs])
    return Curve("Learning curves", x, f"{unit}/char", series)


def _find_points(records: Records, x: str, loss: str, nats_per_unit: float) -> list[tuple[float, float]]:
    """The points (x, loss) of the records."""
    pairs = [(record.get(x), record.get(loss)) for record in records]
    return [
        (place, value / nats_per_unit)
        for place, value in pairs
        if isinstance(place, int | float) and isinstance(value, int | float)
    ]
