"""The training loop: steps, validations, samples and saves in turn, told as a stream of reports.

The loop prints nothing and knows no terminal: whoever iterates over it draws bars and lines, or does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from charlm.checkpoint.checkpoint import Checkpoint, save_checkpoint
from charlm.checkpoint.run import Run
from charlm.scoring import figures_of
from charlm.training.budget import Budget
from charlm.training.reports import Report, SampleReport, StepReport, SummaryReport, ValidationReport
from charlm.training.trainer import Trainer

VALIDATION_CHARACTERS = 250_000  # scored at each validation, from the part's start; eval scores the whole part
SAMPLE_CHARACTERS = 200


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
        DivergenceError: the loss is no finite number any more; the last save stands.
    """
    loop = _Loop(trainer, run)
    if trainer.position.step == 0:
        yield loop.validate()
    while not loop.is_over() and not should_stop():
        before = loop.progress()
        yield loop.step(before)
        if not loop.is_over() and loop.budget.is_validation_due(trainer.position, before):
            yield loop.validate()
        if loop.budget.is_sample_due(trainer.position, before):
            yield loop.sample()
    if loop.validated_step != trainer.position.step:
        yield loop.validate()
    yield loop.summary(stopped=not loop.is_over())


class _Loop:
    """One pass through ``train``: the trainer, the budget, and a clock that runs on from the run's own time."""

    def __init__(self, trainer: Trainer, run: Run) -> None:
        self.trainer = trainer
        self.run = run
        self.budget = Budget(trainer.config.budget, trainer.partition.targets_per_epoch)
        self._started = time.monotonic() - trainer.position.seconds
        self._val_nats: float | None = None
        self.validated_step: int | None = None

    def progress(self) -> float:
        self.trainer.position.seconds = time.monotonic() - self._started
        return self.budget.progress(self.trainer.position)

    def is_over(self) -> bool:
        # Even a run that is too short for its own validation takes a step.
        return self.progress() >= 1 and self.trainer.position.step > 0

    def step(self, progress: float) -> StepReport:
        loss_nats, targets = self.trainer.step(progress)
        after = min(self.progress(), 1.0)
        position = self.trainer.position
        return StepReport(position.step, after, loss_nats, targets, position.seconds)

    def validate(self) -> ValidationReport:
        began = time.monotonic()
        position = self.trainer.position
        if position.loss_targets:
            position.train_nats_per_char = position.loss_sum / position.loss_targets
            position.loss_sum, position.loss_targets = 0.0, 0
        self._val_nats = self._validation_cost()
        is_best = self._val_nats is not None and (position.best_val is None or self._val_nats < position.best_val)
        if is_best:
            position.best_val = self._val_nats
        position.validated_at = position.seconds = time.monotonic() - self._started
        report = ValidationReport(
            step=position.step,
            epoch=position.targets / self.trainer.partition.targets_per_epoch,
            train_nats_per_char=position.train_nats_per_char,
            val_nats_per_char=self._val_nats,
            is_best=is_best,
            lr=self.trainer.lr,
            seconds=position.seconds,
        )
        self._save(report)
        self.validated_step = position.step
        self.budget.note_validation(time.monotonic() - began)
        return report

    def _validation_cost(self) -> float | None:
        text = self.trainer.corpus.validation[:VALIDATION_CHARACTERS]
        if len(text) < 2:
            return None
        scores = self.trainer.language_model().score_with(self.trainer.pool, text)
        return figures_of(scores).nats_per_char

    def _save(self, report: ValidationReport) -> None:
        checkpoint = self.trainer.checkpoint()
        config = self.trainer.config.model
        # The best first: the last tells which cost was the best, and must not know of one that was never saved.
        if report.is_best or self._val_nats is None:
            save_checkpoint(self.run.best_path, Checkpoint(checkpoint.params), config)
        save_checkpoint(self.run.last_path, checkpoint, config)
        self.run.append_metrics(report.to_json())

    def sample(self) -> SampleReport:
        step = self.trainer.position.step
        text = self.trainer.language_model().sample(SAMPLE_CHARACTERS, seed=step)
        return SampleReport(step, text)

    def summary(self, stopped: bool) -> SummaryReport:
        position = self.trainer.position
        return SummaryReport(
            run=str(self.run.folder),
            steps=position.step,
            seconds=position.seconds,
            chars_per_second=position.targets / position.seconds,
            train_nats_per_char=position.train_nats_per_char,
            val_nats_per_char=self._val_nats,
            best_val_nats_per_char=position.best_val,
            parameters=self.trainer.model.params.flat.size,
            stopped=stopped,
        )
