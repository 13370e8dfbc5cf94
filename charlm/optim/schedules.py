"""Learning-rate schedules: the rate as a share of its peak, given how much of the run is done.

Progress runs from 0 to 1 in whatever the run's length is counted in, steps, epochs or minutes; the warm-up is
counted in steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable

FLOOR = 0.01  # of the peak rate, where cosine and linear end
DROPS = 3  # how often the step schedule divides the rate
DROP = 10**0.5  # by how much


def constant(progress: float) -> float:
    """The peak rate throughout."""
    return 1.0


def step(progress: float) -> float:
    """Divided by the square root of ten at each quarter of the run.

    >>> step(0.2), round(step(0.5), 6)
    (1.0, 0.1)
    """
    return DROP ** -min(DROPS, math.floor(progress * (DROPS + 1)))


def cosine(progress: float) -> float:
    """Half a cosine from the peak to a hundredth of it (Loshchilov & Hutter 2017, without restarts).

    >>> round(cosine(0.0), 6), round(cosine(1.0), 6)
    (1.0, 0.01)
    """
    return FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * progress)) / 2


def linear(progress: float) -> float:
    """A straight line from the peak to a hundredth of it."""
    return FLOOR + (1 - FLOOR) * (1 - progress)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "step": step,
    "cosine": cosine,
    "linear": linear,
}


def lr_factor_at(schedule: str, progress: float, step_number: int, warmup: int) -> float:
    """The share of the peak rate for a step.

    Args:
        schedule: a name in SCHEDULES.
        progress: how much of the run is done, from 0 to 1.
        step_number: number of the step, from 1.
        warmup: steps over which the rate rises in a straight line.

    >>> lr_factor_at("constant", 0.0, step_number=1, warmup=4)
    0.25
    """
    rise = min(1.0, step_number / warmup) if warmup else 1.0
    return rise * SCHEDULES[schedule](min(max(progress, 0.0), 1.0))
