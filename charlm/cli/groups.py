"""Commands, made from modules and registries.

A module offers ``command`` or ``group``; its docstring is the help. These constants may add to it: ``PLACE``, the
heading and position in the list of commands; ``ALIASES``, other names, not shown; ``EXAMPLES``.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from charlm.base.errors import UsageError
from charlm.base.registry import Registry, module_names
from charlm.base.suggest import did_you_mean
from charlm.cli.command import Command, Described, make_command
from charlm.cli.help_text import write_list

HEADINGS = ("Start", "Look", "Measure", "Data", "Tasks", "Machine")
"""The headings of the list of commands."""


class _UnloadedCommand(Command):
    """A command that is imported when invoked; what its list shows is read from the source."""

    def __init__(self, name: str, module: str) -> None:
        spec = importlib.util.find_spec(module)
        assert spec is not None and spec.origin is not None
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        super().__init__(name, help=(ast.get_docstring(tree) or "").partition("\n")[0])
        constants = {
            target.id: ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id in ("PLACE", "ALIASES")
        }
        self.heading, self.position = constants.get("PLACE", ("", 0))
        self.aliases = constants.get("ALIASES", ())
        self._module = module

    def load(self) -> Any:
        """Import the command or group."""
        module = importlib.import_module(self._module)
        if hasattr(module, "group"):
            made = _make_group(module.group, self.name, module.__doc__)
        else:
            made = make_command(module.command, self.name, module.__doc__)
        made.examples = getattr(module, "EXAMPLES", "")
        return made

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Import the command, and prepare it."""
        return self.load().make_context(*args, **kwargs)


class _Group(Described, TyperGroup):
    """A group of commands; ``help COMMAND`` is ``COMMAND --help``."""

    usage_end = ("COMMAND", "[ARGS]...")
    closing = "{} COMMAND --help shows the options of a command."
    default = ""
    """The command that is meant where none is named."""

    def get_params(self, ctx: Any) -> Any:
        """The options; flags are off, not None, for which typer would import pydantic before a command's help."""
        parameters = super().get_params(ctx)
        for each in parameters:
            each.default = bool(each.default)
        return parameters

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; without arguments, run the default, or show the help and exit with 2."""
        is_option = bool(args) and args[0].startswith("-") and args[0] not in ctx.help_option_names
        if self.default and (not args or is_option):
            args = [self.default, *args]
        if not args and not ctx.resilient_parsing:
            typer.echo(self.get_help(ctx))
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that arguments begin with.

        Raises:
            UsageError: there is none.
        """
        name, *rest = args
        if name == "help" and not rest:
            typer.echo(self.get_help(ctx))
            ctx.exit()
        if name == "help":
            name, rest = rest[0], [*rest[1:], "--help"]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            meant = did_you_mean(name, self.list_commands(ctx)) or f"; see {ctx.command_path} --help"
            raise UsageError(f"no command is called {name!r}{meant}")
        return command and command.name, command, rest

    def list_contents(self, ctx: Any) -> str:
        """The commands, under their headings if they have some."""
        commands: list[Any] = [self.get_command(ctx, name) for name in self.list_commands(ctx)]
        rows, before = [], ""
        width = 2 + max(map(len, HEADINGS))
        for each in commands:
            heading = getattr(each, "heading", "")
            shown = ("" if heading == before else heading).ljust(width) if heading else ""
            rows.append((f"{shown}{each.name}", (each.help or "").rstrip(".")))
            before = heading
        return write_list("Commands", rows)


def discover(package: str, examples: str = "", default: str = "") -> type[TyperGroup]:
    """The commands in a package; ``default`` is meant where none is named."""
    modules = {name.replace("_", "-"): f"{package}.{name}" for name in module_names(package)}

    @cache
    def find_command(name: str) -> _UnloadedCommand:
        return _UnloadedCommand(name, modules[name])

    class Discovered(_Group):
        def list_commands(self, ctx: Any) -> list[str]:
            return sorted(modules, key=lambda name: _place(find_command(name)))

        def get_command(self, ctx: Any, name: str) -> Any:
            if name in modules:
                return find_command(name)
            return next((each for each in map(find_command, modules) if name in each.aliases), None)

    Discovered.examples, Discovered.default = examples, default
    return Discovered


def _place(command: _UnloadedCommand) -> tuple[int, int, str]:
    """What sorts the list of commands."""
    heading = HEADINGS.index(command.heading) if command.heading else len(HEADINGS)
    return heading, command.position, str(command.name)


class _UnloadedMember(Command):
    """A member of a registry as a command; what its list shows is read from the source."""

    def __init__(self, name: str, load: Callable[[], Any], help: str) -> None:
        super().__init__(name, help=help)
        self.load = load

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Import the member, and prepare its command."""
        return self.load().make_context(*args, **kwargs)


def list_members(
    registry: Registry[Any],
    make: Callable[[str, Any], Callable[..., None]],
    others: Mapping[str, Callable[..., None]] | None = None,
) -> type[TyperGroup]:
    """A registry's members as commands, and other functions, whose docstrings are their help."""
    functions = others or {}

    class Members(_Group):
        def list_commands(self, ctx: Any) -> list[str]:
            return [*registry.names(), *functions]

        def get_command(self, ctx: Any, name: str) -> Any:
            if name in functions:
                return make_command(functions[name], name, inspect.getdoc(functions[name]))
            if name not in registry.names():
                aliases = {
                    alias: each
                    for each in registry.names()
                    for alias in getattr(registry.find(each), "aliases", ())
                }
                if name not in aliases:
                    return None
                name = aliases[name]

            def load() -> Any:
                kind = registry.find(name)
                return make_command(make(name, kind), name, (kind.__doc__ or "").partition("\n")[0])

            return _UnloadedMember(name, load, registry.describe(name))

    return Members


def _make_group(group: type[TyperGroup], name: str | None, help: str | None) -> Any:
    app = typer.Typer(cls=group, name=name, help=help, no_args_is_help=True, add_completion=False)
    app.callback()(lambda: None)
    return typer.main.get_command(app)
