"""Learning curves from training logs: training and validation loss of runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from charlm.base.errors import RunError, UsageError
from charlm.base.tables import Curve
from charlm.runs.metrics import is_training_loss

NATS_PER_UNIT = {"bits": math.log(2), "nats": 1.0}
KEYS = {"steps": "step", "seconds": "seconds", "epochs": "epoch"}
START = 1 / 20  # of a run: its losses do not set the axis, because they fall from far above
MOST_SEEDS = 5  # that a title lists
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


def seeds_curve(logs: Mapping[str, Mapping[int, Records]]) -> Curve:
    """The validation losses of settings: each one's mean over its seeds, and thinner the seeds themselves.

    Args:
        logs: each setting's records by seed.

    Raises:
        RunError: a run has fewer than two points.
        UsageError: the runs' losses have different units.
    """
    seeds = sorted({seed for own in logs.values() for seed in own})
    by_run = {f"{label} seed {seed}": records for label, own in logs.items() for seed, records in own.items()}
    whole = learning_curve(by_run, "steps", "nats")
    series = {name: whole.series[f"{name} val"] for name in by_run}
    groups = {f"{label} seed {seed}": label for label, own in logs.items() for seed in own}
    means = {label: _mean([series[name] for name, group in groups.items() if group == label]) for label in logs}
    if len(seeds) == 1:
        return replace(
            whole, title=f"Validation loss, seed {seeds[0]}", series=means, groups={}, faint=(), marks={}
        )
    shown = ", ".join(map(str, seeds)) if len(seeds) <= MOST_SEEDS else f"{seeds[0]} to {seeds[-1]}"
    title = f"Validation loss: mean of seeds {shown}; thin: each seed"
    return replace(
        whole, title=title, series=series | means, groups=groups, faint=series, unnamed=series, marks={}
    )


def _mean(lines: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[list[float], list[float]]:
    """The mean of lines where all of them are, at the places of the first.

    >>> _mean([([0, 10, 20], [4.0, 3.0, 2.0]), ([0, 20], [2.0, 2.0])])
    ([0, 10, 20], [3.0, 2.5, 2.0])
    """
    first, last = max(x[0] for x, _ in lines), min(x[-1] for x, _ in lines)
    places = np.array([place for place in lines[0][0] if first < place < last])
    places = np.concatenate([[first], places, [last]])
    values = np.mean([np.interp(places, x, y) for x, y in lines], axis=0)
    return places.tolist(), values.tolist()


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
