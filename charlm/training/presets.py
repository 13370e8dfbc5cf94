"""Presets: settings measured to be good for a training time on two cores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Self

from charlm.config import EngineConfig, TrainingConfig, flag
from charlm.nn.cells import CELLS

REACH = 2.5  # a preset is picked for lengths from its own divided by this
LENGTHS = {"epochs", "steps", "minutes"}


@dataclass(frozen=True)
class Preset:
    """Settings for a training time in minutes."""

    minutes: float
    fixed: Mapping[str, Any]


def choose_dropout(epochs: float, cell: str) -> dict[str, float]:
    """Dropout for a run of n epochs: 0.02 log2(n)^2, at most 0.5.

    >>> choose_dropout(1, "lstm"), choose_dropout(16, "lstm"), choose_dropout(16, "gru")
    ({'dropout': 0.0, 'weight_drop': 0.0}, {'dropout': 0.32, 'weight_drop': 0.06}, {'dropout': 0.32})
    """
    doublings = math.log2(max(epochs, 1.0))
    drops = {"dropout": round(min(0.02 * doublings**2, 0.5), 2)}
    if "c" in CELLS.find(cell).state_names:
        drops["weight_drop"] = round(min(0.001 * doublings**3, 0.3), 2)
    return drops


_LSTM = {"cell": "lstm", "forget_bias": 0.0, "partition": "varied", "optimizer": "adamw"}
# Batches of 32 give fewer chars/s than 64, but more steps, which is better in short runs.
_SHORT = {"schedule": "linear", "weight_decay": 0.025, "batch_size": 32}
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "tiny": Preset(1, {"cell": "gru", "optimizer": "adam", "hidden": 128, "lr": 2e-2, "average": 50}),
        "small": Preset(5, {**_LSTM, **_SHORT, "hidden": 256, "lr": 1.8e-2, "average": 300}),
        "base": Preset(20, {**_LSTM, **_SHORT, "hidden": 384, "lr": 1.3e-2, "average": 600}),
        "large": Preset(60, {**_LSTM, "hidden": 512, "lr": 8e-3, "average": 1000, "weight_decay": 0.02}),
    }
)

MANY_SYMBOLS = 1000
FOR_MANY_SYMBOLS: Mapping[str, Any] = MappingProxyType(
    {"encoding": "embedding", "embedding_size": 128, "tied": True, "adaptive_softmax": True}
)
"""What a preset adds for a language model with more symbols, whose output layer would take most of the time."""

PRESET_SETTINGS = {*choose_dropout(1, "lstm")}.union(*(preset.fixed for preset in PRESETS.values()))
"""The settings that presets decide."""


def pick_preset(minutes: float) -> str:
    """The longest preset for at most 2.5 times this length, else the shortest.

    >>> [pick_preset(minutes) for minutes in (0.1, 2, 8, 20, 60, 600)]
    ['tiny', 'small', 'base', 'base', 'large', 'large']
    """
    within = [name for name, preset in PRESETS.items() if preset.minutes <= REACH * minutes]
    return within[-1] if within else next(iter(PRESETS))


def expected_epochs(
    config: TrainingConfig, characters: int, vocab_size: int, per_step: float | None = None
) -> float:
    """A run's number of epochs; for a length in minutes, estimated from the speed in the settings.

    A step reads ``per_step`` characters, by default ``seq_len * batch_size``.

    >>> round(expected_epochs(TrainingConfig.from_settings(minutes=2), 1_000_000, 65), 1)
    5.5
    >>> expected_epochs(TrainingConfig.from_settings(steps=500, seq_len=20, batch_size=10), 10_000, 65)
    10.0
    """
    from charlm.models.base import size_network
    from charlm.training.machine_speed import REFERENCE_GFLOPS, reference_seconds

    unit, amount = config.budget.length
    if unit == "epochs":
        return amount
    read = amount * (per_step or config.batching.seq_len * config.batching.batch_size)
    if unit == "minutes":
        seconds = reference_seconds(size_network(config, vocab_size).shapes)
        speed = (config.engine.gflops or REFERENCE_GFLOPS) / REFERENCE_GFLOPS
        read = 60 * amount * speed / seconds
    return read / max(characters, 1)


@dataclass(frozen=True)
class ResolvedSettings:
    """A new run's settings.

    ``chosen_by_corpus`` names the dropout settings that still depend on the corpus; with ``suits_symbols``, the
    encoding and the output layer also do.
    """

    config: TrainingConfig
    chosen_by_corpus: frozenset[str] = frozenset()
    suits_symbols: bool = False

    @property
    def needs_speed(self) -> bool:
        """Whether the machine's speed decides something, and is not given."""
        is_timed = self.config.budget.length[0] == "minutes"
        return is_timed and bool(self.chosen_by_corpus) and self.config.engine.gflops is None

    def with_engine(self, engine: EngineConfig) -> Self:
        """The same settings with those of an engine."""
        return replace(self, config=replace(self.config, engine=engine))

    def for_corpus(self, characters: int, vocab_size: int, per_step: float | None = None) -> TrainingConfig:
        """The settings for a training split of this many characters, of which a step reads ``per_step``.

        >>> resolve_settings({"minutes": 20}).for_corpus(1_000_000, 65).optimisation.dropout
        0.47
        """
        config = self.config
        if vocab_size > MANY_SYMBOLS and self.suits_symbols:
            config = replace(config, model=replace(config.model, **FOR_MANY_SYMBOLS))
        epochs = expected_epochs(config, characters, vocab_size, per_step)
        chosen = choose_dropout(epochs, config.model.cell)
        values: dict[str, Any] = {name: value for name, value in chosen.items() if name in self.chosen_by_corpus}
        return replace(config, optimisation=replace(config.optimisation, **values))


def resolve_settings(settings: Mapping[str, Any], picks_preset: bool = True) -> ResolvedSettings:
    """A new run's settings: those given, then the preset's, then defaults.

    Args:
        settings: by name; None is not given.
        picks_preset: whether a length in minutes picks a preset that is not named.

    Raises:
        UsageError: a setting is unknown or outside its limits.

    >>> resolve_settings({"minutes": 20}).config.budget.preset
    'base'
    >>> bent = resolve_settings({"minutes": 20, "hidden": 64}).config
    >>> bent.budget.preset, bent.model.hidden, bent.optimisation.average
    ('base', 64, 600)
    >>> resolve_settings({"preset": "large", "hidden": 64}).config.budget.minutes
    60.0
    """
    settings = {name: value for name, value in settings.items() if value is not None}
    given = TrainingConfig.from_settings(**settings)
    unit, amount = given.budget.length
    name = given.budget.preset
    if name is None and (unit != "minutes" or not picks_preset):
        return ResolvedSettings(given)
    if name is None:
        name = pick_preset(amount)
    elif not LENGTHS & settings.keys():
        settings["minutes"] = PRESETS[name].minutes
    recipe = {**_suited_recipe(name, given, settings), **settings, "preset": name}
    config = TrainingConfig.from_settings(**recipe)
    chosen = choose_dropout(1, config.model.cell).keys() - recipe.keys()
    suits_symbols = config.task.task == "predict" and recipe.keys().isdisjoint(FOR_MANY_SYMBOLS)
    return ResolvedSettings(config, frozenset(chosen), suits_symbols)


def fixed_settings(name: str, config: TrainingConfig) -> Mapping[str, Any]:
    """What a preset decides for a task: the task's own recipe for this length, if it has one."""
    kind = config.task.kind
    return PRESETS[name].fixed if kind.recipe is None else {**kind.recipe, **kind.by_preset.get(name, {})}


def _suited_recipe(name: str, given: TrainingConfig, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A preset's settings, without those that belong to another cell or optimizer than is given."""
    from charlm.optim.rules import OPTIMIZERS

    recipe = dict(fixed_settings(name, given))
    other_cell = "cell" in settings and given.model.cell != recipe["cell"]
    other_optimizer = "optimizer" in settings and given.optimisation.optimizer != recipe["optimizer"]
    tuned: set[str] = {"lr"} if other_cell or other_optimizer else set()
    if other_cell:
        tuned |= CELLS.find(recipe["cell"]).config_type.settings().keys()
    if other_optimizer:
        tuned.add("weight_decay")
        if OPTIMIZERS.find(given.optimisation.optimizer).moves_weights:
            tuned.add("average")
    return {part: value for part, value in recipe.items() if part not in tuned}


def preset_flags(config: TrainingConfig) -> list[str]:
    """The flags for a preset's settings, with the run's values."""
    return [f"{flag(name)} {value}" for name, value in _preset_values(config).items()]


def preset_changes(config: TrainingConfig) -> list[str]:
    """How a run's settings differ from its preset's.

    >>> preset_changes(resolve_settings({"minutes": 2, "hidden": 512}).config)
    ['--hidden 512 instead of 256']
    """
    from charlm.models.architecture import default_lr

    cell, optimizer = config.model.cell, config.optimisation.optimizer
    changes = []
    for name, value in _preset_values(config).items():
        usual = fixed_settings(config.budget.preset or "", config).get(name, value)
        if value != usual:
            is_default = name == "lr" and value == default_lr(cell, optimizer)
            reason = f" (the default of {cell} with {optimizer})" if is_default else ""
            changes.append(f"{flag(name)} {value}{reason} instead of {usual}")
    return changes


def _preset_values(config: TrainingConfig) -> dict[str, Any]:
    """The run's own values of the settings that its preset decides."""
    values = {name: value for group in config.to_json().values() for name, value in group.items()}
    name = config.budget.preset
    if name is None or name not in PRESETS:
        return {}
    fixed = fixed_settings(name, config)
    names = {**fixed, **choose_dropout(1, config.model.cell)}
    foreign = CELLS.find(fixed["cell"]).config_type.settings().keys() - config.model.own.settings().keys()
    return {name: values[name] for name in names if name not in foreign}
