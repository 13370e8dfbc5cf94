"""A run's length and its regular events, counted in steps, epochs or minutes."""

from __future__ import annotations

from charlm.config import BudgetConfig
from charlm.training.position import Position

VALIDATIONS = 20  # of a run, about
SAMPLES = 4  # of a run, about
VALIDATION_SHARE = 0.05  # of a run's time, at the most, where its length is a time
SAVING_SHARE = 0.015  # of a run's time, about, where nothing is said: under 2% with room for a slow disk
SAVING_PAUSE = 10.0  # seconds at the least, where nothing is said: a small model spares the disk


class Budget:
    """Tells how much of a run is done, and what is due.

    A run of so many minutes ends early enough for the last validation and save: its length leaves out the time
    that the slowest so far took. Where nothing is said of saving, how long a save took decides how long training
    goes on before the next.
    """

    def __init__(self, config: BudgetConfig, targets_per_epoch: int) -> None:
        self._config = config
        self._unit, self._amount = config.length
        self._targets_per_epoch = targets_per_epoch
        self._validation_seconds = 0.0
        self._slowest_save = 0.0
        self._pause = 0.0
        self._saved_at = 0.0

    def note_validation(self, seconds: float) -> None:
        """Learn how long a validation takes; the slowest so far is what the last may take."""
        self._validation_seconds = max(self._validation_seconds, seconds)

    def note_save(self, position: Position, seconds: float) -> None:
        """Learn that the run was saved, or that it was tried, and how long it took."""
        self._slowest_save = max(self._slowest_save, seconds)
        self._pause = max(seconds / SAVING_SHARE, SAVING_PAUSE)
        self._saved_at = position.seconds

    def progress(self, position: Position) -> float:
        """How much of the run is done: 1 or more when it is over."""
        if self._unit == "steps":
            return position.step / self._amount
        if self._unit == "epochs":
            return position.targets / (self._targets_per_epoch * self._amount)
        # A run can be too short for its own validation.
        length = max(60 * self._amount - self._validation_seconds - self._slowest_save, 1e-3)
        return position.seconds / length

    def place(self, position: Position) -> str:
        """How far the run is of how long it is to be, such as ``step 319 of 20``."""
        done = {
            "steps": position.step,
            "epochs": position.targets / self._targets_per_epoch,
            "minutes": position.seconds / 60,
        }[self._unit]
        return f"{self._unit.removesuffix('s')} {done:.6g} of {self._amount:g}"

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

    def is_save_due(self, position: Position) -> bool:
        """Whether to save after a step."""
        unit, amount = self._config.save_interval or ("seconds", self._pause)
        if unit == "steps":
            return position.step % amount == 0
        return position.seconds - self._saved_at >= amount


def _passes_a_mark(before: float, after: float, marks: int) -> bool:
    return int(after * marks) > int(before * marks)
