"""Registries: each public module of a package defines one member, named like it, with hyphens."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar, cast

from charlm.base.errors import UsageError
from charlm.base.suggest import did_you_mean

Member = TypeVar("Member")


@cache
def module_names(package: str) -> tuple[str, ...]:
    """The public modules of a package, sorted.

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
    """The members of one package."""

    package: str
    base: type[Member]

    def names(self) -> tuple[str, ...]:
        """The members' names, sorted."""
        return tuple(name.replace("_", "-") for name in module_names(self.package))

    def find(self, name: str) -> type[Member]:
        """The member's class; UsageError if there is none."""
        if name not in self.names():
            kind = self.base.__name__.lower()
            listed = ", ".join(self.names())
            raise UsageError(
                f"no {kind} is called {name!r}; there are: {listed}{did_you_mean(name, self.names())}"
            )
        module = importlib.import_module(f"{self.package}.{name.replace('-', '_')}")
        (member,) = (value for value in vars(module).values() if self._is_own_member(value, module.__name__))
        return cast(type[Member], member)

    def describe(self, name: str) -> str:
        """The first line of a member's docstring, read from its source."""
        spec = importlib.util.find_spec(f"{self.package}.{name.replace('-', '_')}")
        assert spec is not None and spec.origin is not None
        source = Path(spec.origin).read_text(encoding="utf-8")
        found = re.search(
            rf'^class \w+\([^)]*{self.base.__name__}[^)]*\):\n    """(.+?)(?:""")?$', source, re.MULTILINE
        )
        if found is not None:
            return found[1]
        return (self.find(name).__doc__ or "").partition("\n")[0]

    def _is_own_member(self, value: object, module: str) -> bool:
        return (
            isinstance(value, type)
            and issubclass(value, self.base)
            and value.__module__ == module
            and not value.__name__.startswith("_")
        )
