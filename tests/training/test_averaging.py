"""Averaged weights in a training: what is measured, sampled and saved has them, and what learns has not."""

import dataclasses

import numpy as np
import pytest

from charlm.base.errors import DivergenceError
from charlm.inference.language_model import load_run
from charlm.inference.scoring import text_metrics
from charlm.runs.run import Run
from charlm.training.divergence import RollbackPoint
from charlm.training.events import StepReport
from charlm.training.loop import train
from charlm.training.resume import resume

SETTINGS = {"steps": 20, "eval_every": 4, "lr": 0.05}


def losses_of(reports):
    return [report.loss_nats for report in reports if isinstance(report, StepReport)]


def moved(trainer):
    """Whether the average and what learns have come apart."""
    return (trainer.engine.model().params.flat != trainer.engine._model.params.flat).any()


def test_what_learns_is_not_changed_by_its_average(begun):
    assert losses_of(train(*begun(**SETTINGS))) == losses_of(train(*begun(average=5, **SETTINGS)))


@pytest.mark.parametrize("workers", [1, 3])
def test_the_average_is_the_same_on_any_number_of_workers(begun, workers):
    one, _ = begun(average=5, dropout=0.0, dtype="float64", **SETTINGS)
    other, _ = begun(average=5, dropout=0.0, dtype="float64", workers=workers, **SETTINGS)
    for trainer in (one, other):
        for _ in range(6):
            trainer.state = trainer.step(0.0)[0]
    assert moved(one)
    np.testing.assert_allclose(
        other.engine.model().params.flat, one.engine.model().params.flat, rtol=1e-9, atol=1e-12
    )


def test_the_average_is_what_is_validated_sampled_and_saved(begun, pool):
    trainer, run = begun(average=5, **SETTINGS)
    list(train(trainer, run))
    assert moved(trainer)
    assert trainer.language_model().network is trainer.engine.model()
    curve = [record["val_nats_per_char"] for record in run.read_metrics()]
    for which, expected in (("best", min(curve)), ("last", curve[-1])):
        model = dataclasses.replace(load_run(run), network=run.load_model(which))
        cost = text_metrics(model.score_with(pool, trainer.corpus.validation)).nats_per_char
        assert cost == pytest.approx(expected, rel=1e-12)
    assert np.array_equal(run.load_model("last").params.flat, trainer.engine.model().params.flat)


def test_a_kept_save_is_the_average_too(begun):
    trainer, run = begun(average=5, keep=1, **SETTINGS)
    list(train(trainer, run))
    (run.folder / "step-000020.safetensors").replace(run.best_path)
    assert np.array_equal(run.load_model("best").params.flat, trainer.engine.model().params.flat)
    resumed, _ = resume(Run.open(run.folder), {"steps": 21})
    assert np.array_equal(resumed.engine._model.params.flat, trainer.engine._model.params.flat)


def test_going_back_brings_both_back(begun):
    trainer, _ = begun(average=5, **SETTINGS)
    for _ in range(3):
        trainer.state = trainer.step(0.0)[0]
    before = [model.params.flat.copy() for model in (trainer.engine._model, trainer.engine.model())]
    good = RollbackPoint(trainer)
    for _ in range(3):
        trainer.state = trainer.step(0.0)[0]
    good.roll_back(trainer.state, DivergenceError("planted"))
    for model, flat in zip((trainer.engine._model, trainer.engine.model()), before, strict=True):
        np.testing.assert_array_equal(model.params.flat, flat)


def test_another_model_s_weights_are_where_both_start_from(begun):
    trainer, run = begun(**SETTINGS)
    list(train(trainer, run))
    other, _ = begun(average=5, seed=2, **SETTINGS)
    assert other.start_from(load_run(run)).new == ()
    for model in (other.engine._model, other.engine.model()):
        np.testing.assert_array_equal(model.params.flat, run.load_model("best").params.flat)
