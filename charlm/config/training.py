"""All settings of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from charlm.base.errors import CheckpointError, UsageError
from charlm.base.suggest import did_you_mean
from charlm.config.base import Config
from charlm.config.corpus import CorpusConfig
from charlm.config.data import DataConfig
from charlm.config.engine import EngineConfig
from charlm.config.model import ModelConfig, cell_config_types
from charlm.config.optimizer import OptimizerConfig
from charlm.config.run import RunConfig
from charlm.config.task import TaskConfig, task_config_types

GROUPS: dict[str, type[Config]] = {
    "model": ModelConfig,
    "batching": DataConfig,
    "engine": EngineConfig,
    "optimisation": OptimizerConfig,
    "budget": RunConfig,
    "corpus": CorpusConfig,
    "task": TaskConfig,
}
MOVED = 10
"""The format since which the settings of the engine are a group of their own; before, they were in batching."""


def setting_groups() -> dict[str, type[Config]]:
    """The group of each setting of training.

    >>> setting_groups()["hidden"].__name__, setting_groups()["nonlinearity"].__name__
    ('ModelConfig', 'RNNConfig')
    """
    groups = (*GROUPS.values(), *cell_config_types(), *task_config_types())
    return {name: group for group in groups for name in group.settings()}


def setting_names() -> dict[str, str]:
    """The settings of training by every name that they have.

    >>> setting_names()["learning_rate"], setting_names()["lr"]
    ('lr', 'lr')
    """
    groups = setting_groups()
    aliases = {
        alias: name
        for name, group in groups.items()
        for alias in group.settings()[name].metadata["limits"].aliases
    }
    return aliases | {name: name for name in groups}


def check_known(names: Iterable[str], where: str = "") -> None:
    """Check the names of settings.

    Raises:
        UsageError: a name is unknown.
    """
    known = setting_names()
    unknown = sorted(name for name in names if known.get(name) != name)
    if not unknown:
        return
    first = unknown[0]
    meant = f"; did you mean {known[first]}?" if first in known else did_you_mean(first, known)
    raise UsageError(
        f"{where}no setting is called {', '.join(unknown)}{meant or '; see charlm train --help-all'}"
    )


@dataclass(frozen=True)
class TrainingConfig:
    """A training run's settings, by group.

    >>> TrainingConfig.from_settings(cell="gru", steps=10).model.cell
    'gru'
    """

    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    batching: DataConfig = dataclasses.field(default_factory=DataConfig)
    engine: EngineConfig = dataclasses.field(default_factory=EngineConfig)
    optimisation: OptimizerConfig = dataclasses.field(default_factory=OptimizerConfig)
    budget: RunConfig = dataclasses.field(default_factory=RunConfig)
    corpus: CorpusConfig = dataclasses.field(default_factory=CorpusConfig)
    task: TaskConfig = dataclasses.field(default_factory=TaskConfig)

    @classmethod
    def from_settings(cls, **settings: Any) -> Self:
        """Sort settings into groups.

        Raises:
            UsageError: an unknown or invalid setting.
        """
        check_known(settings)
        groups: dict[str, Any] = {
            name: group(**{key: settings.pop(key) for key in group.settings().keys() & settings.keys()})
            for name, group in GROUPS.items()
            if group not in (ModelConfig, TaskConfig)
        }
        groups["task"] = TaskConfig(
            **{key: settings.pop(key) for key in TaskConfig.all_settings() & settings.keys()}
        )
        return cls(model=ModelConfig(**settings), **groups)  # a cell's own settings are among the rest

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values, by group and name."""
        return {name: getattr(self, name).to_json() for name in GROUPS}

    @classmethod
    def from_json(cls, values: Any, where: str, version: int) -> Self:
        """Read stored settings; groups newer than the format have defaults.

        Raises:
            CheckpointError: a group or value is invalid.
        """
        expected = [name for name, group in GROUPS.items() if group.names_in(version)]
        if version < MOVED:
            expected.remove("engine")
        if not isinstance(values, Mapping) or set(values) != set(expected):
            raise CheckpointError(f"{where}: the settings are not grouped as {', '.join(expected)}")
        if not all(isinstance(part, Mapping) for part in values.values()):
            raise CheckpointError(f"{where}: a group of settings is not a mapping")
        parts = {name: dict(values.get(name, {})) for name in GROUPS}
        if version < MOVED:
            own = EngineConfig.names_in(version) & parts["batching"].keys()
            parts["engine"] = {key: parts["batching"].pop(key) for key in own}
        groups: dict[str, Any] = {name: GROUPS[name].from_json(parts[name], where, version) for name in GROUPS}
        return cls(**groups)
