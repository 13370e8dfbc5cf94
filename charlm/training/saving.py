"""Save checkpoints, the best weights before the latest; failed writes are retried at the next save."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from charlm.base.arrays import FlatVector
from charlm.base.errors import RunError
from charlm.runs.checkpoint import Checkpoint
from charlm.runs.folder import delete_snapshots, holds_run, snapshot_path
from charlm.runs.metrics import is_later
from charlm.runs.run import Run
from charlm.training.events import FaultReport, LossReport, ValidationReport
from charlm.training.state import TrainerState
from charlm.training.trainer import Trainer


class Saver:
    """Saves a training into its run."""

    def __init__(self, trainer: Trainer, run: Run) -> None:
        self._trainer = trainer
        self._run = run
        self._best: FlatVector | None = None
        self._is_best_written = True
        self._records: list[dict[str, Any]] = []  # not yet written
        self._faults: dict[str, str] = {}  # by what is not saved, the latest reason

    def record(self, report: ValidationReport) -> Iterator[FaultReport]:
        """Log a validation, and keep its weights if they are the best.

        Raises:
            DivergenceError: a loss is not finite.
        """
        if report.is_best or report.val_nats_per_char is None:
            params = self._trainer.engine.model().params
            self._best = params.zeros_like()
            self._best.flat[:] = params.flat
            self._is_best_written = False
        self._records.append(report.to_json())
        yield from self._attempt(report.step, "the curve", self._write_records)

    def note_loss(self, report: LossReport) -> None:
        """Log a training loss; it is written with the next validation or save."""
        self._records.append(report.to_json())

    def forget(self, step: int, validated_step: int | None) -> Iterator[FaultReport]:
        """Drop the training losses after a step and the validations after another, or all, from the log."""
        self._records = [record for record in self._records if not is_later(record, step, validated_step)]
        yield from self._attempt(step, "the curve", partial(self._forget_records, step, validated_step))

    def save(self, state: TrainerState) -> tuple[TrainerState, list[FaultReport]]:
        """Save the training; report when writes begin to fail and when they work again.

        Raises:
            DivergenceError: a parameter is not finite; earlier saves stand.
        """
        was_gone, step = not holds_run(self._run.folder), state.step
        checkpoint = self._trainer.checkpoint(state)  # of all ranks, so whatever can be written
        faults = list(self._attempt(step, "the run's folder", self._run.put_back))
        if not self._faults.get("the run's folder"):
            if self._best is None and not os.path.lexists(self._run.best_path):
                state = replace(state, best_val=None)  # somebody deleted its weights: the next is the best again
            faults += self._attempt(step, "the best weights", self._write_best)
        if not {"the run's folder", "the best weights"} & self._faults.keys():
            faults += self._save_latest(replace(checkpoint, scalars=state.to_json()), step, was_gone)
        return state, faults

    def _save_latest(self, checkpoint: Checkpoint, step: int, was_gone: bool) -> Iterator[FaultReport]:
        """Save the latest weights, after the best."""
        keep, folder = self._trainer.config.budget.keep, self._run.folder
        if self._records:  # before the state, which does not bring them back
            yield from self._attempt(step, "the curve", self._write_records)
        if keep:
            path = snapshot_path(folder, step)
            yield from self._attempt(step, "a further copy of it", partial(self._run.save, path, checkpoint))
            yield from self._attempt(
                step, "the number of copies", partial(delete_snapshots, self._run.folder, keep)
            )
        yield from self._attempt(step, "the state of training", partial(self._write_state, checkpoint))
        if was_gone and not self._faults:
            message = f"{self._run.folder} was gone, and is put back without the curve's earlier part"
            yield FaultReport(step, message, is_over=True)

    def check(self, step: int) -> None:
        """Check that all is saved at the end.

        Raises:
            RunError: something is not.
        """
        # Lost weights are worse than a lost curve.
        for what, reason in sorted(self._faults.items(), key=lambda fault: fault[0] == "the curve"):
            raise RunError(f"the save after step {step} failed for {what}: {reason}")

    def _attempt(self, step: int, what: str, write: Callable[[], None]) -> Iterator[FaultReport]:
        if self._trainer.ranks.rank > 0:  # one of them writes
            return
        try:
            write()
        except (RunError, OSError) as error:
            if what not in self._faults:
                yield FaultReport(step, f"{error}; training goes on in memory, and tries again", is_over=False)
            self._faults[what] = str(error)
        else:
            if self._faults.pop(what, None) is not None:
                yield FaultReport(step, f"saved again: {what}", is_over=True)

    def _write_best(self) -> None:
        is_there = self._is_best_written and os.path.lexists(self._run.best_path)
        if self._best is not None and not is_there:
            self._run.save(self._run.best_path, Checkpoint(self._best))
            self._is_best_written = True

    def _write_state(self, checkpoint: Checkpoint) -> None:
        self._run.save(self._run.last_path, checkpoint)
        self._run.complete()

    def _forget_records(self, step: int, validated_step: int | None) -> None:
        self._run.check_folder()
        self._run.forget_metrics(step, validated_step)

    def _write_records(self) -> None:
        self._run.check_folder()
        while self._records:
            self._run.append_metrics(self._records[0])
            del self._records[0]
