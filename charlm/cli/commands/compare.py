"""Compare runs: the settings that differ, what they took, and their bits a character."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from charlm.cli.display.progress import progress_bar
from charlm.cli.display.tables import print_findings
from charlm.engines.threads import ThreadPool
from charlm.evaluate.compare import compare_runs

app = typer.Typer(add_completion=False)


@app.command()
def command(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Runs' folders or names.")],
    split: Annotated[
        Literal["train", "val", "test"],
        typer.Option(metavar="train|val|test", help="Which part of each run's own corpus to measure on."),
    ] = "val",
    dynamic: Annotated[
        bool,
        typer.Option(
            "--dynamic",
            help="Measure dynamic evaluation too; see charlm eval perplexity --help for what it costs.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a run.")] = False,
) -> None:
    """Compare runs: the settings that differ, what their training took, and their bits a character.

    Each run is measured with its best weights, in one stateful pass over a part of its own corpus. Runs of
    different texts or units compare by bits a byte. One that cannot be measured is told, with the exit code of
    charlm eval.
    """
    with ThreadPool() as pool, progress_bar("compare", quiet=json) as progress:
        findings, faults = compare_runs(runs, split, dynamic, pool, progress)
    print_findings(findings, json)
    if faults:
        raise typer.Exit(max(fault.exit_code for fault in faults))
