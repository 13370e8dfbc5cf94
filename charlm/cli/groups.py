"""Commands, made from modules and registries.

A module offers ``command`` or ``group``; its docstring is the help.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from charlm.base.errors import annotate_memory_error
from charlm.base.registry import Registry, module_names

ADVICE = {
    "train": "make the model, --batch-size, or --seq-len smaller",
    "sample": "make --num or the model smaller",
}
"""How to use less memory, by command."""


class _PlainHelp:
    """A command with plain help."""

    help: str | None

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.help = "\n\n".join(" ".join(text.split()) for text in (self.help or "").split("\n\n"))

    def get_params(self, ctx: Any) -> Any:
        """The options and arguments."""
        parameters = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class _Command(_PlainHelp, TyperCommand):
    """A command."""

    def invoke(self, ctx: Any) -> Any:
        """Run; advise if memory runs out."""
        advice = ADVICE.get(str(self.name), "give a smaller model or a shorter text")
        with annotate_memory_error(f"running {ctx.command_path}: {advice}, or end other programs"):
            return super().invoke(ctx)


class _UnloadedCommand(_Command):
    """A command that is imported when invoked."""

    def __init__(self, name: str, module: str) -> None:
        spec = importlib.util.find_spec(module)
        assert spec is not None and spec.origin is not None
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        super().__init__(name, help=(ast.get_docstring(tree) or "").partition("\n")[0])
        self._module = module

    def load(self) -> Any:
        """Import the command or group."""
        module = importlib.import_module(self._module)
        if hasattr(module, "group"):
            return _make_group(module.group, self.name, module.__doc__)
        return _make_command(module.command, self.name, module.__doc__)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Import the command, and prepare it."""
        return self.load().make_context(*args, **kwargs)


class _Group(_PlainHelp, TyperGroup):
    """A group of commands."""


def discover(package: str) -> type[TyperGroup]:
    """The commands in a package."""

    class Discovered(_Group):
        def list_commands(self, ctx: Any) -> list[str]:
            return [name.replace("_", "-") for name in module_names(package)]

        def get_command(self, ctx: Any, name: str) -> Any:
            if name not in self.list_commands(ctx):
                return None
            return _UnloadedCommand(name, f"{package}.{name.replace('-', '_')}")

    return Discovered


def list_members(registry: Registry[Any], make: Callable[[str, Any], Callable[..., None]]) -> type[TyperGroup]:
    """A registry's members as commands."""

    class Members(_Group):
        def list_commands(self, ctx: Any) -> list[str]:
            return list(registry.names())

        def get_command(self, ctx: Any, name: str) -> Any:
            if name not in registry.names():
                return None
            kind = registry.find(name)
            return _make_command(make(name, kind), name, (kind.__doc__ or "").partition("\n")[0])

    return Members


def _make_command(function: Callable[..., None], name: str | None, help: str | None) -> Any:
    app = typer.Typer(add_completion=False)
    app.command(name, cls=_Command, help=help)(function)
    return typer.main.get_command(app)


def _make_group(group: type[TyperGroup], name: str | None, help: str | None) -> Any:
    app = typer.Typer(cls=group, name=name, help=help, no_args_is_help=True, add_completion=False)
    app.callback()(lambda: None)
    return typer.main.get_command(app)
