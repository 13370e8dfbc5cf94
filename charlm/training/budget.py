"""A run's length and its regular events, counted in steps, epochs or minutes."""

from __future__ import annotations

from charlm.config import BudgetConfig
from charlm.training.position import Position

VALIDATIONS = 20  # of a run, about
SAMPLES = 4  # of a run, about
VALIDATION_SHARE = 0.05  # of a run's time, at the most, where its length is a time


class Budget:
    """Tells how much of a run is done, and what is due.

    A run of so many minutes ends early enough for the last validation: its length leaves out the time that the
    slowest so far took.
    """

    def __init__(self, config: BudgetConfig, targets_per_epoch: int) -> None:
        self._config = config
        self._unit, self._amount = config.length
        self._targets_per_epoch = targets_per_epoch
        self._validation_seconds = 0.0

    def note_validation(self, seconds: float) -> None:
        """Learn how long a validation with its saving takes; the slowest so far is what the last may take."""
        self._validation_seconds = max(self._validation_seconds, seconds)

    def progress(self, position: Position) -> float:
        """How much of the run is done: 1 or more when it is over."""
        if self._unit == "steps":
            return position.step / self._amount
        if self._unit == "epochs":
            return position.targets / (self._targets_per_epoch * self._amount)
        # A run can be too short for its own validation.
        length = max(60 * self._amount - self._validation_seconds, 1e-3)
        return position.seconds / length

    def is_validation_due(self, position: Position, before: float) -> bool:
        """Whether to validate after a step, ``before`` which this much was done."""
        if self._config.eval_every is not None:
            return position.step % self._config.eval_every == 0
        if self._unit == "minutes":
            pause = self._validation_seconds / VALIDATION_SHARE
            if position.seconds - position.validated_at < pause:
                return False
        return _passes_a_mark(before, self.progress(position), VALIDATIONS)

    def is_sample_due(self, position: Position, before: float) -> bool:
        """Whether to draw a sample after a step, ``before`` which this much was done."""
        if self._config.sample_every is not None:
            return self._config.sample_every > 0 and position.step % self._config.sample_every == 0
        return _passes_a_mark(before, self.progress(position), SAMPLES)


def _passes_a_mark(before: float, after: float, marks: int) -> bool:
    return int(after * marks) > int(before * marks)
