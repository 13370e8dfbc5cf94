"""Import a run from a zip file that charlm export wrote.

The file may come from anybody: it is checked, nothing in it is executed, and no run is replaced.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from charlm.base.plural import counted
from charlm.cli.output import write_note

PLACE = ("Data", 3)
EXAMPLES = """
charlm import novel-1.zip
"""


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The zip file.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FOLDER", help="New folder.", show_default="runs/NAME")
    ] = None,
) -> None:
    from charlm.runs.archive import unpack
    from charlm.runs.find import RUNS

    run = unpack(file, out)
    model = run.config.model
    symbols = counted(len(run.vocabulary), "symbols")
    network = f"{model.cell}, {counted(model.layers, 'layers')} x {model.hidden}, {symbols}"
    name = shlex.quote(run.folder.name if run.folder.parent == RUNS else str(run.folder))
    write_note(f"imported {run.folder}: {network}; try: charlm {run.config.task.commands[0]} {name}")
