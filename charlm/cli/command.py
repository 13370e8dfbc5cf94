"""A command of typer, with charlm's help and its advice where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from charlm.base.errors import annotate_memory_error
from charlm.cli.help_text import name_argument, shown_names, write_help, write_options, write_usage

ADVICE = {
    "train": "make the model, --batch-size, or --seq-len smaller",
    "sample": "make --num or the model smaller",
}
"""How to use less memory, by command."""


class Described:
    """A command or group with help in plain text."""

    help: str | None
    examples = closing = ""
    usage_end: Sequence[str] = ()
    basic: Sequence[str] = ()
    """The options that brief help shows, if not all."""

    def get_help(self, ctx: Any) -> str:
        """The help: of the basic options, if some are."""
        return self.describe(ctx, is_brief=bool(self.basic))

    def describe(self, ctx: Any, is_brief: bool) -> str:
        """The help with the basic options, or all by group."""
        parameters = [each for each in self.get_params(ctx) if not each.hidden]  # type: ignore[attr-defined]
        arguments = [each for each in parameters if each.param_type_name == "argument"]
        options = [each for each in parameters if each not in arguments]
        if is_brief:
            by_name = {each.name: each for each in options}
            panels = {"Options": [by_name[name] for name in (*self.basic, "help_all", "help")]}
        else:
            panels = {each.rich_help_panel or "Options": [] for each in options}
            for each in options:
                panels[each.rich_help_panel or "Options"].append(each)
        sections = [write_options("Arguments", arguments, is_brief), self.list_contents(ctx)]
        sections += [write_options(title, members, is_brief) for title, members in panels.items()]
        usage = write_usage(ctx.command_path, ["[OPTIONS]", *map(name_argument, arguments), *self.usage_end])
        return write_help(usage, self.help or "", sections, self.examples, self.closing.format(ctx.command_path))

    def list_contents(self, ctx: Any) -> str:
        """The commands of a group."""
        return ""

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete the names that help shows."""
        options = [each for each in self.get_params(ctx) if each.param_type_name == "option"]  # type: ignore[attr-defined]
        accepted = {name for each in options for name in (*each.opts, *each.secondary_opts)}
        hidden = accepted - {name for each in options for name in (*shown_names(each), *each.secondary_opts)}
        return [item for item in super().shell_complete(ctx, incomplete) if item.value not in hidden]  # type: ignore[misc]


class Command(Described, TyperCommand):
    """A command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; every error knows its command."""
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            vars(error)["ctx"] = vars(error).get("ctx") or ctx
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run; advise if memory runs out."""
        advice = ADVICE.get(str(self.name), "give a smaller model or a shorter text")
        with annotate_memory_error(f"running {ctx.command_path}: {advice}, or end other programs"):
            return super().invoke(ctx)


def make_command(function: Callable[..., None], name: str | None, help: str | None) -> Any:
    """A function as a command, whose parameters are its options."""
    app = typer.Typer(add_completion=False)
    app.command(name, cls=Command, help=help)(function)
    command: Any = typer.main.get_command(app)
    command.basic = getattr(function, "basic", ())
    return command
