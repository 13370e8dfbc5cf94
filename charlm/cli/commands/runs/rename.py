"""Rename a run."""

from __future__ import annotations

from typing import Annotated

import typer

from charlm.cli.confirm import Yes, confirm
from charlm.cli.options import SomeRun
from charlm.cli.output import write_note


def command(
    run: SomeRun,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name of its folder.")],
    yes: Yes = False,
) -> None:
    from charlm.runs.find import find_run
    from charlm.runs.manage import rename_run

    folder = find_run(run).folder
    confirm(f"Rename {folder} to {folder.parent / name}?", yes)
    write_note(f"{folder} is now {rename_run(folder, name)}")
