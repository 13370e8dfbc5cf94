"""Draw learning curves.

Training loss is the mean since the previous validation, with dropout, while the weights changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from charlm.base.errors import UsageError
from charlm.cli.complete import complete_runs
from charlm.cli.display.curves import print_curves
from charlm.cli.output import print_json, write_note
from charlm.report.figures import check_plot_file, save_curves
from charlm.report.learning_curve import learning_curve
from charlm.runs.find import find_runs

PLACE = ("Start", 4)
EXAMPLES = """
charlm plot
charlm plot novel-1 novel-2 --out curves.png
"""


def command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Folders or names of runs.",
            show_default="the newest run",
            autocompletion=complete_runs,
        ),
    ] = None,
    x: Annotated[Literal["steps", "seconds", "epochs"], typer.Option(help="X axis.")] = "steps",
    unit: Annotated[Literal["bits", "nats"], typer.Option(help="Unit of the loss, per character.")] = "bits",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw into a .png or .svg file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per validation.")] = False,
) -> None:
    if out is not None:
        check_plot_file(out)
    found = find_runs(runs or [])
    logs: dict[str, Any] = {}
    for run in found:
        if run.name in logs:
            raise UsageError(f"two runs are called {run.name}: give each once, or rename a folder")
        logs[run.name] = run.read_metrics()
    curve = learning_curve(logs, x, unit)
    if out is not None:
        save_curves([curve], out)
        write_note(f"wrote {out}")
    if json:
        for name, records in logs.items():
            for record in records:
                print_json({"run": name} | record)
    elif out is None:
        print_curves([curve])
