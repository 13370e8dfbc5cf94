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

from charlm.architecture import flops_per_character
from charlm.config import ModelConfig, OptimisationConfig, TrainingConfig, flag

REACH = 2.5  # a preset serves lengths from its own divided by this
LENGTHS = ("epochs", "steps", "minutes")
# What a character costs on two cores, measured from 128 to 512 hidden units.
FLOPS_PER_SECOND = 140e9
FIXED_SECONDS = 3.5e-6


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes:
        minutes: the length that it is made for.
        fixed: its settings, whatever the corpus.
    """

    minutes: float
    fixed: Mapping[str, Any]


def noise(passes: float) -> dict[str, float]:
    """The dropout and weight-drop of a run that passes over its training part so many times.

    >>> noise(1), noise(16)
    ({'dropout': 0.0, 'weight_drop': 0.0}, {'dropout': 0.32, 'weight_drop': 0.12})
    """
    doublings = math.log2(max(passes, 1.0))
    return {
        "dropout": round(min(0.08 * doublings, 0.5), 2),
        "weight_drop": round(min(0.03 * doublings, 0.2), 2),
    }


_DECAY = {"optimizer": "adamw", "weight_decay": 0.02}
_LSTM = {"cell": "lstm", "forget_bias": 0.0, "partition": "varied"}
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "tiny": Preset(1, {"cell": "gru", "hidden": 128, "lr": 2e-2, "average": 50}),
        "small": Preset(5, {**_LSTM, "hidden": 256, "lr": 1.6e-2, "average": 150}),
        "base": Preset(20, {**_LSTM, "hidden": 384, "lr": 1.2e-2, "average": 300}),
        "large": Preset(60, {**_LSTM, "hidden": 512, "lr": 8e-3, "average": 1000, **_DECAY}),
    }
)

OWN = frozenset(
    field.name for group in (ModelConfig, OptimisationConfig) for field in dataclasses.fields(group)
) | {"seq_len", "batch_size", "partition"}
"""The settings that make up a recipe: where one of them is given, no preset is picked."""


def fitting(minutes: float) -> str:
    """The longest preset that is made for at most two and a half times this length; the shortest, if none is.

    >>> [fitting(minutes) for minutes in (0.1, 2, 8, 20, 60, 600)]
    ['tiny', 'small', 'base', 'base', 'large', 'large']
    """
    within = [name for name, preset in PRESETS.items() if preset.minutes <= REACH * minutes]
    return within[-1] if within else next(iter(PRESETS))


def passes(model: ModelConfig, minutes: float, characters: int, symbols: int) -> float:
    """How often a run of this length goes over its training part, about, on two cores.

    >>> round(passes(ModelConfig(hidden=256), 2, 1_000_000, 65), 1)
    7.8
    """
    seconds = flops_per_character(model, symbols) / FLOPS_PER_SECOND + FIXED_SECONDS
    return 60 * minutes / (seconds * max(characters, 1))


def with_preset(settings: Mapping[str, Any], characters: int, symbols: int) -> TrainingConfig:
    """A new run's settings: those given, over those of the preset asked for or picked, over the defaults.

    A preset that is asked for sets the length too, unless one is given. One is picked where the length is a time
    and no setting of a recipe is given.

    Args:
        settings: what the user gave, by name.
        characters: the size of the training part.
        symbols: the size of its vocabulary.

    Raises:
        UsageError: a name is no setting, or a value is outside its limits.

    >>> with_preset({"minutes": 20}, 1_000_000, 65).budget.preset
    'base'
    >>> with_preset({"minutes": 20, "hidden": 64}, 1_000_000, 65).budget.preset is None
    True
    >>> with_preset({"preset": "large", "hidden": 64}, 1_000_000, 65).budget.minutes
    60.0
    """
    given = TrainingConfig.from_settings(**settings)
    unit, amount = given.budget.length
    name = given.budget.preset
    if name is None and (unit != "minutes" or OWN & settings.keys()):
        return given
    if name is None:
        name = fitting(amount)
    elif all(settings.get(length) is None for length in LENGTHS):
        unit, amount = "minutes", PRESETS[name].minutes
        settings = {**settings, "minutes": amount}
    fixed = {**PRESETS[name].fixed, **settings, "preset": name}
    minutes = amount if unit == "minutes" else PRESETS[name].minutes
    expected = passes(TrainingConfig.from_settings(**fixed).model, minutes, characters, symbols)
    return TrainingConfig.from_settings(**{**noise(expected), **fixed})


def preset_flags(config: TrainingConfig) -> list[str]:
    """What a preset has set in a run, or what was given in its place, as the flags that would set it."""
    values = {name: value for group in config.to_json().values() for name, value in group.items()}
    names = [*PRESETS[config.budget.preset].fixed, *noise(1)] if config.budget.preset else ()
    return [f"{flag(name)} {values[name]}" for name in names]
