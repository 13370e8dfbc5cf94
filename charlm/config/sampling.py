"""Sampling settings."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.base.errors import UsageError
from charlm.config.base import Config, setting


@dataclass(frozen=True)
class SamplingConfig(Config):
    """The settings of sampling without filters.

    Raises:
        UsageError: an empty stop string.
    """

    len: int = setting(500, "Characters to generate.", low=0, high=10**15, aliases=("n", "length"))
    prompt: str = setting("", "Text to continue.", aliases=("p",))
    num: int = setting(
        1, "Number of samples; 10 for a model of lines.", low=1, high=1_000_000, aliases=("num_samples",)
    )
    stop: str | None = setting(None, "Stop after this text.")
    seed: int = setting(1, "Random seed; the same seed gives the same text.", low=0, high=2**63 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stop == "":
            raise UsageError("--stop is empty: give the text to stop at, or leave the flag out")
