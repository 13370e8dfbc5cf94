"""What has become of a run, from its files alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from charlm.base.errors import CharlmError
from charlm.config import RunConfig
from charlm.runs.run import Run
from charlm.runs.tensors import read_scalars

State: TypeAlias = Literal["training", "finished", "interrupted", "untrained", "weights"]
"""``weights`` is a model that was saved without what training needs."""

NEARLY = 1 - 1e-9  # of an epoch, which is counted in floating point


@dataclass(frozen=True)
class RunStatus:
    """A run's state, when it was last saved (seconds since 1970), and its speed if known."""

    state: State
    saved_at: float
    chars_per_second: float | None = None


def find_status(run: Run) -> RunStatus:
    """The status of a run; damaged checkpoints count as interrupted."""
    files = [path for path in (run.last_path, run.best_path) if path.exists()]
    saved_at = max((path.stat().st_mtime for path in files), default=run.folder.stat().st_mtime)
    counters = _read_counters(run)
    seconds, targets = counters.get("training_seconds"), counters.get("targets")
    speed = targets / seconds if seconds and targets else None
    return RunStatus(_find_state(run, counters), saved_at, speed)


def _find_state(run: Run, counters: dict[str, Any]) -> State:
    if run.is_training:
        return "training"
    if not os.path.lexists(run.last_path):
        return "weights" if os.path.lexists(run.best_path) else "untrained"
    if not counters.get("step"):
        return "interrupted" if not counters else "untrained"
    is_validated = counters.get("validated_step") == counters["step"]
    return "finished" if is_validated and _is_over(run, run.config.budget, counters) else "interrupted"


def _is_over(run: Run, budget: RunConfig, counters: dict[str, Any]) -> bool:
    """Whether a run has its length, or is out of patience."""
    if 0 < budget.patience <= counters.get("without_best", 0):
        return True
    unit, amount = budget.length
    if unit == "steps":
        return bool(counters["step"] >= amount)
    if unit == "epochs":
        epochs = [record.get("epoch") for record in run.read_metrics()]
        return bool(epochs and isinstance(epochs[-1], float) and epochs[-1] >= amount * NEARLY)
    # The loop stops early enough for its last validation and save.
    reserve = counters.get("slowest_validation", 0) + counters.get("slowest_save", 0)
    return bool(counters.get("seconds", 0) >= 60 * amount - reserve)


def _read_counters(run: Run) -> dict[str, Any]:
    """The counters of the last checkpoint that are numbers; none if it cannot be read."""
    try:
        scalars = read_scalars(run.last_path)
    except CharlmError:
        return {}
    return {name: value for name, value in scalars.items() if type(value) in (int, float)}
