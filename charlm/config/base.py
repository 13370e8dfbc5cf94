"""Groups of settings, with help and limits."""

from __future__ import annotations

import dataclasses
import math
import operator
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, get_type_hints

from charlm.base.errors import CheckpointError, UsageError
from charlm.base.suggest import did_you_mean

NOUNS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
SHOWN = 80  # characters of a wrong value that a message shows


@dataclass(frozen=True)
class Limits:
    """Allowed values, and what help says; ``above`` and ``below`` are themselves excluded.

    Attributes:
        help: a sentence.
        otherwise: what a default of None stands for.
        metavar: what stands for the value in help; None is the type.
        aliases: other names that the command line accepts; one letter is a short option.
    """

    help: str
    low: float | None = None
    above: float | None = None
    high: float | None = None
    below: float | None = None
    choices: Callable[[], tuple[str, ...]] | None = None
    otherwise: str | None = None
    metavar: str | None = None
    aliases: tuple[str, ...] = ()

    def complaint(self, value: Any) -> str | None:
        """What is wrong with a value, or None."""
        if self.choices is not None:
            choices = self.choices()
            wanted = f"it must be one of {', '.join(choices)}"
            return None if value in choices else wanted + did_you_mean(str(value), choices)
        if isinstance(value, bool | str):
            return None
        if isinstance(value, float) and not math.isfinite(value):
            return "it must be a finite number"
        bounds = (
            (self.low, operator.ge, "at least"),
            (self.above, operator.gt, "more than"),
            (self.high, operator.le, "at most"),
            (self.below, operator.lt, "less than"),
        )
        for bound, holds, words in bounds:
            if bound is not None and not holds(value, bound):
                return f"it must be {words} {bound:g}"
        return None


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    below: float | None = None,
    choices: Callable[[], tuple[str, ...]] | tuple[str, ...] | None = None,
    since: int = 1,
    otherwise: str | None = None,
    metavar: str | None = None,
    aliases: tuple[str, ...] = (),
) -> Any:
    """A field with help and limits, stored ``since`` a format."""
    among = (lambda: choices) if isinstance(choices, tuple) else choices
    limits = Limits(
        help, low=low, above=above, high=high, below=below, choices=among, otherwise=otherwise, metavar=metavar,
        aliases=aliases,
    )  # fmt: skip
    return dataclasses.field(default=default, metadata={"limits": limits, "since": since})


def flag(name: str) -> str:
    """The command-line flag of a setting.

    >>> flag("batch_size")
    '--batch-size'
    """
    return "--" + name.replace("_", "-")


@dataclass(frozen=True)
class Config:
    """Base of every group of settings.

    Raises:
        UsageError: a wrong type or value.
    """

    _hints: ClassVar[dict[type, dict[str, Any]]] = {}

    def __post_init__(self) -> None:
        for name, field in self.settings().items():
            object.__setattr__(self, name, self.checked(field, getattr(self, name), flag(name)))

    @classmethod
    def settings(cls) -> dict[str, dataclasses.Field[Any]]:
        """The fields, by name."""
        return {field.name: field for field in dataclasses.fields(cls) if "limits" in field.metadata}

    @classmethod
    def accepted_types(cls, name: str) -> tuple[type, ...]:
        """The types of a field, such as (float, NoneType)."""
        if cls not in Config._hints:
            Config._hints[cls] = get_type_hints(cls)
        hint = Config._hints[cls][name]
        return tuple(hint.__args__) if isinstance(hint, types.UnionType) else (hint,)

    @classmethod
    def checked(cls, field: dataclasses.Field[Any], value: Any, label: str) -> Any:
        """A field's value, a whole number as the field's type.

        Raises:
            UsageError: a wrong type or value.
        """
        accepted = cls.accepted_types(field.name)
        if value is None and types.NoneType in accepted:
            return None
        if type(value) is int and int not in accepted and float in accepted:
            value = float(value) if abs(value) < sys.float_info.max else math.inf
        if type(value) not in accepted:
            wanted = " or ".join(NOUNS[kind] for kind in accepted if kind is not types.NoneType)
            raise UsageError(f"{label} is {value!r:.{SHOWN}}: it must be {wanted}")
        complaint = field.metadata["limits"].complaint(value)
        if complaint is not None:
            raise UsageError(f"{label} is {value!r:.{SHOWN}}: {complaint}")
        return value

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values, by name."""
        return {name: getattr(self, name) for name in self.settings()}

    @classmethod
    def names_in(cls, version: int) -> set[str]:
        """The settings that a format has."""
        return {name for name, field in cls.settings().items() if field.metadata["since"] <= version}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str, version: int) -> Self:
        """Read stored settings; those newer than the format have defaults.

        Raises:
            CheckpointError: a name or value is invalid.
        """
        return cls._of_stored(values, cls.names_in(version), where)

    @classmethod
    def _of_stored(cls, values: Mapping[str, Any], names: set[str], where: str) -> Self:
        if set(values) != names:
            odd = sorted(set(values) ^ names)
            raise CheckpointError(f"{where}: these settings are unknown or missing: {', '.join(odd):.{SHOWN}}")
        try:
            return cls(**values)
        except UsageError as error:
            raise CheckpointError(f"{where}: {error}") from None


class Configurable:
    """Base of registry members with a ``config_type``."""

    config_type: ClassVar[type[Config]] = Config
