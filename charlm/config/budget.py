"""How long a run lasts, and what it does on the way."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.config._base import Config, setting
from charlm.errors import UsageError

DEFAULT_MINUTES = 2.0


@dataclass(frozen=True)
class BudgetConfig(Config):
    """The settings of a run's length (one of three) and of its regular events.

    Raises:
        UsageError: more than one length is given.

    >>> BudgetConfig().length
    ('minutes', 2.0)
    >>> BudgetConfig(steps=100).length
    ('steps', 100)
    """

    epochs: float | None = setting(None, "Length in passes over the training part.", above=0)
    steps: int | None = setting(None, "Length in optimiser steps.", low=1, high=10**15)
    minutes: float | None = setting(
        None, "Length in minutes, everything included; the default, at 2, when no length is given.", above=0
    )
    eval_every: int | None = setting(
        None, "Steps between validations; left out, about twenty over the run.", low=1, high=10**15
    )
    sample_every: int | None = setting(
        None, "Steps between samples; left out, about four over the run; 0 for none.", low=0, high=10**15
    )
    seed: int = setting(1, "Seed of every random number.", low=0, high=2**63 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [name for name in ("epochs", "steps", "minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            flags = " and ".join(f"--{name}" for name in given)
            raise UsageError(f"{flags} are given: a run has one length, so give one of them")

    @property
    def length(self) -> tuple[str, float]:
        """The unit and the amount of the run's length."""
        for unit in ("epochs", "steps", "minutes"):
            amount = getattr(self, unit)
            if amount is not None:
                return unit, amount
        return "minutes", DEFAULT_MINUTES
