"""How runs differ: their settings, their sizes and what training took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from charlm.base.tables import Column
from charlm.nn.cells import CELLS
from charlm.runs.run import Run

SHOWN = {"lr": "learning rate", "hidden": "hidden units"}
"""Settings that have another name in tables."""
SETTING = 6
"""The rank of a setting's column: of a table that is too wide, settings are left out before figures."""


def list_settings(run: Run, names: Sequence[str] | None = None) -> dict[str, Any]:
    """A run's settings by name, all or these."""
    settings = {name: value for group in run.config.to_json().values() for name, value in group.items()}
    return settings if names is None else {name: settings.get(name) for name in names}


def find_differing(settings: Sequence[dict[str, Any]]) -> list[str]:
    """The settings that differ between runs; a cell may lack another's."""
    names = dict.fromkeys(name for each in settings for name in each)
    return [name for name in names if any(each.get(name) != settings[0].get(name) for each in settings)]


def summarize_course(run: Run) -> dict[str, Any]:
    """A run's size, steps, seconds and best validation loss."""
    course, shapes = run.summarize(), run.network.shapes
    best_nats = course.best_val_nats_per_char
    return {
        "parameters": sum(math.prod(shape) for shape in shapes.values()),
        "steps": course.steps,
        "seconds": course.seconds,
        "best_val_bits_per_char": None if best_nats is None else best_nats / math.log(2),
    }


def setting_column(name: str, runs: Sequence[Run]) -> Column:
    """The column of a setting."""
    remark = "differs by cell default" if name == "lr" and _is_rate_of_cell(runs) else ""
    return Column(SHOWN.get(name, name.replace("_", " ")), _show_setting, rank=SETTING, name=name, remark=remark)


def _is_rate_of_cell(runs: Sequence[Run]) -> bool:
    """Whether learning rates differ only as the cells' own do."""
    shares = [(run.config.optimisation.lr or 0.0) / CELLS.find(run.config.model.cell).lr_scale for run in runs]
    return all(math.isclose(share, shares[0]) for share in shares)


def _show_setting(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
    return str(value)
