"""Engine settings."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.config.base import Config, setting


@dataclass(frozen=True)
class EngineConfig(Config):
    """The settings of the engine."""

    workers: int | None = setting(
        None, "Worker processes that share each batch; default: one per core.", low=1, high=1024
    )
