"""Presets: whole recipes that were measured to be good for a length of time on two cores.

A preset fixes the network and how it learns; how much noise its training needs follows from how often the run
will pass over the text, because what a network has read often it learns by heart. A run of so many minutes whose
recipe the user leaves alone takes the preset that fits its length.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from charlm.config import ModelConfig, OptimizerConfig, TrainingConfig, flag
from charlm.models.architecture import flops_per_character
from charlm.nn.cells import CELLS

REACH = 2.5  # a preset serves lengths from its own divided by this
LENGTHS = {"epochs", "steps", "minutes"}
TUNED = {"lr", "weight_decay", "forget_bias"}  # to the cell and the optimiser
# What a character costs on two cores, measured from 128 to 512 hidden units.
FLOPS_PER_SECOND = 100e9
FIXED_SECONDS = 5e-6
CORES = 2


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes:
        minutes: the length that it is made for.
        fixed: its settings, whatever the corpus.
    """

    minutes: float
    fixed: Mapping[str, Any]


def noise(passes: float, cell: str) -> dict[str, float]:
    """The noise of a run that passes over its training part so many times.

    A few passes learn best with hardly any: dropout grows with the square of the passes' doublings, weight-drop
    with the cube. Weights are dropped only from the LSTMs' recurrent product: no other cell was measured to gain.

    >>> noise(1, "lstm"), noise(16, "lstm"), noise(16, "gru")
    ({'dropout': 0.0, 'weight_drop': 0.0}, {'dropout': 0.32, 'weight_drop': 0.06}, {'dropout': 0.32})
    """
    doublings = math.log2(max(passes, 1.0))
    drops = {"dropout": round(min(0.02 * doublings**2, 0.5), 2)}
    if "c" in CELLS.find(cell).state_names:
        drops["weight_drop"] = round(min(0.001 * doublings**3, 0.3), 2)
    return drops


_LSTM = {"cell": "lstm", "forget_bias": 0.0, "partition": "varied", "optimizer": "adamw"}
# Batches of 32 make fewer characters a second than 64 do, and more steps: a gain in short runs.
_SHORT = {"schedule": "linear", "weight_decay": 0.025, "batch_size": 32}
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "tiny": Preset(1, {"cell": "gru", "hidden": 128, "lr": 2e-2, "average": 50}),
        "small": Preset(5, {**_LSTM, **_SHORT, "hidden": 256, "lr": 1.8e-2, "average": 300}),
        "base": Preset(20, {**_LSTM, **_SHORT, "hidden": 384, "lr": 1.3e-2, "average": 600}),
        "large": Preset(60, {**_LSTM, "hidden": 512, "lr": 8e-3, "average": 1000, "weight_decay": 0.02}),
    }
)

OWN = frozenset(field.name for group in (ModelConfig, OptimizerConfig) for field in dataclasses.fields(group)) | {
    "seq_len",
    "batch_size",
    "partition",
}
"""The settings that make up a recipe: where one of them is given, no preset is picked."""


def fitting(minutes: float) -> str:
    """The longest preset that is made for at most two and a half times this length; the shortest, if none is.

    >>> [fitting(minutes) for minutes in (0.1, 2, 8, 20, 60, 600)]
    ['tiny', 'small', 'base', 'base', 'large', 'large']
    """
    within = [name for name, preset in PRESETS.items() if preset.minutes <= REACH * minutes]
    return within[-1] if within else next(iter(PRESETS))


def passes(config: TrainingConfig, characters: int, symbols: int, workers: int = CORES) -> float:
    """How often a run goes over its training part; for one of so many minutes, about.

    >>> round(passes(TrainingConfig.from_settings(minutes=2), 1_000_000, 65), 1)
    5.5
    >>> passes(TrainingConfig.from_settings(steps=500, seq_len=20, batch_size=10), 10_000, 65)
    10.0
    """
    unit, amount = config.budget.length
    if unit == "epochs":
        return amount
    read = amount * config.batching.seq_len * config.batching.batch_size
    if unit == "minutes":
        seconds = flops_per_character(config.model, symbols) / FLOPS_PER_SECOND + FIXED_SECONDS
        read = 60 * amount * (workers / CORES) / seconds
    return read / max(characters, 1)


def with_preset(
    settings: Mapping[str, Any], characters: int, symbols: int, workers: int = CORES
) -> TrainingConfig:
    """A new run's settings: those given, over those of the preset asked for or picked, over the defaults.

    A preset that is asked for sets the length too, unless one is given. One is picked where the length is a time
    and no setting of a recipe is given. Under another cell or optimiser it leaves out what suits its own alone.

    Args:
        settings: what the user gave, by name; None is nothing.
        characters: the size of the training part.
        symbols: the size of its vocabulary.
        workers: the processes that train.

    Raises:
        UsageError: a name is no setting, or a value is outside its limits.

    >>> with_preset({"minutes": 20}, 1_000_000, 65).budget.preset
    'base'
    >>> with_preset({"minutes": 20, "hidden": 64}, 1_000_000, 65).budget.preset is None
    True
    >>> with_preset({"preset": "large", "hidden": 64}, 1_000_000, 65).budget.minutes
    60.0
    """
    settings = {name: value for name, value in settings.items() if value is not None}
    given = TrainingConfig.from_settings(**settings)
    unit, amount = given.budget.length
    name = given.budget.preset
    if name is None and (unit != "minutes" or own_settings(settings)):
        return given
    if name is None:
        name = fitting(amount)
    elif not LENGTHS & settings.keys():
        settings["minutes"] = PRESETS[name].minutes
    recipe = {"optimizer": OptimizerConfig().optimizer, **PRESETS[name].fixed}
    if any(settings.get(part, recipe[part]) != recipe[part] for part in ("cell", "optimizer")):
        recipe = {part: value for part, value in recipe.items() if part not in TUNED}
    recipe = {**recipe, **settings, "preset": name}
    expected = passes(TrainingConfig.from_settings(**recipe), characters, symbols, workers)
    return TrainingConfig.from_settings(**{**noise(expected, recipe["cell"]), **recipe})


def own_settings(settings: Mapping[str, Any]) -> list[str]:
    """Those of a recipe among the settings that were given, which no preset is picked beside.

    >>> own_settings({"lr": 0.1, "seed": 3, "hidden": 9, "cell": None})
    ['hidden', 'lr']
    """
    return sorted(name for name in OWN & settings.keys() if settings[name] is not None)


def preset_flags(config: TrainingConfig) -> list[str]:
    """What a preset has set in a run, or what was given in its place, as the flags that would set it."""
    values = {name: value for group in config.to_json().values() for name, value in group.items()}
    preset = PRESETS.get(config.budget.preset or "")
    names = {**preset.fixed, **noise(1, config.model.cell)} if preset else {}
    foreign = {"forget_bias"} - set(CELLS.find(config.model.cell).settings)
    return [f"{flag(name)} {values[name]}" for name in names if name not in foreign]
