"""Learning-rate schedules: a factor, given the progress from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Callable

FLOOR = 0.01  # of the peak learning rate, where cosine and linear end
DROPS, DROP = 3, 10**0.5  # how often, and by what, step decay divides


def constant(progress: float) -> float:
    """The peak learning rate throughout."""
    return 1.0


def step_decay(progress: float) -> float:
    """Step decay: divided by sqrt(10) at each quarter.

    >>> step_decay(0.2), round(step_decay(0.5), 6)
    (1.0, 0.1)
    """
    return DROP ** -min(DROPS, math.floor(progress * (DROPS + 1)))


def cosine(progress: float) -> float:
    """Cosine decay to 1% (Loshchilov & Hutter 2017).

    >>> round(cosine(0.0), 6), round(cosine(1.0), 6)
    (1.0, 0.01)
    """
    return FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * progress)) / 2


def linear(progress: float) -> float:
    """Linear decay to 1% of the peak."""
    return FLOOR + (1 - FLOOR) * (1 - progress)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "step": step_decay,
    "cosine": cosine,
    "linear": linear,
}


def lr_factor_at(schedule: str, progress: float, step_number: int, warmup: int) -> float:
    """The factor for a step, with linear warmup.

    >>> lr_factor_at("constant", 0.0, step_number=1, warmup=4)
    0.25
    """
    rise = min(1.0, step_number / warmup) if warmup else 1.0
    return rise * SCHEDULES[schedule](min(max(progress, 0.0), 1.0))
