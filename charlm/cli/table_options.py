"""The options that every command with a table has, added in one way."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from charlm.base.errors import UsageError
from charlm.cli.options import Command, set_parameters

HELP = {
    "wide": "Show all columns and tables.",
    "explain": "Also say how it is measured.",
    "csv": "Print comma-separated values, unrounded.",
    "markdown": "Print Markdown tables.",
    "table": "Print only this table: 1 is the first.",
}


@dataclass(frozen=True)
class TableOptions:
    """How tables are printed.

    Raises:
        UsageError: two formats are given.
    """

    wide: bool = False
    explain: bool = False
    csv: bool = False
    markdown: bool = False
    json: bool = False
    table: int | None = None

    def __post_init__(self) -> None:
        formats = [f"--{name}" for name in ("csv", "markdown", "json") if getattr(self, name)]
        formats += ["--table"] if self.json and self.table is not None else []
        if len(formats) > 1:
            raise UsageError(f"{' and '.join(formats)} exclude each other: give one of them")

    @property
    def is_drawn(self) -> bool:
        """Whether tables are drawn for people: on a terminal, in no other format."""
        return sys.stdout.isatty() and not (self.csv or self.markdown or self.json)


def prints_tables(
    json: str, without: tuple[str, ...] = (), several: bool = False
) -> Callable[[Command], Command]:
    """Replace a command's parameter ``how`` by options.

    Args:
        json: a help text.
        without: options that are not offered.
        several: whether it prints several tables, of which one can be chosen.
    """
    helps = HELP | {"json": json}
    left_out = {*without, *(() if several else ("table",))}
    offered = [field.name for field in fields(TableOptions) if field.name not in left_out]

    def decorate(command: Command) -> Command:
        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            keyword = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            parameters += (
                [_make_flag(name, helps[name]) for name in offered] if keyword.name == "how" else [keyword]
            )

        @functools.wraps(command)
        def run(**given: Any) -> None:
            how = TableOptions(**{name: given.pop(name) for name in offered})
            command(**given, how=how)

        return set_parameters(run, parameters)

    return decorate


def _make_flag(name: str, help: str) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    if name == "table":
        option = typer.Option("--table", metavar="NUMBER", help=help, show_default=False)
        return inspect.Parameter(name, kind, default=None, annotation=Annotated[int | None, option])
    option = typer.Option(f"--{name}", help=help)
    return inspect.Parameter(name, kind, default=False, annotation=Annotated[bool, option])
