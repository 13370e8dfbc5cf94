"""What a sample is: how much of it, from what beginning, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.base.errors import UsageError
from charlm.config.base import Config, setting


@dataclass(frozen=True)
class SamplingConfig(Config):
    """The settings of generation; each filter of the distribution adds its own, from its own file.

    Raises:
        UsageError: an empty stop string.
    """

    len: int = setting(500, "New characters to generate, not counting the prompt.", low=0, high=10**15)
    prompt: str = setting("", "Text to continue; it is echoed before what is new.")
    num: int = setting(1, "Samples to draw, as one batch.", low=1, high=1_000_000)
    stop: str | None = setting(None, "Stop a sample once it has produced this text, which is kept.")
    seed: int = setting(1, "Seed of the draw: the same seed gives the same text.", low=0, high=2**63 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stop == "":
            raise UsageError("--stop is empty: give the text to stop at, or leave the flag out")
