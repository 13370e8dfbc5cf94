"""Rooms whose members are found by looking: a new cell, optimiser, filter or measurement is one new file.

A room is a package whose public modules (no leading underscore) each define one subclass of the room's base
class. The member's name is its file's name with hyphens for underscores. Names are listed without importing
anything, so that a help text costs no start-up time.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar, cast

from charlm.base.errors import UsageError

Member = TypeVar("Member")


@cache
def module_names(package: str) -> tuple[str, ...]:
    """The public modules of a package, sorted, found by listing its folder.

    >>> module_names("charlm.nn.cells")[:2]
    ('gru', 'lnlstm')
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{package} is not a package")
    found = pkgutil.iter_modules(spec.submodule_search_locations)
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))


@dataclass(frozen=True)
class Registry(Generic[Member]):
    """The members of one room."""

    package: str
    base: type[Member]

    def names(self) -> tuple[str, ...]:
        """The members' names, sorted."""
        return tuple(name.replace("_", "-") for name in module_names(self.package))

    def find(self, name: str) -> type[Member]:
        """The class that the member's file defines.

        Raises:
            UsageError: no file of the room has this name.
        """
        if name not in self.names():
            kind = self.base.__name__.lower()
            raise UsageError(f"no {kind} is called {name!r}; there are: {', '.join(self.names())}")
        module = importlib.import_module(f"{self.package}.{name.replace('-', '_')}")
        own = [value for value in vars(module).values() if self._is_own_member(value, module.__name__)]
        (member,) = own
        return cast(type[Member], member)

    def _is_own_member(self, value: object, module: str) -> bool:
        return (
            isinstance(value, type)
            and issubclass(value, self.base)
            and value.__module__ == module
            and not value.__name__.startswith("_")
        )
