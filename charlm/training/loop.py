"""The training loop: steps, validations, samples and saves, yielded as events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from dataclasses import replace

import numpy as np

from charlm.base.errors import DivergenceError
from charlm.runs.run import Run
from charlm.training.divergence import IN_A_ROW, RollbackPoint, check_loss
from charlm.training.events import (
    FaultReport,
    LossReport,
    Report,
    SampleReport,
    StepReport,
    SummaryReport,
    ValidationReport,
)
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
    if trainer.config.budget.ngram is not None and trainer.ranks.rank == 0:
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
        self._ranks, trainer.agree = trainer.ranks, self.agree
        self._started = time.monotonic() - trainer.state.seconds
        self._is_asked = self._stops = self._has_warned = False

    def clock(self) -> float:
        return time.monotonic() - self._started

    def share(self, state: TrainerState) -> TrainerState:
        """Make a state with the clock of now, rank 0's, that of all ranks."""
        state = replace(state, seconds=self.clock())
        if self._ranks.size > 1:
            message = self._ranks.broadcast(json.dumps(state.to_json()).encode())
            state = TrainerState(**json.loads(message))
        self.trainer.state = state
        return state

    def agree(self, nll_sum: float) -> float:
        """Sum a step's losses over ranks; take rank 0's clock, and whether any rank is to stop."""
        message = np.array([nll_sum, 0.0 if self._ranks.rank else self.clock(), self._is_asked], np.float64)
        self._ranks.sum_(message)
        nll_sum, seconds, asked = message.tolist()
        self.trainer.state, self._stops = replace(self.trainer.state, seconds=seconds), asked > 0
        return float(nll_sum)

    def stops(self, is_asked: bool) -> bool:
        """Whether to stop; several ranks do so together, after the step in which one was asked."""
        self._is_asked = is_asked
        return is_asked if self._ranks.size == 1 else self._stops

    def progress(self) -> float:
        return self.budget.progress(self.trainer.state)

    def is_over(self) -> bool:
        return self.budget.is_over(self.trainer.state)

    def go_on(self, should_stop: Callable[[], bool]) -> Generator[Report, None, None]:
        """Train to the end, or until asked to stop.

        Raises:
            DivergenceError: training cannot continue.
        """
        while not self.is_over() and not self.stops(should_stop()):
            before = self.progress()
            yield self.step(before)
            if self.budget.is_loss_due(self.trainer.state, before):
                yield self.log_loss()
            if not self.is_over() and self.budget.is_validation_due(self.trainer.state, before):
                yield from self.validate()
            if self._ranks.rank == 0 and self.budget.is_sample_due(self.trainer.state, before):
                yield self.sample()
            self.renew()
            if not self.is_over() and self.budget.is_save_due(self.trainer.state):
                yield from self.save()
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
        state = self.trainer.state
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
        state = self.trainer.state
        began = state.seconds
        if state.loss_targets:
            mean = state.loss_sum / state.loss_targets
            state = replace(state, train_nats_per_char=mean, loss_sum=0.0, loss_targets=0)
        found = self.trainer.validate()
        loss = None if found is None else found.loss
        is_best = found is not None and state.is_best(found.errors, found.loss)
        validated = replace(
            state,
            val_nats_per_char=loss,
            best_val=loss if is_best else state.best_val,
            best_errors=found.errors if found is not None and is_best else state.best_errors,
            without_best=0 if is_best else state.without_best + 1,
            validated_step=state.step,
        )
        now = self.share(validated)
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
        self.trainer.state = self.budget.note_validation(self.trainer.state, now.seconds - began)
        yield report
        yield from faults
        if overfitting := self.overfitting.note(report, now.best_val, self.progress()):
            yield overfitting

    def save(self) -> Generator[Report, None, None]:
        began = self.trainer.state.seconds
        state, faults = self.saver.save(self.trainer.state)
        seconds = self.share(state).seconds - began
        self.trainer.state = self.budget.note_save(self.trainer.state, seconds)
        yield from faults
        timeout = self.trainer.config.engine.rank_timeout
        if self._ranks.size > 1 and seconds > timeout / 2 and not self._has_warned:
            self._has_warned = True
            said = f"a save took {seconds:.0f} s, and one of {timeout:g} s ends a training: raise --rank-timeout"
            yield FaultReport(state.step, said, is_over=False)

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
