"""A run's length and its regular events, counted in steps, epochs or minutes."""

from __future__ import annotations

from math import ceil
from statistics import median_low
from typing import Self

from charlm.config import RunConfig
from charlm.training.state import TrainerState
from charlm.training.trainer import Trainer

VALIDATIONS = 20  # of a run after its first, at the most, where nothing is said
VALIDATION_WORK = 0.1  # of the training's work, at the most, for those between the first and the last,
FORWARD_SHARE = 1 / 3  # where scoring a character costs so much of what training on it does
VALIDATION_SHARE = 0.05  # of a run's time, at the most, where its length is a time
LONGER = 4  # times what has been done: what is proposed to train for
SAMPLES = 4  # of a run, about
SAVING_SHARE = 0.015  # of a run's time, about, where nothing is said: under 2% with room for a slow disk
SAVING_PAUSE = 10.0  # seconds at the least, where nothing is said: a small model spares the disk


class Budget:
    """Tells how much of a run is done, and what is due.

    How much is done follows from the run's counters alone, and so does, of a run of so many steps or epochs, when
    to validate: a resumed run does as the uninterrupted one. A run of so many minutes ends early enough for the
    last validation and save: its length leaves out the time that the slowest so far took. Where nothing is said
    of saving, how long a save took decides how long training goes on before the next.
    """

    def __init__(
        self, config: RunConfig, targets_per_epoch: int, targets_per_step: float = 1.0, validated: int = 0
    ) -> None:
        """Count a run.

        Args:
            config: its length and its events.
            targets_per_epoch: the characters that an epoch predicts.
            targets_per_step: the characters that a step predicts, on average, at the least.
            validated: the characters that a validation predicts.
        """
        self._config = config
        self._unit, self._amount = config.length
        self._targets_per_epoch = targets_per_epoch
        self._validations = VALIDATIONS
        if self._unit != "minutes":
            trained = self._amount * (targets_per_step if self._unit == "steps" else targets_per_epoch)
            between = VALIDATION_WORK * trained / (FORWARD_SHARE * max(validated, 1))
            self._validations = 1 + int(min(between, VALIDATIONS - 1))
        self._validation_seconds: list[float] = []
        self._pause = 0.0
        self._saved_at = 0.0

    @classmethod
    def of(cls, trainer: Trainer) -> Self:
        """The budget of a training."""
        partition, part = trainer.partition, trainer.validation
        targets = partition.targets_per_epoch
        validated = 0 if part is None else len(part) - 1
        return cls(trainer.config.budget, targets, targets / partition.batches_per_epoch, validated)

    def note_validation(self, position: TrainerState, seconds: float) -> None:
        """Learn how long a validation took; the slowest so far is what the last may take."""
        position.validation_seconds += seconds
        position.slowest_validation = max(position.slowest_validation, seconds)
        self._validation_seconds.append(seconds)

    def note_save(self, position: TrainerState, seconds: float) -> None:
        """Learn that the run was saved, or that it was tried, and how long it took."""
        position.saving_seconds += seconds
        position.slowest_save = max(position.slowest_save, seconds)
        self._pause = max(seconds / SAVING_SHARE, SAVING_PAUSE)
        self._saved_at = position.seconds

    def progress(self, position: TrainerState) -> float:
        """How much of the run is done: 1 or more when it is over."""
        if self._unit == "steps":
            return position.step / self._amount
        if self._unit == "epochs":
            return position.targets / (self._targets_per_epoch * self._amount)
        # A run can be too short for its own validation.
        length = max(60 * self._amount - position.slowest_validation - position.slowest_save, 1e-3)
        return position.seconds / length

    def is_over(self, position: TrainerState) -> bool:
        """Whether the run has come to its end."""
        # Even a run that is too short for its own validation takes a step.
        return self.is_out_of_patience(position) or (self.progress(position) >= 1 and position.step > 0)

    def is_out_of_patience(self, position: TrainerState) -> bool:
        """Whether validation has found no new best for as long as the run's patience."""
        return 0 < self._config.patience <= position.without_best

    @property
    def length(self) -> str:
        """How long the run is to be, such as ``20 steps``."""
        return f"{self._amount:.15g} {self._unit.removesuffix('s') if self._amount == 1 else self._unit}"

    def place(self, position: TrainerState) -> str:
        """How far the run is of how long it is to be, such as ``step 85 of 20``."""
        return f"{self._unit.removesuffix('s')} {self._done(position):.6g} of {self._amount:.15g}"

    def longer(self, position: TrainerState) -> str:
        """The flag of a length that leaves the run something to do, such as ``--steps 80``."""
        more = LONGER * max(self._done(position), self._amount)
        return f"--{self._unit} {ceil(more) if self._unit == 'steps' else f'{more:.3g}'}"

    def _done(self, position: TrainerState) -> float:
        return {
            "steps": position.step,
            "epochs": position.targets / self._targets_per_epoch,
            "minutes": position.seconds / 60,
        }[self._unit]

    def is_validation_due(self, position: TrainerState, before: float) -> bool:
        """Whether to validate after a step, ``before`` which this much was done."""
        if self._config.eval_every is not None:
            return position.step % self._config.eval_every == 0
        if self._unit == "minutes" and self._validation_seconds:
            # One that was slow must not blank the curve for as long as twenty of its kind would take.
            pause = median_low(self._validation_seconds) / VALIDATION_SHARE
            if position.seconds - position.validated_at < pause:
                return False
        return _passes_a_mark(before, self.progress(position), self._validations)

    def is_sample_due(self, position: TrainerState, before: float) -> bool:
        """Whether to draw a sample after a step, ``before`` which this much was done."""
        if self._config.sample_every is not None:
            return self._config.sample_every > 0 and position.step % self._config.sample_every == 0
        return _passes_a_mark(before, self.progress(position), SAMPLES)

    def is_save_due(self, position: TrainerState) -> bool:
        """Whether to save after a step."""
        unit, amount = self._config.save_interval or ("seconds", self._pause)
        if unit == "steps":
            return position.step % amount == 0
        return position.seconds - self._saved_at >= amount


def _passes_a_mark(before: float, after: float, marks: int) -> bool:
    return int(after * marks) > int(before * marks)
