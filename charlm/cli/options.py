"""Command-line options, made from settings."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from types import NoneType
from typing import Annotated, Any, TypeAlias

import typer

from charlm.base.errors import UsageError
from charlm.cli.complete import complete_runs
from charlm.cli.help_text import PRESET, TYPES, add_choices
from charlm.config import NOUNS, Config, DeviceConfig, flag

Command = Callable[..., None]

AllowExpansion: TypeAlias = Annotated[
    bool,
    typer.Option("--allow-expansion", help="Allow compressed files that expand over 1,000 times."),
]

OneRun: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="A run's folder or name.", show_default="the newest", autocompletion=complete_runs
    ),
]

SomeRun: TypeAlias = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's folder or name.", autocompletion=complete_runs)
]

WhichWeights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="best|last|STEP",
        help="Weights to use: best, last, or the step of a kept checkpoint.",
        show_default="best",
    ),
]

OwnCorpus: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--corpus",
        metavar="PATH",
        help="New path of the run's corpus, if it has moved; repeatable.",
        show_default="where it was",
    ),
]

Mix: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--mix/--no-mix", help="Mix in the n-gram model (train --ngram).", show_default="on if the run has one"
    ),
]

OneLabel: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="LABEL", help="The label of a run with --labels.", show_default="drawn by its share"),
]

SkipUnknown: TypeAlias = Annotated[
    bool, typer.Option("--skip-unknown", help="Leave unknown characters out of the prompt.")
]

RawText: TypeAlias = Annotated[
    bool, typer.Option("--raw", help="Print control characters unescaped on a terminal.")
]


def _show_all(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        command: Any = context.command
        typer.echo(command.describe(context, is_brief=False))
        raise typer.Exit


_HELP_ALL = inspect.Parameter(
    "help_all",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--help-all", callback=_show_all, is_eager=True, help="Show all options, by group.")
    ],
)


def with_settings(
    panels: Mapping[str, Sequence[type[Config]]],
    basic: Sequence[str] = (),
    preset: Collection[str] = (),
    takes_several: bool = False,
) -> Callable[[Command], Command]:
    """Replace a command's parameter ``settings`` by options.

    Args:
        panels: the settings, by the heading that they have in help.
        basic: the parameters that ``--help`` shows, if not all; ``--help-all`` shows the others.
        preset: the settings that a preset decides.
        takes_several: numbers and choices are lists, separated by commas, and every setting is a list of values.
    """
    kinds: dict[str, type] = {}
    listed: set[str] = set()
    made = []
    for panel, groups in panels.items():
        for group in groups:
            # Members of a registry may share a setting.
            for name, field in ((each, field) for each, field in group.settings().items() if each not in kinds):
                (kinds[name],) = (each for each in group.accepted_types(name) if each is not NoneType)
                if kinds[name] in (int, float) or field.metadata["limits"].choices is not None:
                    listed.add(name)
                made.append(_make_parameter(field, kinds[name], panel, name in preset))

    def decorate(command: Command) -> Command:
        parameters = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            keyword = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            parameters += made if parameter.name == "settings" else [keyword]
        if basic:
            parameters.append(_HELP_ALL)

        @functools.wraps(command)
        def run(*, context: typer.Context, **given: Any) -> None:
            given.pop(_HELP_ALL.name, None)
            values = {name: given.pop(name) for name in kinds}
            sources = {name: context.get_parameter_source(name) for name in kinds}
            settings = {
                name: _parse_several(name, kinds[name], values[name], name in listed)
                if takes_several
                else _parse(name, kinds[name], values[name])
                for name, source in sources.items()
                if source is not None and source.name != "DEFAULT"
            }
            command(**given, settings=settings)

        run.basic = basic  # type: ignore[attr-defined]
        return set_parameters(run, parameters)

    return decorate


def take_device(settings: dict[str, Any]) -> DeviceConfig:
    """Take the settings of the device out of those of a command, checked.

    Raises:
        UsageError: the engine or the device is missing here.
    """
    from charlm.engines.devices import check_device  # so that help does not wait for it

    device = DeviceConfig(**{name: settings.pop(name) for name in DeviceConfig.settings() if name in settings})
    check_device(device)
    return device


def set_parameters(command: Command, parameters: Sequence[inspect.Parameter]) -> Command:
    """Show a command's parameters to typer; those of the function that it wraps would hide the options."""
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _make_parameter(field: dataclasses.Field[Any], kind: type, panel: str, is_preset: bool) -> inspect.Parameter:
    """Make the parameter of an option."""
    name, limits, default = field.name, field.metadata["limits"], field.default
    is_flag = kind is bool
    choices = () if limits.choices is None else limits.choices()
    names = [f"-{each}" if len(each) == 1 else flag(each) for each in limits.aliases]
    option = typer.Option(
        f"{flag(name)}/{flag('no_' + name)}" if is_flag else flag(name),
        *names,
        help=add_choices(limits.help, choices),
        rich_help_panel=panel,
        metavar=limits.metavar or (name.upper() if choices else TYPES[kind.__name__]),
        autocompletion=limits.choices,
        show_default=PRESET if is_preset else limits.otherwise or True,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default if is_flag else None if default in (None, "") else str(default),
        annotation=Annotated[bool if is_flag else str | None, option],
    )


def _parse_several(name: str, kind: type, given: Any, is_list: bool) -> list[Any]:
    """Convert one value, or a list that is separated by commas, of which each counts once."""
    parts = given.split(",") if is_list else [given]
    return list(dict.fromkeys(_parse(name, kind, part) for part in parts))


def _parse(name: str, kind: type, given: Any) -> Any:
    """Convert a value to its field's type.

    Raises:
        UsageError: not a number.
    """
    try:
        return kind(given)
    except ValueError:
        raise UsageError(f"{flag(name)} is {given!r}: it must be {NOUNS[kind]}") from None
