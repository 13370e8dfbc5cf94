"""Run settings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from charlm.base.errors import UsageError
from charlm.config.base import Config, setting

DEFAULT_MINUTES = 2.0
SECONDS = {"s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class RunConfig(Config):
    """Settings of a run's length and events.

    Raises:
        UsageError: more than one length, or an invalid interval.

    >>> RunConfig().length
    ('minutes', 2.0)
    >>> RunConfig(steps=100).length
    ('steps', 100)
    >>> RunConfig(save_every="500").save_interval, RunConfig(save_every="5m").save_interval
    (('steps', 500.0), ('seconds', 300.0))
    """

    preset: str | None = setting(
        None,
        "Settings for about 1, 5, 20 or 60 minutes: tiny, small, base, large.",
        choices=("tiny", "small", "base", "large"),
        since=3,
        otherwise="fits --minutes",
    )
    epochs: float | None = setting(None, "Train for this number of epochs.", above=0)
    steps: int | None = setting(
        None, "Train for this number of optimizer steps.", low=1, high=10**15, aliases=("max_steps",)
    )
    minutes: float | None = setting(
        None, "Train for this many minutes.", above=0, otherwise=f"{DEFAULT_MINUTES:g}"
    )
    eval_every: int | None = setting(
        None,
        "Steps between validations.",
        low=1,
        high=10**15,
        otherwise="about 20 per run",
    )
    patience: int = setting(
        0,
        "Early stopping: validations without improvement; 0 is off.",
        low=0,
        high=10**9,
        since=2,
    )
    sample_every: int | None = setting(
        None, "Steps between samples; 0 is off.", low=0, high=10**15, otherwise="about 4 per run"
    )
    save_every: str | None = setting(
        None,
        "Checkpoint interval in steps (500) or time (30s, 5m).",
        since=2,
        metavar="INTERVAL",
        otherwise="under 2% of the time",
    )
    keep: int = setting(0, "Also keep the N most recent checkpoints.", low=0, high=10**6, since=2)
    ngram: int | None = setting(
        None,
        "Also mix in an n-gram model of this context (8 is good), in characters.",
        low=1,
        high=32,
        since=7,
    )
    seed: int = setting(1, "Random seed.", low=0, high=2**63 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [name for name in ("epochs", "steps", "minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            flags = " and ".join(f"--{name}" for name in given)
            raise UsageError(f"{flags} are given: a run has one length, so give one of them")
        if self.save_every is not None and self.save_interval is None:
            wanted = "a number of steps, such as 500, or a time, such as 30s or 5m"
            raise UsageError(f"--save-every is {self.save_every!r}: it must be {wanted}")

    @property
    def length(self) -> tuple[str, float]:
        """Unit and amount of the length."""
        for unit in ("epochs", "steps", "minutes"):
            amount = getattr(self, unit)
            if amount is not None:
                return unit, amount
        return "minutes", DEFAULT_MINUTES

    @property
    def save_interval(self) -> tuple[str, float] | None:
        """Unit and amount of the checkpoint interval."""
        found = re.fullmatch(r"([0-9]{1,9})|([0-9]{1,9}(?:\.[0-9]{1,9})?)([sm])", self.save_every or "", re.ASCII)
        if found is None:
            return None
        steps, time, unit = found.groups()
        interval = ("steps", float(steps)) if unit is None else ("seconds", float(time) * SECONDS[unit])
        return interval if interval[1] else None
