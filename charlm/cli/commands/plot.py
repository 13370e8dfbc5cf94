"""Draw learning curves, with the best validation marked.

The training loss is a mean over about a 200th of the run, with dropout, while the weights changed. The start of a
run, where the loss falls from far above, does not set the axis.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from charlm.base.errors import RunError, UsageError
from charlm.base.tables import Curve
from charlm.cli.complete import complete_runs
from charlm.cli.output import print_json, write_note

if TYPE_CHECKING:
    from charlm.runs.run import Run

CLEAR = "\x1b[H\x1b[2J"  # a terminal's screen
PAUSE = 1.0  # seconds between two looks at a log

PLACE = ("Start", 4)
EXAMPLES = """
charlm plot
charlm plot novel-1 novel-2 --out curves.png
charlm plot --watch
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
    unit: Annotated[Literal["nats", "bits"], typer.Option(help="Unit of the loss, per character.")] = "nats",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw into a .png or .svg file.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Draw again and again, until training ends or Ctrl-C.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per validation.")] = False,
) -> None:
    from charlm.cli.display.curves import print_curves
    from charlm.cli.pick import pick_runs
    from charlm.report.figures import check_plot_file, save_curves

    if watch and (json or out is not None or not sys.stdout.isatty()):
        raise UsageError("--watch draws on a terminal: leave it out with --out, --json, or in a pipe")
    if out is not None:
        check_plot_file(out)
    found = pick_runs(runs or [])
    for run in found:
        if [other.name for other in found].count(run.name) > 1:
            raise UsageError(f"two runs are called {run.name}: give each once, or rename a folder")
    if out is not None:
        save_curves([_curve(found, x, unit)], out)
        write_note(f"wrote {out}")
    if json:
        for run in found:
            for record in run.read_metrics():
                print_json({"run": run.name} | record)
    elif watch:
        _watch(found, x, unit)
    elif out is None:
        print_curves([_curve(found, x, unit)])


def _curve(runs: Sequence[Run], x: str, unit: str) -> Curve:
    from charlm.report.learning_curve import learning_curve

    return learning_curve({run.name: run.read_log() for run in runs}, x, unit)


def _watch(runs: Sequence[Run], x: str, unit: str) -> None:
    """Draw the curves whenever a log has grown, until no run is trained any more."""
    from charlm.cli.display.curves import format_curve

    drawn, is_over = "", False
    while not is_over:
        # Asked before the logs are read, so that the last drawing has everything.
        is_over = not any(run.is_training for run in runs)
        try:
            shown = format_curve(_curve(runs, x, unit))
        except RunError:
            if is_over:
                raise
            shown = "waiting for the second point of the curve"
        if shown != drawn:
            sys.stdout.write(f"{CLEAR}{shown}\n")
            sys.stdout.flush()
            drawn = shown
        if not is_over:
            time.sleep(PAUSE)
