"""Ask before something is changed for good."""

from __future__ import annotations

import sys
from typing import Annotated, TypeAlias

import typer

from charlm.base.errors import UsageError
from charlm.base.escape import escape_controls

Yes: TypeAlias = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]


def confirm(question: str, yes: bool) -> None:
    """Ask a question on standard error, unless it is answered by ``--yes``; any answer but yes ends the program.

    Raises:
        UsageError: there is no terminal to ask on.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Standard input is no terminal to answer on: give --yes")
    if not typer.confirm(escape_controls(question), err=True):
        raise typer.Exit(1)
