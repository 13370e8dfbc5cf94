"""The training loop: steps, validations, samples and saves in turn, told as a stream of reports.

The loop prints nothing and knows no terminal: whoever iterates over it draws bars and lines, or does not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator

from charlm.base.errors import DivergenceError
from charlm.runs.run import Run
from charlm.training.divergence import IN_A_ROW, RollbackPoint, check_loss
from charlm.training.events import Report, SampleReport, StepReport, SummaryReport, ValidationReport
from charlm.training.run_length import Budget
from charlm.training.saving import Saver
from charlm.training.trainer import Trainer

SAMPLE_CHARACTERS = 200
SAMPLE_DOCUMENTS = 5  # that share them, where the corpus is one of documents


def train(
    trainer: Trainer, run: Run, should_stop: Callable[[], bool] = lambda: False
) -> Generator[Report, None, None]:
    """Train to the end of the budget, or until asked to stop; the run is saved in both cases.

    Args:
        trainer: a run in memory, fresh or restored.
        run: where it is saved.
        should_stop: asked before every step.

    Yields:
        Reports as things happen, the last one a SummaryReport.

    Raises:
        DivergenceError: training diverged again and again; the state that it last went back to is saved.
        RunError: the end cannot be saved.
    """
    loop = _Loop(trainer, run)
    if trainer.position.validated_step is None:
        yield from loop.validate()
        yield from loop.save()
        loop.rollback_point.renew()
    while True:
        try:
            yield from loop.go_on(should_stop)
            break
        except DivergenceError as error:
            yield from loop.roll_back(error)
    loop.saver.check()
    yield loop.summary(stopped=not loop.is_over())


class _Loop:
    """One pass through ``train``: the trainer, the budget, and a clock that runs on from the run's own time."""

    def __init__(self, trainer: Trainer, run: Run) -> None:
        self.trainer = trainer
        self.run = run
        self.budget = Budget.of(trainer)
        self.saver = Saver(trainer, run)
        self.rollback_point = RollbackPoint(trainer)
        batching = trainer.config.batching
        self._full_step = batching.seq_len * batching.batch_size
        self._chance_nats = math.log(len(trainer.corpus.vocabulary))
        self._started = time.monotonic() - trainer.position.seconds

    def progress(self) -> float:
        self.trainer.position.seconds = time.monotonic() - self._started
        return self.budget.progress(self.trainer.position)

    def is_over(self) -> bool:
        self.progress()
        return self.budget.is_over(self.trainer.position)

    def go_on(self, should_stop: Callable[[], bool]) -> Generator[Report, None, None]:
        """Train to the end, or until asked to stop.

        Raises:
            DivergenceError: there is no going on from here.
        """
        while not self.is_over() and not should_stop():
            before = self.progress()
            yield self.step(before)
            position = self.trainer.position
            if not self.is_over() and self.budget.is_validation_due(position, before):
                yield from self.validate()
            if self.budget.is_sample_due(position, before):
                yield self.sample()
            self.rollback_point.renew()
            if not self.is_over() and self.budget.is_save_due(position):
                yield from self.save()
        # A run that is stopped is only saved, so that it goes on as if it had not been.
        if self.is_over() and self.trainer.position.validated_step != self.trainer.position.step:
            yield from self.validate()
        yield from self.save()

    def step(self, progress: float) -> StepReport:
        position, began = self.trainer.position, time.monotonic()
        loss_nats, targets = self.trainer.step(progress)
        position.training_seconds += time.monotonic() - began
        check_loss(position, loss_nats, targets / self._full_step, self._chance_nats)
        done, rate = min(self.progress(), 1.0), position.chars_per_second
        return StepReport(position.step, done, loss_nats, targets, position.seconds, rate)

    def validate(self) -> Generator[Report, None, None]:
        began = time.monotonic()
        position = self.trainer.position
        if position.loss_targets:
            position.train_nats_per_char = position.loss_sum / position.loss_targets
            position.loss_sum, position.loss_targets = 0.0, 0
        cost = self._validation_cost()
        if cost is not None and not math.isfinite(cost):
            raise DivergenceError(f"the validation cost at step {position.step} is {cost}")
        position.val_nats_per_char = cost
        is_best = cost is not None and (position.best_val is None or cost < position.best_val)
        position.without_best += 1
        if is_best:
            position.best_val, position.without_best = cost, 0
        position.validated_at = position.seconds = time.monotonic() - self._started
        position.validated_step = position.step
        report = ValidationReport(
            step=position.step,
            epoch=position.targets / self.trainer.partition.targets_per_epoch,
            train_nats_per_char=position.train_nats_per_char,
            val_nats_per_char=cost,
            is_best=is_best,
            lr=position.lr,
            seconds=position.seconds,
        )
        faults = list(self.saver.record(report))
        self.budget.note_validation(position, time.monotonic() - began)
        yield report
        yield from faults

    def save(self) -> Generator[Report, None, None]:
        began = time.monotonic()
        faults = list(self.saver.save())
        self.progress()
        self.budget.note_save(self.trainer.position, time.monotonic() - began)
        yield from faults

    def roll_back(self, error: DivergenceError) -> Generator[Report, None, None]:
        """Go back to where training went well.

        Raises:
            DivergenceError: it has been done too often in a row.
        """
        lr, in_a_row = self.trainer.peak_lr, self.trainer.position.rollbacks_in_a_row
        report = self.rollback_point.roll_back(error)
        yield from self.saver.forget(after=self.trainer.position.validated_step)
        if in_a_row == IN_A_ROW:
            yield from self.save()
            raise DivergenceError(
                f"{error}, and going back {IN_A_ROW} times in a row, each time to half the rate, has not helped: "
                f"start again with a smaller --lr than {lr:g}, or a smaller --clip"
            )
        yield report

    def _validation_cost(self) -> float | None:
        if self.trainer.validation is None:
            return None
        tally = self.trainer.language_model().tally_with(self.trainer.pool, self.trainer.validation)
        return tally.figures.nats_per_char

    def sample(self) -> SampleReport:
        step = self.trainer.position.step
        model = self.trainer.language_model()
        end = model.corpus.document_end
        samples = 1 if end is None else SAMPLE_DOCUMENTS
        texts = model.samples(samples, len=SAMPLE_CHARACTERS // samples, seed=step)
        return SampleReport(step, (end or "").join(texts))

    def summary(self, stopped: bool) -> SummaryReport:
        position = self.trainer.position
        return SummaryReport(
            run=str(self.run.folder),
            steps=position.step,
            seconds=position.seconds,
            chars_per_second=position.chars_per_second,
            validation_share=position.validation_seconds / position.seconds,
            saving_share=position.saving_seconds / position.seconds,
            train_nats_per_char=position.train_nats_per_char,
            val_nats_per_char=position.val_nats_per_char,
            best_val_nats_per_char=position.best_val,
            parameters=self.trainer.model.params.flat.size,
            stopped=stopped,
            stopped_early=self.budget.is_out_of_patience(position) and self.progress() < 1,
        )
