"""Export a run as a PyTorch or NumPy script, or a zip file.

A script rebuilds and samples the model; its weights are written beside it. charlm import takes a zip file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from charlm.base.errors import UsageError
from charlm.base.registry import module_names
from charlm.cli.complete import complete_runs
from charlm.cli.options import WhichWeights
from charlm.cli.output import write_note

PLACE = ("Data", 2)
FORMATS = module_names("charlm.inference.export")
EXAMPLES = """
charlm export novel-1 --to zip
charlm export novel-1 --to torch model.py
"""


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [FILE]",
            help="A run's folder or name (default: the newest), and the new file (default: named after the run).",
            show_default=False,
            autocompletion=complete_runs,
        ),
    ] = None,
    to: Annotated[
        str,
        typer.Option("--to", metavar="|".join(FORMATS), help="The format.", autocompletion=lambda: FORMATS),
    ] = "zip",
    weights: WhichWeights = None,
    ngram: Annotated[
        bool, typer.Option("--ngram", help="Also pack the n-gram model, which contains passages of the text.")
    ] = False,
) -> None:
    from charlm.cli.pick import pick_run
    from charlm.inference.exporter import EXPORTERS

    exporter = EXPORTERS.find(to)(ngram)
    if ngram and not exporter.packs_ngram:
        raise UsageError(f"--to {to} exports the network alone: leave out --ngram, or use --to zip")
    target, file = _parse(names or [], exporter.ending)
    found = pick_run(target, weights, exporter.command)
    if ngram and not found.ngram_path.exists():
        raise UsageError(f"{found.name} has no n-gram model: leave out --ngram")
    path = Path(file or found.folder.resolve().name + exporter.ending)
    write_note(exporter.export(found, path))


def _parse(names: list[str], ending: str) -> tuple[str | None, str | None]:
    """The run and the file.

    Raises:
        UsageError: neither one nor two names, or a file with another ending.

    >>> _parse(["novel-1"], ".zip"), _parse(["a.zip"], ".zip"), _parse(["novel-1", "a.zip"], ".zip")
    (('novel-1', None), (None, 'a.zip'), ('novel-1', 'a.zip'))
    """
    if len(names) > 2:
        raise UsageError(f"{len(names)} names are given: give a run and a file")
    run = names[0] if len(names) == 2 or (names and not names[0].endswith(ending)) else None
    file = names[-1] if names and names[-1] is not run else None
    if file is not None and not file.endswith(ending):
        raise UsageError(f"the file is {file!r}: its name must end in {ending}")
    return run, file
