"""Command groups that find their commands by looking: a new command is one new file.

A module of the group's package is a command; its name is the file's. The first line of the module's docstring
is what the group's help says of it, read without importing the module, so that ``charlm --help`` does not wait
for libraries that it will not use. The module itself offers ``app``, a typer application.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from pathlib import Path
from typing import Any

from charlm.base.registry import module_names
from charlm.cli.base import Command, Group, command_of


class _Unloaded(Command):
    """A command that is known by name and summary, and imported when it is invoked."""

    def __init__(self, name: str, module: str) -> None:
        super().__init__(name, help=_summary(module))
        self._module = module

    def load(self) -> Any:
        """The command itself."""
        return command_of(importlib.import_module(self._module).app, self.name)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Hand over to the command itself, which then parses and runs."""
        return self.load().make_context(*args, **kwargs)


class DiscoveredGroup(Group):
    """The group of all the commands in ``charlm.cli.commands``."""

    package = "charlm.cli.commands"

    def list_commands(self, ctx: Any) -> list[str]:
        """Every module's name."""
        return [name.replace("_", "-") for name in module_names(self.package)]

    def get_command(self, ctx: Any, name: str) -> Any:
        """The command of this name, not yet imported; None where there is none."""
        if name not in self.list_commands(ctx):
            return None
        return _Unloaded(name, f"{self.package}.{name.replace('-', '_')}")


def _summary(module: str) -> str:
    """The first line of a module's docstring."""
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None
    docstring = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]
