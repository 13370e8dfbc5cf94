"""Draw learning curves: training and validation loss of runs.

Training loss is the mean since the previous validation, with dropout, while the weights changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from charlm.base.errors import RunError, UsageError
from charlm.base.tables import Curve
from charlm.cli.display.curves import print_curves
from charlm.cli.output import print_json, write_note
from charlm.report.figures import check_plot_file, save_curves
from charlm.runs.find import find_runs
from charlm.runs.run import Run

NATS_PER_UNIT = {"bits": math.log(2), "nats": 1.0}
LOSSES = {"train": "train_nats_per_char", "val": "val_nats_per_char"}


def command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Folders or names of runs.", show_default="the newest run"),
    ] = None,
    x: Annotated[Literal["steps", "seconds", "epochs"], typer.Option(help="X axis.")] = "steps",
    unit: Annotated[Literal["bits", "nats"], typer.Option(help="Unit of the loss, per character.")] = "bits",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw into a .png or .svg file, not in the terminal.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per validation.")] = False,
) -> None:
    if out is not None:
        check_plot_file(out)
    found = find_runs(runs or [])
    curve = learning_curve(found, x, unit)
    if out is not None:
        save_curves([curve], out)
        write_note(f"wrote {out}")
    if json:
        for run in found:
            for record in run.read_metrics():
                print_json({"run": run.name} | record)
    elif out is None:
        print_curves([curve])


def learning_curve(runs: Sequence[Run], x: str, unit: str) -> Curve:
    """Make the learning curves of runs.

    Raises:
        UsageError: two runs share a name.
        RunError: a run has no records.
    """
    series = {}
    for run in runs:
        records = run.read_metrics()
        for split, loss in LOSSES.items():
            points = _find_points(records, x, loss, NATS_PER_UNIT[unit])
            name = f"{run.name} {split}"
            if name in series:
                raise UsageError(f"two runs are called {run.name}: rename a folder")
            if points:
                series[name] = ([place for place, _ in points], [value for _, value in points])
        if not {f"{run.name} {split}" for split in LOSSES} & series.keys():
            raise RunError(f"{run.folder} has no learning curve yet: train it longer, or name another run")
    return Curve("Learning curves", x, f"{unit}/char", series)


def _find_points(
    records: Sequence[dict[str, Any]], x: str, loss: str, nats_per_unit: float
) -> list[tuple[float, float]]:
    """The points (x, loss) of the records."""
    key = {"steps": "step", "seconds": "seconds", "epochs": "epoch"}[x]
    pairs = [(record.get(key), record.get(loss)) for record in records]
    return [
        (place, value / nats_per_unit)
        for place, value in pairs
        if isinstance(place, int | float) and isinstance(value, int | float)
    ]
