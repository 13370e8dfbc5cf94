"""Compare runs: settings, training figures and loss.

Each run is measured with its best weights on a split of its own corpus. Runs of different texts or units compare
by bits/byte. A run that cannot be measured is reported, and the exit code is not 0.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from charlm.cli.complete import complete_runs
from charlm.cli.table_options import TableOptions, prints_tables

PLACE = ("Look", 3)
EXAMPLES = """
charlm compare novel-1 novel-2
"""


@prints_tables(json="Print one JSON object per run.")
def command(
    how: TableOptions,
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Folders or names of runs.", autocompletion=complete_runs)
    ],
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
) -> None:
    from charlm.cli.display.findings import print_findings
    from charlm.cli.display.progress import progress_bar
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.compare import compare_runs

    with ThreadPool() as pool, progress_bar("compare", quiet=how.json) as progress:
        findings, faults = compare_runs(runs, split, dynamic, pool, progress)
    print_findings(findings, how)
    if faults:
        raise typer.Exit(max(fault.exit_code for fault in faults))
