"""Delete runs.

Files in their folders that charlm did not write are kept.
"""

from __future__ import annotations

from typing import Annotated

import typer

from charlm.base.errors import UsageError
from charlm.base.plural import counted
from charlm.cli.complete import complete_runs
from charlm.cli.confirm import Yes, confirm
from charlm.cli.output import write_note

ALIASES = ("remove", "rm")


def command(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Folders or names of runs.", autocompletion=complete_runs),
    ],
    yes: Yes = False,
) -> None:
    from charlm.runs.find import find_run
    from charlm.runs.manage import delete_run

    found = {name: find_run(name) for name in runs}
    for name, run in found.items():
        if run.weights is not None:
            raise UsageError(f"{name} names weights of a run: give the run, which is deleted as a whole")
    folders = list(dict.fromkeys(run.folder for run in found.values()))
    steps = [run.summarize().steps or 0 for run in found.values()]
    confirm(f"Delete {', '.join(map(str, folders))} ({counted(sum(steps), 'steps')} of training)?", yes)
    for folder in folders:
        left = delete_run(folder)
        write_note(f"deleted {folder}")
        if left:
            write_note(f"left alone, as charlm did not write it: {', '.join(map(str, left))}")
