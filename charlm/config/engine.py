"""Engine settings."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.config.base import Config, setting


@dataclass(frozen=True)
class EngineConfig(Config):
    """The settings of the engine."""

    workers: int | None = setting(
        None, "Processes that share each batch.", low=1, high=1024, otherwise="one per core"
    )
    gflops: float | None = setting(
        None,
        "Training speed in GFLOP/s from which a preset reckons the number of epochs, and from that the dropout; "
        "default: measured.",
        above=0,
        high=1e9,
        since=6,
    )
