"""What runs the training steps."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.config.base import Config, setting


@dataclass(frozen=True)
class EngineConfig(Config):
    """The settings of the engine."""

    workers: int | None = setting(
        None, "Processes that share a batch's streams; left out, the cores that there are.", low=1, high=1024
    )
