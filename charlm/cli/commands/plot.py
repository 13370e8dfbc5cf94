"""Draw the learning curves of runs.

In the terminal, and with --out in a picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from charlm.base.errors import RunError, UsageError
from charlm.base.tables import Curve
from charlm.cli.display.curves import check_plot_file, print_curves, save_curves
from charlm.cli.output import print_json
from charlm.runs.find import find_runs
from charlm.runs.run import Run

app = typer.Typer(add_completion=False)

NATS_PER_UNIT = {"bits": math.log(2), "nats": 1.0}
COSTS = {"train": "train_nats_per_char", "val": "val_nats_per_char"}


@app.command()
def command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Runs' folders or names.", show_default="the newest run"),
    ] = None,
    x: Annotated[Literal["steps", "seconds", "epochs"], typer.Option(help="What the curve runs over.")] = "steps",
    unit: Annotated[Literal["bits", "nats"], typer.Option(help="Unit of the loss, a character.")] = "bits",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw into a .png or .svg file, not in the terminal.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a validation, with all its figures.")
    ] = False,
) -> None:
    """Draw the learning curves of runs: the cost of the training part and of the validation part.

    Training costs are means since the validation before, by weights that changed meanwhile, with dropout.
    """
    if out is not None:
        check_plot_file(out)
    found = find_runs(runs or [])
    curve = learning_curve(found, x, unit)
    if out is not None:
        save_curves([curve], out)
    if json:
        for run in found:
            for record in run.read_metrics():
                print_json({"run": run.name} | record)
    elif out is None:
        print_curves([curve])


def learning_curve(runs: Sequence[Run], x: str, unit: str) -> Curve:
    """The curves of all runs over one pair of axes.

    Args:
        runs: at least one.
        x: ``steps``, ``seconds`` or ``epochs``.
        unit: ``bits`` or ``nats``.

    Raises:
        UsageError: two runs have one name.
        RunError: a run has no curve yet.
    """
    series = {}
    for run in runs:
        records = run.read_metrics()
        for part, cost in COSTS.items():
            points = _points(records, x, cost, NATS_PER_UNIT[unit])
            name = f"{run.name} {part}"
            if name in series:
                raise UsageError(f"two of the runs are called {run.name}: rename the folder of one")
            if points:
                series[name] = ([place for place, _ in points], [value for _, value in points])
        if not {f"{run.name} {part}" for part in COSTS} & series.keys():
            raise RunError(f"{run.folder} has no curve yet: train it longer, or name another run")
    return Curve("Learning curves", x, f"{unit}/char", series)


def _points(
    records: Sequence[dict[str, Any]], x: str, cost: str, nats_per_unit: float
) -> list[tuple[float, float]]:
    """Where a cost was measured, and what it was; records that lack either are left out."""
    key = {"steps": "step", "seconds": "seconds", "epochs": "epoch"}[x]
    pairs = [(record.get(key), record.get(cost)) for record in records]
    return [
        (place, value / nats_per_unit)
        for place, value in pairs
        if isinstance(place, int | float) and isinstance(value, int | float)
    ]
