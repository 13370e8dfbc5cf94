"""Command-line options, made from settings."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Annotated, Any, TypeAlias

import typer

from charlm.base.errors import UsageError
from charlm.config import Config, flag

Command = Callable[..., None]

AllowExpansion: TypeAlias = Annotated[
    bool,
    typer.Option("--allow-expansion", help="Allow compressed files that become over 1,000 times as long."),
]

OneRun: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="RUN", help="A run's folder or name.", show_default="the newest")
]

WhichWeights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="best|last|STEP",
        help="Weights to use: best, last, or a kept checkpoint's step. A RUN may also be their file.",
        show_default="best",
    ),
]

OwnCorpus: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--corpus",
        metavar="PATH",
        help="New path of a run's own corpus if it has moved; the text must be the same. Give once per path.",
        show_default="where it was",
    ),
]

RawText: TypeAlias = Annotated[
    bool, typer.Option("--raw", help="On a terminal, print control characters unescaped.")
]

NOUNS = {int: "a whole number", float: "a number"}


def with_settings(panels: Mapping[str, Sequence[type[Config]]]) -> Callable[[Command], Command]:
    """Replace a command's parameter ``settings`` by options."""
    kinds: dict[str, type] = {}
    made = []
    for panel, groups in panels.items():
        for group in groups:
            for name, field in group.settings().items():
                (kinds[name],) = (each for each in group.accepted_types(name) if each is not NoneType)
                made.append(_make_parameter(field, kinds[name], panel))

    def decorate(command: Command) -> Command:
        parameters = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            keyword = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            parameters += made if parameter.name == "settings" else [keyword]

        @functools.wraps(command)
        def run(*, context: typer.Context, **given: Any) -> None:
            values = {name: given.pop(name) for name in kinds}
            sources = {name: context.get_parameter_source(name) for name in kinds}
            settings = {
                name: _parse(name, kinds[name], values[name])
                for name, source in sources.items()
                if source is not None and source.name != "DEFAULT"
            }
            command(**given, settings=settings)

        # typer reads these two; the wrapped function's own would hide the options.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _make_parameter(field: dataclasses.Field[Any], kind: type, panel: str) -> inspect.Parameter:
    """Make the parameter of an option."""
    name, limits, default = field.name, field.metadata["limits"], field.default
    is_flag = kind is bool
    choices = "|".join(limits.choices()) if limits.choices is not None else None
    option = typer.Option(
        f"{flag(name)}/{flag('no_' + name)}" if is_flag else flag(name),
        help=limits.help,
        rich_help_panel=panel,
        metavar=choices or kind.__name__.upper(),
        autocompletion=limits.choices,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default if is_flag else None if default in (None, "") else str(default),
        annotation=Annotated[bool if is_flag else str | None, option],
    )


def _parse(name: str, kind: type, given: Any) -> Any:
    """Convert a value to its field's type.

    Raises:
        UsageError: not a number.
    """
    try:
        return kind(given)
    except ValueError:
        raise UsageError(f"{flag(name)} is {given!r}: it must be {NOUNS[kind]}") from None
