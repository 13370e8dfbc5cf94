"""The laws of a run's length and of its events, in steps, in epochs and in minutes."""

from dataclasses import replace
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import RunError
from charlm.config import RunConfig
from charlm.data.windows import BATCHERS
from charlm.runs.run import Run
from charlm.training.events import SampleReport, StepReport, SummaryReport, ValidationReport
from charlm.training.loop import train
from charlm.training.resume import resume
from charlm.training.run_length import Budget
from charlm.training.state import TrainerState


def of_kind(reports, kind):
    return [report for report in reports if isinstance(report, kind)]


def steps_of(reports, kind):
    return [report.step for report in of_kind(reports, kind)]


@pytest.mark.parametrize("steps", [1, 7, 30])
def test_steps_are_taken_exactly(begun, steps):
    reports = list(train(*begun(steps=steps)))
    assert steps_of(reports, StepReport) == list(range(1, steps + 1))
    assert of_kind(reports, StepReport)[-1].progress == 1
    assert reports[-1].steps == steps and not reports[-1].stopped


@pytest.mark.parametrize("partition", BATCHERS)
@pytest.mark.parametrize("epochs", [1.0, 3.0])
def test_an_epoch_predicts_every_character_after_the_first_once(begun, partition, epochs):
    reports = list(train(*begun(epochs=epochs, partition=partition)))
    assert sum(report.targets for report in of_kind(reports, StepReport)) == 377 * epochs
    assert of_kind(reports, ValidationReport)[-1].epoch == epochs


@pytest.mark.parametrize("epochs", [0.01, 0.5, 1.3])
def test_a_fraction_of_an_epoch_ends_with_the_step_that_reaches_it(begun, epochs):
    targets = [report.targets for report in of_kind(train(*begun(epochs=epochs)), StepReport)]
    assert sum(targets) >= 377 * epochs > sum(targets[:-1])


def test_minutes_hold_everything_and_the_last_validation_too(begun, clock):
    reports = list(train(*begun(minutes=1.0)))
    # 2 seconds before the first step and after the last; 40 after a validation of 2 comes another.
    assert [report.seconds for report in of_kind(reports, ValidationReport)] == [2, 46, 60]
    assert reports[-1].seconds == 60
    assert reports[-1].steps == 54


def test_minutes_stand_in_the_schedule_where_steps_would(begun, clock):
    trainer, run = begun(minutes=1.0, schedule="linear", warmup=0, lr=0.1, optimizer="sgd")
    seen = [
        (report.seconds, trainer.state.lr) for report in train(trainer, run) if isinstance(report, StepReport)
    ]
    # Each rate is that of the time before its step of a second; the first validation's counts.
    expected = [0.1 * (0.01 + 0.99 * (1 - (seconds - 1) / 58)) for seconds, _ in seen]
    assert [lr for _, lr in seen] == pytest.approx(expected)
    assert seen[-1][1] < 0.1 * 0.05


def test_a_resumed_run_has_the_minutes_that_are_left(begun, clock):
    trainer, run = begun(minutes=1.0)
    list(train(trainer, run, should_stop=lambda: trainer.state.step >= 10))
    spent = trainer.state.seconds
    clock.now += 5000  # until somebody goes on
    reports = list(train(*resume(Run.open(run.folder), {})))
    assert of_kind(reports, StepReport)[0].seconds == spent + 1
    assert 60 <= reports[-1].seconds <= 62


def test_a_run_too_short_for_its_own_validation_takes_a_step(begun, clock):
    reports = list(train(*begun(minutes=0.01)))
    assert reports[-1].steps == 1


def test_validations_and_samples_where_nothing_is_said(begun):
    reports = list(train(*begun(steps=100, sample_every=None)))
    assert steps_of(reports, ValidationReport) == list(range(0, 101, 5))
    assert steps_of(reports, SampleReport) == [25, 50, 75, 100]
    assert all(len(report.text) == 200 for report in of_kind(reports, SampleReport))


@pytest.mark.parametrize(
    ("steps", "validations", "samples"), [(10, [0, 3, 6, 9, 10], [4, 8]), (12, [0, 3, 6, 9, 12], [4, 8, 12])]
)
def test_validations_and_samples_every_so_many_steps(begun, steps, validations, samples):
    reports = list(train(*begun(steps=steps, eval_every=3, sample_every=4)))
    assert steps_of(reports, ValidationReport) == validations
    assert steps_of(reports, SampleReport) == samples
    assert isinstance(reports[0], ValidationReport)
    assert len(of_kind(reports, SummaryReport)) == 1 and isinstance(reports[-1], SummaryReport)


def test_no_samples_at_0(begun):
    assert steps_of(train(*begun(steps=9, sample_every=0)), SampleReport) == []


@given(steps=st.integers(1, 300))
def test_a_short_run_has_no_more_events_than_steps_and_a_long_one_about_twenty(steps):
    budget = Budget(RunConfig(steps=steps), targets_per_epoch=10, targets_per_step=100, validated=1)
    due = [budget.is_validation_due(TrainerState(step=step), (step - 1) / steps) for step in range(1, steps + 1)]
    assert sum(due) == min(steps, 20)
    assert due[-1]


@given(minutes=st.floats(0.05, 100), cost=st.floats(0.01, 3), step=st.floats(0.01, 2))
def test_validations_take_a_twentieth_of_a_time_at_the_most(minutes, cost, step):
    budget = Budget(RunConfig(minutes=minutes), targets_per_epoch=10)
    state, validating, validations = budget.note_validation(TrainerState(), cost), 0.0, 0
    while budget.progress(state) < 1 and state.step < 2000:
        before = budget.progress(state)
        state = replace(state, step=state.step + 1, seconds=state.seconds + step)
        if budget.is_validation_due(state, before):
            validating += cost
            validations += 1
            now = state.seconds + cost
            state = replace(state, seconds=now, validated_at=now)
    assert validating <= 0.05 * state.seconds + 1e-9
    assert validations <= 20


@given(
    steps=st.integers(1, 10**6),
    per_step=st.floats(1, 10**4),
    validated=st.integers(1, 250_000),
    unit=st.sampled_from(["steps", "epochs"]),
)
def test_validations_between_the_first_and_the_last_take_a_tenth_of_the_work_at_the_most(
    steps, per_step, validated, unit
):
    per_epoch = ceil(per_step)
    budget = Budget(RunConfig(**{unit: steps}), per_epoch, per_step, validated)
    trained = steps * (per_step if unit == "steps" else per_epoch)
    marks = [place / 840 for place in range(1, 841)]  # fine enough for every number of them up to 20
    positions = [
        TrainerState(step=round(steps * mark), targets=round(per_epoch * steps * mark)) for mark in marks
    ]
    between, before = 0, 0.0
    for position in positions[:-1]:
        between += not budget.is_over(position) and budget.is_validation_due(position, before)
        before = budget.progress(position)
    assert between * validated / 3 <= 0.1 * trained
    assert between <= 19


def test_a_short_run_on_a_long_text_validates_first_and_last_alone(begun):
    text = "the quick brown fox.\n" * 400  # 840 characters are held out
    for settings, expected in (
        ({"steps": 40}, [0, 40]),  # 32 characters a step: 1,280
        ({"steps": 100}, [0, 50, 100]),
        ({"steps": 100, "eval_every": 30}, [0, 30, 60, 90, 100]),
        ({"epochs": 0.1}, [0, 24]),
        ({"steps": 250, "partition": "random"}, [0, 84, 167, 250]),
    ):
        reports = list(train(*begun(text, **settings)))
        assert steps_of(reports, ValidationReport) == expected
        assert all(report.val_nats_per_char is not None for report in of_kind(reports, ValidationReport))


def test_a_resumed_run_validates_where_the_uninterrupted_one_does(begun):
    text = "the quick brown fox.\n" * 400
    trainer, run = begun(text, steps=250)
    seen = steps_of(train(trainer, run, lambda: trainer.state.step >= 100), ValidationReport)
    seen += steps_of(train(*resume(Run.open(run.folder), {})), ValidationReport)
    assert seen == steps_of(train(*begun(text, steps=250)), ValidationReport)


def test_one_slow_validation_does_not_blank_the_curve_and_its_time_is_kept_for_the_last(begun, clock):
    trainer, run = begun(minutes=20)
    seconds = []
    for report in train(trainer, run):
        if isinstance(report, ValidationReport):
            seconds.append(report.seconds)
            clock.validation_seconds = 50.0 if len(seconds) == 4 else 1.0
    gaps = [after - before for before, after in pairwise(seconds)]
    assert max(gaps) <= 60 + 1 + 50 and len(seconds) >= 15
    assert trainer.state.slowest_validation == 50.0
    assert 20 * 60 - 52 <= seconds[-1] <= 20 * 60


def test_a_run_of_minutes_knows_its_end_again(begun, clock):
    trainer, run = begun(minutes=1.0)
    list(train(trainer, run))
    with pytest.raises(RunError, match=r"has finished \(1 minute\)\. .* --minutes 4$"):
        resume(Run.open(run.folder), {})


def test_the_shares_of_time_add_up_over_a_resumed_run(begun, clock):
    trainer, run = begun(steps=20, eval_every=5)
    list(train(trainer, run, lambda: trainer.state.step >= 12))
    trainer, run = resume(Run.open(run.folder), {})
    *_, summary = train(trainer, run)
    assert summary.seconds == 20 * 1 + 5 * 2
    assert summary.validation_share == pytest.approx(10 / 30) and summary.saving_share == 0.0
    assert summary.chars_per_second == pytest.approx(trainer.state.targets / 20)
