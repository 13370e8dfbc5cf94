"""Compare runs: settings, training figures and loss.

Each run is measured with its best weights on a split of its own corpus. Runs of different texts or units compare
by bits/byte. A run that cannot be measured is reported, and the exit code is not 0.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from charlm.cli.display.progress import progress_bar
from charlm.cli.display.tables import print_findings
from charlm.engines.threads import ThreadPool
from charlm.evaluate.compare import compare_runs

PLACE = ("Look", 3)
EXAMPLES = """
charlm compare novel-1 novel-2
"""


def command(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Folders or names of runs.")],
    split: Annotated[
        Literal["train", "val", "test"],
        typer.Option(help="Split of each run's own corpus."),
    ] = "val",
    dynamic: Annotated[
        bool,
        typer.Option(
            "--dynamic",
            help="Also measure dynamic evaluation, which takes longer.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per run.")] = False,
) -> None:
    with ThreadPool() as pool, progress_bar("compare", quiet=json) as progress:
        findings, faults = compare_runs(runs, split, dynamic, pool, progress)
    print_findings(findings, json)
    if faults:
        raise typer.Exit(max(fault.exit_code for fault in faults))
