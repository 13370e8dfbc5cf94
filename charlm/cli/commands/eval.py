"""Measure what a model knows.

Every measurement of ``charlm.evaluate`` is a subcommand, with options made from its own settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from charlm.base.errors import UsageError
from charlm.cli.base import Group, command_of
from charlm.cli.display.curves import check_plot_file, save_curves
from charlm.cli.display.progress import progress_bar
from charlm.cli.display.tables import print_findings, save_findings
from charlm.cli.options import OwnCorpus, WhichWeights, with_settings
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import Measurement
from charlm.evaluate.measures import MEASUREMENTS
from charlm.evaluate.subjects import subjects_of


class _Measurements(Group):
    """The group of all measurements."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every measurement's name."""
        return list(MEASUREMENTS.names())

    def get_command(self, ctx: Any, name: str) -> Any:
        """The command of a measurement; None where there is none of this name."""
        return _command(name, MEASUREMENTS.find(name)) if name in MEASUREMENTS.names() else None


app = typer.Typer(cls=_Measurements, no_args_is_help=True, add_completion=False)


@app.callback()
def evaluate() -> None:
    """Measure what a model knows.

    A TARGET is a run (a folder with config.json, a file of weights in it, or a name under runs/) or else a
    text: a file, a built-in corpus, or - for standard input. With no run the newest is measured; with no
    text, the validation part of the run's own corpus.
    """


def _command(name: str, kind: type[Measurement]) -> Any:
    @with_settings({"Measurement": [kind]})
    def measure(
        settings: dict[str, Any],
        named: Annotated[
            list[str] | None,
            typer.Argument(metavar="TARGET", help="Runs and texts.", show_default="the newest run"),
        ] = None,
        split: Annotated[
            Literal["train", "val", "test"] | None,
            typer.Option(metavar="train|val|test", help="Which part of a run's own corpus.", show_default="val"),
        ] = None,
        weights: WhichWeights = None,
        corpus: OwnCorpus = None,
        plot: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Draw the curves into a .png or .svg file.")
        ] = None,
        json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    ) -> None:
        if plot is not None:
            check_plot_file(plot)
        measurement = kind(**settings)
        subjects = subjects_of(named or [], split, weights, corpus or ())
        with ThreadPool() as pool, progress_bar(name, quiet=json) as progress:
            findings = measurement.measure(subjects, pool, progress)
        save_findings(findings)
        print_findings(findings, json)
        if plot is not None:
            if not findings.curves:
                raise UsageError(f"charlm eval {name} finds no curve to draw: leave out --plot {plot}")
            save_curves(findings.curves, plot)

    single = typer.Typer(add_completion=False)
    single.command(help=(kind.__doc__ or "").partition("\n")[0])(measure)
    return command_of(single, name)
