"""What every command and group has in common: how its help reads."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from charlm.base.errors import annotate_memory_error


def command_of(app: typer.Typer, name: str | None) -> Any:
    """The command, or the group, that a typer application is."""
    for command in app.registered_commands:
        command.cls = Command
    made = typer.main.get_command(app)
    made.name = name
    return made


ADVICE = {
    "train": "make the model, --batch-size, or --seq-len smaller",
    "sample": "make --num or the model smaller",
}
"""What takes less memory, by command."""


class Command(TyperCommand):
    """A command."""

    def __init__(self, name: str | None, **settings: Any) -> None:
        super().__init__(name, **settings)
        self.help = _unwrapped(self.help)

    def invoke(self, ctx: Any) -> Any:
        """Run it; where memory runs out, it is known what for."""
        advice = ADVICE.get(str(self.name), "give a smaller model or a shorter text")
        with annotate_memory_error(f"running {ctx.command_path}: {advice}, or end other programs"):
            return super().invoke(ctx)

    def get_params(self, ctx: Any) -> Any:
        """Its options and arguments, ``--help`` included."""
        return _without_flag_types(super().get_params(ctx))


class Group(TyperGroup):
    """A command that has subcommands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.help = _unwrapped(self.help)

    def get_params(self, ctx: Any) -> Any:
        """Its own options, ``--help`` included."""
        return _without_flag_types(super().get_params(ctx))


def _unwrapped(help: str | None) -> str:
    """Paragraphs without line breaks of their own: those are the terminal's to set."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (help or "").split("\n\n"))


def _without_flag_types(parameters: list[Any]) -> list[Any]:
    """The same parameters; a flag takes no value, so that the ``<bool>`` beside it would mislead."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters
