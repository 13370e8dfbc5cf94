"""Learning curves from training logs: training and validation loss of runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from charlm.base.errors import RunError, UsageError
from charlm.base.tables import Curve
from charlm.runs.metrics import is_training_loss

NATS_PER_UNIT = {"bits": math.log(2), "nats": 1.0}
KEYS = {"steps": "step", "seconds": "seconds", "epochs": "epoch"}
START = 1 / 20  # of a run: its losses do not set the axis, because they fall from far above
ROOM = 0.05  # of the axis, above and below

Records = Sequence[Mapping[str, Any]]
Points = list[tuple[float, float]]


def learning_curve(logs: Mapping[str, Records], x: str, unit: str) -> Curve:
    """Make the learning curves of runs: a color for each, with its best validation marked.

    Args:
        logs: each run's records by its name, of validations and of training losses.
        x: "steps", "seconds" or "epochs".
        unit: "bits" or "nats".

    Raises:
        RunError: a run has fewer than two points.
        UsageError: the runs' losses have different units.
    """
    loss = _find_common_loss(logs)
    lines: dict[str, Points] = {}
    groups: dict[str, str] = {}
    marks: dict[str, tuple[float, float, str]] = {}
    faint = []
    for name, records in logs.items():
        train, val = (f"{name} {split}" for split in ("train", "val"))
        found = {
            train: _training_loss(records, x, loss, unit),
            val: _find_points(records, x, f"val_{loss}", unit),
        }
        _check_enough(name, found.values(), x)
        lines |= {line: points for line, points in found.items() if points}
        groups |= dict.fromkeys(found, name)
        faint.append(train)
        if found[val]:
            place, best = min(found[val], key=lambda point: point[1])
            marks[val] = (place, best, f"{name} best {best:.3f}")
    series = {line: ([place for place, _ in points], [y for _, y in points]) for line, points in lines.items()}
    limits = _limits(lines.values(), [best for _, best, _ in marks.values()])
    return Curve("Learning curves", x, f"loss, {_name_unit(loss, unit)}", series, groups, faint, marks, limits)


def find_loss(records: Records) -> str:
    """The name of a log's loss, without the split.

    >>> find_loss([{"step": 0, "train_nats_per_label": None, "val_nats_per_label": 2.9}])
    'nats_per_label'
    """
    names = (name for record in records for name in record if name.startswith("train_"))
    return next(names, "train_nats_per_char").removeprefix("train_")


def _find_common_loss(logs: Mapping[str, Records]) -> str:
    losses = {name: find_loss(records) for name, records in logs.items()}
    if len(set(losses.values())) > 1:
        shown = ", ".join(f"{name} in {loss.replace('_', ' ')}" for name, loss in losses.items())
        raise UsageError(f"losses in different units cannot share axes: {shown}; plot them apart")
    return next(iter(losses.values()))


def _name_unit(loss: str, unit: str) -> str:
    """The unit of a loss, as people read it."""
    return loss.replace("nats_per_", f"{unit}/").replace("_", " ")


def _training_loss(records: Records, x: str, loss: str, unit: str) -> Points:
    """The training loss about 200 times a run; of runs that lack it, its means between validations."""
    own = [record for record in records if is_training_loss(record)]
    return _find_points(own or records, x, f"train_{loss}", unit)


def _find_points(records: Records, x: str, loss: str, unit: str) -> Points:
    """The points (x, loss) of the records."""
    nats_per_unit = NATS_PER_UNIT[unit] if "nats_per_" in loss else 1.0
    pairs = [(record.get(KEYS[x]), record.get(loss)) for record in records]
    return [
        (place, value / nats_per_unit)
        for place, value in pairs
        if isinstance(place, int | float) and isinstance(value, int | float)
    ]


def _check_enough(name: str, lines: Iterable[Points], x: str) -> None:
    """Check that one of a run's lines has two points.

    Raises:
        RunError: none has.
    """
    longest = max(lines, key=len)
    if len(longest) < 2:
        had = f"one point of a learning curve, at {longest[0][0]:g} {x}" if longest else "no learning curve yet"
        raise RunError(f"{name} has {had}; a line needs two: train it longer, or name another run")


def _limits(lines: Iterable[Points], marked: list[float]) -> tuple[float, float] | None:
    """The ends of the axis: those of the marks and of the losses after the start; None if they say nothing."""
    kept = list(marked)
    for points in lines:
        first, last = points[0][0], points[-1][0]
        kept += [value for place, value in points if place >= first + START * (last - first)]
    low, high = min(kept, default=0.0), max(kept, default=0.0)
    room = ROOM * (high - low)
    return (low - room, high + room) if room else None
