"""Optimizer settings."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.base.registry import module_names
from charlm.config.base import Config, setting


@dataclass(frozen=True)
class OptimizerConfig(Config):
    """Settings of optimizer and regularization."""

    optimizer: str = setting("adam", "Optimizer.", choices=lambda: module_names("charlm.optim.rules"))
    lr: float | None = setting(
        None,
        "Peak learning rate.",
        above=0,
        high=1e6,
        otherwise="by optimizer and cell",
        aliases=("learning_rate",),
    )
    schedule: str = setting("cosine", "Learning-rate schedule.", choices=("constant", "step", "cosine", "linear"))
    warmup: int = setting(50, "Warm-up steps, from a learning rate of zero.", low=0, high=1_000_000_000)
    clip: float = setting(1.0, "Clip gradients to this global norm; 0 is off.", low=0, aliases=("grad_clip",))
    clip_value: float = setting(0.0, "Clip each gradient value to this size; 0 is off.", low=0)
    weight_decay: float = setting(0.0, "Weight decay; decoupled in adamw only.", low=0)
    average: int = setting(
        0,
        "EMA of the weights over this many steps; 0 is off.",
        low=0,
        high=1_000_000_000,
        since=2,
    )
    dropout: float = setting(0.1, "Dropout between layers and before the output layer.", low=0, below=1)
    locked_dropout: bool = setting(False, "Use one dropout mask for all steps of a window.", since=2)
    weight_drop: float = setting(0.0, "DropConnect on recurrent weights (AWD-LSTM).", low=0, below=1, since=2)
    input_dropout: float = setting(
        0.0,
        "Embedding dropout: drops a character throughout a window.",
        low=0,
        below=1,
        since=2,
    )
