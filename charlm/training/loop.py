"""The training loop: steps, validations, samples and saves, yielded as events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace

from charlm.base.errors import DivergenceError
from charlm.runs.run import Run
from charlm.training.divergence import IN_A_ROW, RollbackPoint, check_loss
from charlm.training.events import LossReport, Report, SampleReport, StepReport, SummaryReport, ValidationReport
from charlm.training.ngram import add_ngram, why_unmixed
from charlm.training.remarks import OverfittingWatch
from charlm.training.run_length import Budget
from charlm.training.saving import Saver
from charlm.training.state import TrainerState
from charlm.training.trainer import Trainer


def train(
    trainer: Trainer, run: Run, should_stop: Callable[[], bool] = lambda: False
) -> Generator[Report, None, None]:
    """Train to the end or until ``should_stop()``, then save; a SummaryReport comes last.

    Raises:
        DivergenceError: training diverged too often; its last good state is saved.
        RunError: the last save failed, or the n-gram model cannot be written.
    """
    loop = _Loop(trainer, run)
    if trainer.state.validated_step is None:
        yield from loop.validate()
        yield from loop.save()
        loop.renew()
    while True:
        try:
            yield from loop.go_on(should_stop)
            break
        except DivergenceError as error:
            yield from loop.roll_back(error)
    loop.saver.check(trainer.state.step)
    if trainer.config.budget.ngram is not None:
        yield from add_ngram(trainer, run, trainer.config.budget.ngram)
    yield loop.summary(stopped=not loop.is_over())


class _Loop:
    """One call of ``train``."""

    def __init__(self, trainer: Trainer, run: Run) -> None:
        self.trainer = trainer
        self.run = run
        self.budget = Budget.of(trainer)
        self.saver = Saver(trainer, run)
        self.rollback_point = RollbackPoint(trainer)
        self.overfitting = OverfittingWatch(self.progress())
        self._full_step = trainer.partition.most_targets
        self._chance_nats = trainer.task.guess_loss(trainer.corpus.vocabulary)
        self._started = time.monotonic() - trainer.state.seconds

    def tick(self) -> TrainerState:
        """Set the state's clock."""
        self.trainer.state = replace(self.trainer.state, seconds=time.monotonic() - self._started)
        return self.trainer.state

    def progress(self) -> float:
        return self.budget.progress(self.trainer.state)

    def is_over(self) -> bool:
        return self.budget.is_over(self.trainer.state)

    def go_on(self, should_stop: Callable[[], bool]) -> Generator[Report, None, None]:
        """Train to the end, or until asked to stop.

        Raises:
            DivergenceError: training cannot continue.
        """
        self.tick()
        while not self.is_over() and not should_stop():
            before = self.progress()
            yield self.step(before)
            self.tick()
            if self.budget.is_loss_due(self.trainer.state, before):
                yield self.log_loss()
            if not self.is_over() and self.budget.is_validation_due(self.trainer.state, before):
                yield from self.validate()
            if self.budget.is_sample_due(self.trainer.state, before):
                yield self.sample()
            self.renew()
            self.tick()
            if not self.is_over() and self.budget.is_save_due(self.trainer.state):
                yield from self.save()
            self.tick()
        # A run that is stopped is only saved, so that it continues as if it had not been.
        if self.is_over() and self.trainer.state.validated_step != self.trainer.state.step:
            yield from self.validate()
        yield from self.save()

    def step(self, progress: float) -> StepReport:
        began = time.monotonic()
        state, loss_nats, targets = self.trainer.step(progress)
        seconds = state.training_seconds + time.monotonic() - began
        self.trainer.state = replace(state, training_seconds=seconds)
        share = targets / self._full_step
        self.trainer.state = check_loss(self.trainer.state, loss_nats, share, self._chance_nats)
        state = self.tick()
        done = min(self.progress(), 1.0)
        return StepReport(
            state.step, done, loss_nats, targets, state.seconds, state.chars_per_second, type(self.trainer.task)
        )

    def log_loss(self) -> LossReport:
        """Log the mean loss of the steps since the last time, before a validation of the same step."""
        state = self.trainer.state
        mean = state.unlogged_sum / state.unlogged_targets
        report = LossReport(
            state.step, self._epoch(state), mean, state.lr, state.seconds, type(self.trainer.task)
        )
        self.trainer.state = replace(state, unlogged_sum=0.0, unlogged_targets=0)
        self.saver.note_loss(report)
        return report

    def _epoch(self, state: TrainerState) -> float:
        return state.targets / self.trainer.partition.targets_per_epoch

    def validate(self) -> Generator[Report, None, None]:
        began = time.monotonic()
        state = self.trainer.state
        if state.loss_targets:
            mean = state.loss_sum / state.loss_targets
            state = replace(state, train_nats_per_char=mean, loss_sum=0.0, loss_targets=0)
        found = self.trainer.validate()
        loss = None if found is None else found.loss
        is_best = found is not None and state.is_best(found.errors, found.loss)
        self.trainer.state = replace(
            state,
            val_nats_per_char=loss,
            best_val=loss if is_best else state.best_val,
            best_errors=found.errors if found is not None and is_best else state.best_errors,
            without_best=0 if is_best else state.without_best + 1,
            validated_step=state.step,
        )
        now = self.tick()
        self.trainer.state = replace(now, validated_at=now.seconds)
        report = ValidationReport(
            step=now.step,
            epoch=self._epoch(now),
            train_nats_per_char=now.train_nats_per_char,
            val_nats_per_char=loss,
            is_best=is_best,
            lr=now.lr,
            seconds=now.seconds,
            task=type(self.trainer.task),
            figures={} if found is None else found.figures,
        )
        faults = list(self.saver.record(report))
        self.trainer.state = self.budget.note_validation(self.trainer.state, time.monotonic() - began)
        yield report
        yield from faults
        if overfitting := self.overfitting.note(report, now.best_val, self.progress()):
            yield overfitting

    def save(self) -> Generator[Report, None, None]:
        began = time.monotonic()
        self.trainer.state, faults = self.saver.save(self.trainer.state)
        self.trainer.state = self.budget.note_save(self.tick(), time.monotonic() - began)
        yield from faults

    def renew(self) -> None:
        self.trainer.state = self.rollback_point.renew(self.trainer.state)

    def roll_back(self, error: DivergenceError) -> Generator[Report, None, None]:
        """Go back to where training went well.

        Raises:
            DivergenceError: too often in a row.
        """
        lr, in_a_row = self.trainer.peak_lr, self.trainer.state.rollbacks_in_a_row
        self.trainer.state, report = self.rollback_point.roll_back(self.trainer.state, error)
        yield from self.saver.forget(self.trainer.state.step, self.trainer.state.validated_step)
        if in_a_row == IN_A_ROW:
            yield from self.save()
            raise DivergenceError(
                f"{error}, and going back {IN_A_ROW} times in a row, each time to half the rate, has not helped: "
                f"start again with a smaller --lr than {lr:g}, or a smaller --clip"
            )
        yield report

    def sample(self) -> SampleReport:
        return SampleReport(self.trainer.state.step, self.trainer.show())

    def summary(self, stopped: bool) -> SummaryReport:
        state, config = self.trainer.state, self.trainer.config
        return SummaryReport(
            run=str(self.run.folder),
            steps=state.step,
            seconds=state.seconds,
            chars_per_second=state.chars_per_second,
            validation_share=state.validation_seconds / state.seconds,
            saving_share=state.saving_seconds / state.seconds,
            train_nats_per_char=state.train_nats_per_char,
            val_nats_per_char=state.val_nats_per_char,
            best_val_nats_per_char=state.best_val,
            parameters=self.trainer.parameters,
            task=type(self.trainer.task),
            ngram=config.budget.ngram,
            can_mix=config.budget.ngram is None and why_unmixed(config, self.trainer.corpus) is None,
            stopped=stopped,
            stopped_early=self.budget.is_out_of_patience(state) and self.progress() < 1,
        )
