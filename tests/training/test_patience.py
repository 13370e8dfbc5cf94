"""Patience: a run ends early after so many validations without a new best, and can go on from there."""

import math

import numpy as np
import pytest

from charlm.base.errors import DivergenceError, RunError, UsageError
from charlm.runs.run import Run
from charlm.tasks.task import Validation
from charlm.training import divergence
from charlm.training.events import ValidationReport
from charlm.training.loop import train
from charlm.training.resume import resume
from charlm.training.trainer import Trainer

COSTS = [3.0, 2.0, 2.5, 2.0, 1.5, 1.6, 1.7, 1.8, 1.0]  # of the validations after steps 0, 2, 4 and so on
SETTINGS = {"steps": 16, "eval_every": 2}


@pytest.fixture
def scripted(monkeypatch):
    """Validations that cost what is written above, whatever the weights are."""
    monkeypatch.setattr(Trainer, "validate", lambda self: Validation(COSTS[self.state.step // 2]))


def validated(reports):
    return [report.step for report in reports if isinstance(report, ValidationReport)]


@pytest.mark.parametrize(("patience", "end"), [(0, 16), (1, 4), (2, 6), (3, 14), (4, 16), (9, 16)])
def test_a_run_ends_after_so_many_validations_in_a_row_without_a_new_best(begun, scripted, patience, end):
    *reports, summary = train(*begun(patience=patience, **SETTINGS))
    assert validated(reports) == list(range(0, end + 1, 2))
    assert summary.steps == end and not summary.stopped
    assert summary.stopped_early == (end < 16) == summary.to_json()["stopped_early"]
    assert summary.best_val_nats_per_char == min(COSTS[: end // 2 + 1])


def test_a_run_that_ended_early_goes_on_with_more_patience_as_if_it_had_not(begun, scripted):
    trainer, whole = begun(**SETTINGS)
    list(train(trainer, whole))
    _, run = begun(patience=2, **SETTINGS)
    *_, summary = train(*resume(Run.open(run.folder), {}))
    assert summary.steps == 6
    for settings in ({}, {"patience": 1}):
        with pytest.raises(RunError, match=r"has run out of --patience \d\. To train longer: .* --patience 0"):
            resume(Run.open(run.folder), settings)
    *_, summary = train(*resume(Run.open(run.folder), {"patience": 3}))
    assert summary.steps == 14 and summary.stopped_early
    assert Run.open(run.folder).config.budget.patience == 3
    resumed, run = resume(Run.open(run.folder), {"patience": 0})
    *_, summary = train(resumed, run)
    assert summary.steps == 16 and not summary.stopped_early
    assert np.array_equal(resumed.engine._model.params.flat, trainer.engine._model.params.flat)
    assert run.best_path.read_bytes() == whole.best_path.read_bytes()


def test_an_interruption_is_not_forgotten_by_patience(begun, scripted):
    trainer, run = begun(patience=3, **SETTINGS)
    list(train(trainer, run, lambda: trainer.state.step >= 13))
    *reports, summary = train(*resume(Run.open(run.folder), {}))
    assert validated(reports) == [14] and summary.stopped_early


def test_going_back_does_not_renew_patience(begun, scripted, monkeypatch):
    monkeypatch.setattr(divergence, "EVERY", 8)  # where the best before the end is found
    take = Trainer.step

    def diverging(self, progress):
        if self.state.step == 12 and not self.state.rollbacks:
            raise DivergenceError(f"the loss at step 13 is {math.nan}")
        return take(self, progress)

    monkeypatch.setattr(Trainer, "step", diverging)
    *reports, summary = train(*begun(patience=3, **SETTINGS))
    assert validated(reports) == [0, 2, 4, 6, 8, 10, 12, 10] and summary.stopped_early


def test_patience_needs_something_held_out(begun):
    with pytest.raises(UsageError, match="--patience counts validations, and nothing is held out"):
        begun(patience=2, val_fraction=0.0, **SETTINGS)


def test_patience_needs_something_held_out_that_is_known(begun):
    with pytest.raises(
        UsageError, match="--patience counts validations, and most of what is held out is unknown"
    ):
        begun("ab" * 60 + "QZ", patience=2, val_fraction=0.02, **SETTINGS)
