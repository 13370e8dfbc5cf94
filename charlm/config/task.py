"""Task settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Self

from charlm.base.registry import Registry
from charlm.config.base import Config, Configurable, setting
from charlm.config.own import find_config_type, find_owners, list_config_types, make_own_settings

BLANK = "_"  # default placeholder of a missing character


class TaskKind(Configurable):
    """What run folders and settings must know of a task; all else is in ``charlm/tasks``.

    Attributes of a class:
        network: the name of its file in ``charlm/models``.
        unit: what a loss is averaged over.
        loss: its name in records, after ``train_`` and ``val_``.
        commands: those that use its runs; the first is suggested.
        recipe: settings in place of every preset's; None keeps the preset's.
        by_preset: settings by the preset's name, which override those of ``recipe``.
    """

    network: ClassVar[str] = "char-rnn"
    unit: ClassVar[str] = "char"
    loss: ClassVar[str] = "nats_per_char"
    commands: ClassVar[tuple[str, ...]] = ()
    recipe: ClassVar[Mapping[str, Any] | None] = None
    by_preset: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})

    @classmethod
    def loss_unit(cls) -> str:
        """The unit of a loss, as people read it.

        >>> TaskKind.loss_unit()
        'nats/char'
        """
        return cls.loss.replace("_per_", "/").replace("_", " ")

    @classmethod
    def commands_of(cls, has_labels: bool) -> tuple[str, ...]:
        """The commands for runs with labels, or without."""
        return cls.commands

    @classmethod
    def sizes(cls, vocab_size: int, labels: int) -> tuple[int, int]:
        """How many symbols the network reads, and how many it predicts."""
        return vocab_size + labels, vocab_size


TASKS: Registry[TaskKind] = Registry("charlm.tasks.kinds", TaskKind)
"""The tasks, as far as settings and files go."""


@dataclass(frozen=True, init=False)
class TaskConfig(Config):
    """The task and its ``own`` settings.

    >>> TaskConfig().task
    'predict'
    """

    task: str = setting(
        "predict",
        "What to train: the next character, or a label, a number or a translation of a text.",
        choices=TASKS.names,
        since=5,
    )
    labels: str | None = setting(
        None,
        "Where the label of a text is: its file's name, its folder's, or behind a tab, there also as a number.",
        choices=("file", "folder", "tab", "number"),
        since=6,
    )

    own: Config = dataclasses.field(default=Config())

    def __init__(self, *, own: Config | None = None, **values: Any) -> None:
        """Take settings by name, the task's among them."""
        common = self.settings()
        given = {} if own is None else own.to_json()
        given |= {name: values.pop(name) for name in values.keys() - common.keys()}
        for name, field in common.items():
            object.__setattr__(self, name, values.get(name, field.default))
        self.__post_init__()
        object.__setattr__(self, "own", make_own_settings(TASKS, "task", self.task, given))

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that use a run of this task."""
        return self.kind.commands_of(self.labels is not None)

    @property
    def kind(self) -> type[TaskKind]:
        """The task's class."""
        return TASKS.find(self.task)

    @classmethod
    def all_settings(cls) -> set[str]:
        """The names of the settings of every task."""
        return {*cls.settings()}.union(*(kind.settings() for kind in task_config_types()))

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values, the task's included."""
        return super().to_json() | self.own.to_json()

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str, version: int) -> Self:
        """Read stored settings."""
        task = values.get("task")
        own = find_config_type(TASKS, task).names_in(version) if task in TASKS.names() else set()
        return cls._of_stored(values, cls.names_in(version) | own, where)


def task_config_types() -> list[type[Config]]:
    """The tasks' own groups of settings."""
    return list_config_types(TASKS)


def task_owners(name: str) -> list[str]:
    """The tasks with this setting."""
    return list(find_owners(TASKS, name))
