"""The loop: what it reports, what it leaves on the disk, and what disturbs nothing."""

import itertools
import math

import numpy as np
import pytest

from charlm.base.errors import DivergenceError
from charlm.data import corpus as corpora
from charlm.inference.language_model import LanguageModel
from charlm.inference.language_model import load_run as load
from charlm.inference.scoring import Scores, tally_of
from charlm.optim.rules import OPTIMIZERS
from charlm.runs.run import Run
from charlm.tasks.kinds import predict
from charlm.training.events import OverfittingReport, StepReport, SummaryReport, ValidationReport
from charlm.training.loop import train


def weights_of(run, which):
    return run.load_model(which).params.flat


def trained(trainer, run):
    """The losses and the weights at the end of a run."""
    losses = [report.loss_nats for report in train(trainer, run) if isinstance(report, StepReport)]
    return losses, trainer.engine._model.params.flat


def test_a_checkpoint_precedes_the_first_step(begun):
    trainer, run = begun(steps=5)
    fresh = trainer.engine._model.params.flat.copy()
    assert np.array_equal(weights_of(Run.open(run.folder), "last"), fresh)
    reports = train(trainer, run)
    first = next(reports)
    assert isinstance(first, ValidationReport) and first.step == 0
    assert first.train_nats_per_char is None and first.is_best
    next(reports)
    for which in ("best", "last"):
        assert np.array_equal(weights_of(Run.open(run.folder), which), fresh)


def test_the_validation_loss_is_that_of_the_held_out_text(begun):
    trainer, run = begun(steps=4, eval_every=2)
    for report in train(trainer, run):
        if isinstance(report, ValidationReport):
            figures = trainer.language_model().perplexity(trainer.corpus.validation.text)
            assert report.val_nats_per_char == figures.nats_per_char
    assert load(run).perplexity(trainer.corpus.validation.text).nats_per_char == trainer.state.best_val


def test_a_long_held_out_text_is_scored_in_part(begun, monkeypatch):
    monkeypatch.setattr(corpora, "VALIDATION_CHARACTERS", 10)
    trainer, run = begun(steps=1)
    report = next(train(trainer, run))
    figures = trainer.language_model().perplexity(trainer.corpus.validation[:10].text)
    assert report.val_nats_per_char == figures.nats_per_char


def test_the_training_cost_is_the_mean_over_the_targets_since_the_last(begun):
    costs, targets, checked = 0.0, 0, 0
    for report in train(*begun(steps=30, eval_every=7)):
        if isinstance(report, StepReport):
            costs += report.loss_nats * report.targets
            targets += report.targets
        elif isinstance(report, ValidationReport) and report.step:
            assert report.train_nats_per_char == pytest.approx(costs / targets, rel=1e-12)
            costs, targets, checked = 0.0, 0, checked + 1
    assert checked == 5


@pytest.mark.parametrize("costs", [[5, 3, 4, 2, 6], [1, 2, 3, 4, 5], [3, 2, 2, 3, 2], [3, 0, 1, 0, 2]])
def test_model_safetensors_is_the_best_by_validation(begun, monkeypatch, costs):
    told = iter(costs)

    def score(*args):
        return tally_of([Scores(np.full(2, float(next(told))), np.ones(2, bool), 2)])

    monkeypatch.setattr(LanguageModel, "tally", score)
    trainer, run = begun(steps=4, eval_every=1, save_every="1")
    weights, best = [], []
    for report in train(trainer, run):
        # What was validated before has been saved by now.
        if weights and not isinstance(report, ValidationReport | OverfittingReport):
            assert np.array_equal(weights_of(run, "last"), weights[-1])
            assert np.array_equal(weights_of(run, "best"), weights[int(np.argmin(costs[: len(weights)]))])
        if isinstance(report, ValidationReport):
            weights.append(trainer.engine._model.params.flat.copy())
            best.append(report.is_best)
    assert best == [cost < min(costs[:place], default=math.inf) for place, cost in enumerate(costs)]
    assert isinstance(report, SummaryReport)
    assert (report.best_val_nats_per_char, report.val_nats_per_char) == (min(costs), costs[-1])


@pytest.mark.parametrize("val_fraction", [0.0, pytest.param(0.002, id="one character")])
def test_with_nothing_to_validate_on_the_last_weights_are_the_model(begun, val_fraction):
    trainer, run = begun(steps=6, val_fraction=val_fraction)
    reports = list(train(trainer, run))
    assert all(r.val_nats_per_char is None and not r.is_best for r in reports if isinstance(r, ValidationReport))
    assert reports[-1].val_nats_per_char is reports[-1].best_val_nats_per_char is None
    assert np.array_equal(weights_of(run, "best"), trainer.engine._model.params.flat)


@pytest.mark.parametrize("held_out", ["QZ", "QZQZabQ"])
def test_where_what_is_held_out_is_unknown_the_last_weights_are_the_model(begun, held_out):
    fraction = (len(held_out) - 0.5) / (120 + len(held_out))
    trainer, run = begun("ab" * 60 + held_out, steps=30, lr=0.03, val_fraction=fraction)
    reports = list(train(trainer, run))
    assert len(trainer.corpus.validation) == len(held_out) and trainer.corpus.validated is None
    assert all(r.val_nats_per_char is None and not r.is_best for r in reports if isinstance(r, ValidationReport))
    assert np.array_equal(weights_of(run, "best"), trainer.engine._model.params.flat)


def test_unknown_characters_among_known_ones_are_validated_on(begun):
    trainer, run = begun("ab" * 60 + "aQbZab", steps=3, val_fraction=6 / 126)
    assert [len(trainer.corpus.validated), trainer.corpus.validated.text] == [6, "aQbZab"]
    assert next(train(trainer, run)).val_nats_per_char > 0


def test_the_metrics_are_the_validations(begun):
    trainer, run = begun(steps=9, eval_every=4)
    reports = [report for report in train(trainer, run) if isinstance(report, ValidationReport)]
    assert run.read_metrics() == [report.to_json() for report in reports]
    assert reports[-1].lr == trainer.state.lr


def test_the_summary_adds_up(begun):
    trainer, run = begun(steps=9)
    *_, summary = train(trainer, run)
    assert summary.run == str(run.folder)
    assert summary.parameters == trainer.engine._model.params.flat.size
    position = trainer.state
    assert summary.chars_per_second == pytest.approx(position.targets / position.training_seconds)
    assert summary.train_nats_per_char == trainer.state.train_nats_per_char


@pytest.mark.parametrize("partition", ["sequential", "varied", "random"])
def test_sampling_and_validating_on_the_way_disturb_nothing(begun, monkeypatch, partition):
    monkeypatch.setattr(predict, "SAMPLE_CHARACTERS", 9)
    quiet = trained(*begun(steps=20, partition=partition, eval_every=100))
    busy = trained(*begun(steps=20, partition=partition, eval_every=1, sample_every=1))
    assert quiet[0] == busy[0]
    assert np.array_equal(quiet[1], busy[1])


def test_stopping_saves_and_says_so(begun):
    trainer, run = begun(steps=20, eval_every=100)
    reports = list(train(trainer, run, should_stop=lambda: trainer.state.step == 7))
    assert reports[-1].stopped and reports[-1].steps == 7
    assert [record["step"] for record in run.read_metrics()] == [0]
    assert np.array_equal(weights_of(run, "last"), trainer.engine._model.params.flat)


def test_a_gradient_that_is_no_number_changes_no_parameter(begun, monkeypatch):
    trainer, _ = begun(steps=9, eval_every=100)
    before = trainer.engine._model.params.flat.copy()

    def step(engine, batch, rng, meanwhile):
        engine.gradient[3] = math.nan
        return 1.0

    monkeypatch.setattr("charlm.engines.numpy.engine.NumpyEngine.step", step)
    with pytest.raises(DivergenceError, match="norm nan"):
        trainer.state = trainer.step(0.0)[0]
    assert np.array_equal(trainer.engine._model.params.flat, before)


def test_the_rate_is_the_optimiser_s_own_or_the_cell_s_share_of_it_where_none_is_given(begun):
    own = OPTIMIZERS.find("adam").default_lr
    for cell, lr, expected in (
        ("lstm", None, own),
        ("mlstm", None, 0.3 * own),
        ("gru", None, 0.5 * own),
        ("mlstm", 0.5, 0.5),
    ):
        trainer, run = begun(cell=cell, lr=lr, warmup=0, schedule="constant")
        trainer.state = trainer.step(0.0)[0]
        assert trainer.state.lr == run.config.optimisation.lr == expected


def test_gradients_are_clipped_before_the_update(begun):
    settings = {"optimizer": "sgd", "schedule": "constant", "lr": 1.0, "warmup": 0, "weight_decay": 0.0}
    for clip, within in (({"clip": 1e-3, "clip_value": 0.0}, 1e-3), ({"clip": 0.0, "clip_value": 1e-4}, None)):
        trainer, _ = begun(steps=3, dtype="float64", **settings, **clip)
        before = trainer.engine._model.params.flat.copy()
        trainer.state = trainer.step(0.0)[0]
        change = trainer.engine._model.params.flat - before
        if within is None:
            assert np.abs(change).max() == pytest.approx(1e-4)
        else:
            assert np.linalg.norm(change) == pytest.approx(within)


def test_a_run_that_is_stopped_before_it_validates_is_used_with_what_it_has_learned(begun):
    trainer, run = begun(steps=40, eval_every=20)
    list(train(trainer, run, lambda: trainer.state.step >= 5))
    learned = trainer.engine.model().params.flat
    assert [record["step"] for record in run.read_metrics()] == [0]
    np.testing.assert_array_equal(run.load_model().params.flat, learned)
    assert (run.load_model("best").params.flat != learned).any()


def test_the_training_loss_is_logged_about_200_times(begun):
    trainer, run = begun(steps=1000, eval_every=300)
    losses = {}
    for report in train(trainer, run):
        if isinstance(report, StepReport):
            losses[report.step] = (report.loss_nats * report.targets, report.targets)
    logged = run.read_training_losses()
    assert len(logged) == 200 and logged[-1]["step"] == 1000
    for before, record in itertools.pairwise([{"step": 0}, *logged]):
        assert record["step"] - before["step"] in (4, 5, 6)
        sums = [losses[step] for step in range(before["step"] + 1, record["step"] + 1)]
        mean = sum(loss for loss, _ in sums) / sum(targets for _, targets in sums)
        assert record["train_nats_per_char"] == pytest.approx(mean)
    assert [record["step"] for record in run.read_metrics()] == [0, 300, 600, 900, 1000]
    assert logged[-1]["lr"] < logged[50]["lr"] and logged[-1]["epoch"] == pytest.approx(1000 / 12, rel=1e-3)


def test_a_short_run_logs_every_step(begun):
    trainer, run = begun(steps=7)
    list(train(trainer, run))
    assert [record["step"] for record in run.read_training_losses()] == [1, 2, 3, 4, 5, 6, 7]
