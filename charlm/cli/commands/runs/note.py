"""Keep a note on a run.

charlm runs and charlm info show it. Without TEXT the note is printed; an empty TEXT deletes it.
"""

from __future__ import annotations

from typing import Annotated

import typer

from charlm.cli.confirm import Yes, confirm
from charlm.cli.options import SomeRun


def command(
    run: SomeRun,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The new note.", show_default="print the note")
    ] = None,
    yes: Yes = False,
) -> None:
    from charlm.cli import output
    from charlm.runs.find import find_run
    from charlm.runs.manage import read_note, write_note

    folder = find_run(run).folder
    before = read_note(folder)
    if text is None:
        output.write_text(f"{before}\n" if before else "")
        return
    if before and text != before:
        confirm(f"Replace the note of {folder}: {before!r}?", yes)
    write_note(folder, text)
    output.write_note(f"{folder}: note {'saved' if text else 'deleted'}")
