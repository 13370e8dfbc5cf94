"""Command-line options made from the settings' own fields: name, type, default, help and choices.

A command is written as a function whose parameter ``settings`` is a dictionary of the settings that the user
gave; the decorator puts one option for each field in that parameter's place. What was left out is not in the
dictionary, so that a command can tell.
"""

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
    typer.Option("--allow-expansion", help="Read compressed files that become over 1,000 times as long, too."),
]

WhichWeights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="best|last|STEP",
        help="Which of a run's weights: of a step, where its save is kept; a RUN may name their file, too.",
        show_default="best",
    ),
]

OwnCorpus: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--corpus",
        metavar="PATH",
        help="Where a run's own corpus is now, if it has moved; it must be the same text. Once for each name.",
        show_default="where it was",
    ),
]

NOUNS = {int: "a whole number", float: "a number"}


def with_settings(panels: Mapping[str, Sequence[type[Config]]]) -> Callable[[Command], Command]:
    """Give a command an option for every field of these groups.

    Args:
        panels: the groups under each heading of the help.
    """
    options = {
        name: _Option(group, field, panel)
        for panel, groups in panels.items()
        for group in groups
        for name, field in group.settings().items()
    }

    def decorate(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True).parameters
        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [context]
        for parameter in own.values():
            keyword = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            made = [option.parameter() for option in options.values()]
            parameters += made if parameter.name == "settings" else [keyword]

        @functools.wraps(command)
        def run(*, context: typer.Context, **given: Any) -> None:
            values = {name: given.pop(name) for name in options}
            sources = {name: context.get_parameter_source(name) for name in options}
            settings = {
                name: options[name].value(values[name])
                for name, source in sources.items()
                if source is not None and source.name != "DEFAULT"
            }
            command(**given, settings=settings)

        # typer reads these two; the wrapped function's own would hide the options.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


class _Option:
    """A field of a group as an option.

    typer hands its value over as it was typed: what it may be is the group's to say, and in its own words.
    """

    def __init__(self, group: type[Config], field: dataclasses.Field[Any], panel: str) -> None:
        self._field = field
        self._panel = panel
        (self._kind,) = (each for each in group.accepted_types(field.name) if each is not NoneType)

    def parameter(self) -> inspect.Parameter:
        """The parameter of a function that typer makes the option of."""
        name, limits, default = self._field.name, self._field.metadata["limits"], self._field.default
        is_flag = self._kind is bool
        choices = "|".join(limits.choices()) if limits.choices is not None else None
        option = typer.Option(
            f"{flag(name)}/{flag('no_' + name)}" if is_flag else flag(name),
            help=limits.help,
            rich_help_panel=self._panel,
            metavar=choices or self._kind.__name__.upper(),
            autocompletion=limits.choices,
        )
        return inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default if is_flag else None if default in (None, "") else str(default),
            annotation=Annotated[bool if is_flag else str | None, option],
        )

    def value(self, given: Any) -> Any:
        """What the user gave, as the field's type.

        Raises:
            UsageError: it is no number, where one is wanted.
        """
        try:
            return self._kind(given)
        except ValueError:
            noun = NOUNS[self._kind]
            raise UsageError(f"{flag(self._field.name)} is {given!r}: it must be {noun}") from None
