"""A run's length, and when to validate, sample and save."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from statistics import median_low
from typing import Self

from charlm.config import RunConfig
from charlm.training.state import TrainerState
from charlm.training.trainer import Trainer

VALIDATIONS = 20  # of a run after its first, at most, without --eval-every
VALIDATION_WORK = 0.1  # of the training's work, at most, for those between the first and the last
FORWARD_SHARE = 1 / 3  # of a character's training step is its scoring
VALIDATION_SHARE = 0.05  # of the time of a run in minutes, at most
LONGER = 4  # times the length so far: what is proposed to train for
SAMPLES = 4  # of a run, about
LOSSES = 200  # training losses that a run logs, about
SAVING_SHARE = 0.015  # of a run's time, about, without --save-every
SAVING_PAUSE = 10.0  # seconds between saves, at least, without --save-every


class Budget:
    """How much of a run is done, and what is due."""

    def __init__(
        self, config: RunConfig, targets_per_epoch: int, targets_per_step: float = 1.0, validated: int = 0
    ) -> None:
        """Take the targets of an epoch, a step (at least) and a validation."""
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
        partition, validated = trainer.partition, trainer.corpus.validation_targets
        targets = partition.targets_per_epoch
        return cls(trainer.config.budget, targets, targets / partition.batches_per_epoch, validated)

    def note_validation(self, state: TrainerState, seconds: float) -> TrainerState:
        """Note how long a validation took."""
        self._validation_seconds.append(seconds)
        return replace(
            state,
            validation_seconds=state.validation_seconds + seconds,
            slowest_validation=max(state.slowest_validation, seconds),
        )

    def note_save(self, state: TrainerState, seconds: float) -> TrainerState:
        """Note a save, or a failed one, and its time."""
        self._pause = max(seconds / SAVING_SHARE, SAVING_PAUSE)
        self._saved_at = state.seconds
        return replace(
            state,
            saving_seconds=state.saving_seconds + seconds,
            slowest_save=max(state.slowest_save, seconds),
        )

    def progress(self, state: TrainerState) -> float:
        """The share that is done; 1 or more at the end."""
        if self._unit == "steps":
            return state.step / self._amount
        if self._unit == "epochs":
            return state.targets / (self._targets_per_epoch * self._amount)
        # A run can be too short for its own validation.
        length = max(60 * self._amount - state.slowest_validation - state.slowest_save, 1e-3)
        return state.seconds / length

    def is_over(self, state: TrainerState) -> bool:
        """Whether the run has ended."""
        # Even a run that is too short for its own validation takes a step.
        return self.is_out_of_patience(state) or (self.progress(state) >= 1 and state.step > 0)

    def is_out_of_patience(self, state: TrainerState) -> bool:
        """Whether the run's patience has passed without a new best."""
        return 0 < self._config.patience <= state.without_best

    @property
    def length(self) -> str:
        """The run's length, such as ``20 steps``."""
        return f"{self._amount:.15g} {self._unit.removesuffix('s') if self._amount == 1 else self._unit}"

    def place(self, state: TrainerState) -> str:
        """The run's place, such as ``step 85 of 20``."""
        return f"{self._unit.removesuffix('s')} {self._done(state):.6g} of {self._amount:.15g}"

    def longer(self, state: TrainerState) -> str:
        """A flag for a longer run, such as ``--steps 80``."""
        more = LONGER * max(self._done(state), self._amount)
        return f"--{self._unit} {ceil(more) if self._unit == 'steps' else f'{more:.3g}'}"

    def _done(self, state: TrainerState) -> float:
        return {
            "steps": state.step,
            "epochs": state.targets / self._targets_per_epoch,
            "minutes": state.seconds / 60,
        }[self._unit]

    def is_validation_due(self, state: TrainerState, before: float) -> bool:
        """Whether to validate; ``before`` is the progress before the step."""
        if self._config.eval_every is not None:
            return state.step % self._config.eval_every == 0
        if self._unit == "minutes" and self._validation_seconds:
            # One that was slow must not blank the curve for as long as twenty of its kind would take.
            pause = median_low(self._validation_seconds) / VALIDATION_SHARE
            if state.seconds - state.validated_at < pause:
                return False
        return _passes_a_mark(before, self.progress(state), self._validations)

    def is_loss_due(self, state: TrainerState, before: float) -> bool:
        """Whether to log the training loss; ``before`` is the progress before the step."""
        return _passes_a_mark(before, self.progress(state), LOSSES)

    def is_sample_due(self, state: TrainerState, before: float) -> bool:
        """Whether to sample; ``before`` is the progress before the step."""
        if self._config.sample_every is not None:
            return self._config.sample_every > 0 and state.step % self._config.sample_every == 0
        return _passes_a_mark(before, self.progress(state), SAMPLES)

    def is_save_due(self, state: TrainerState) -> bool:
        """Whether to save after a step."""
        unit, amount = self._config.save_interval or ("seconds", self._pause)
        if unit == "steps":
            return state.step % amount == 0
        return state.seconds - self._saved_at >= amount


def _passes_a_mark(before: float, after: float, marks: int) -> bool:
    return int(after * marks) > int(before * marks)
