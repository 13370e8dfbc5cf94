"""The laws of a run's length and of its events, in steps, in epochs and in minutes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.checkpoint.run import Run
from charlm.config import BudgetConfig
from charlm.text.streams import PARTITIONS
from charlm.training.budget import Budget
from charlm.training.loop import train
from charlm.training.position import Position
from charlm.training.reports import SampleReport, StepReport, SummaryReport, ValidationReport
from charlm.training.session import resume


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


@pytest.mark.parametrize("partition", PARTITIONS)
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
    seen = [(report.seconds, trainer.lr) for report in train(trainer, run) if isinstance(report, StepReport)]
    # Each rate is that of the time before its step of a second; the first validation's counts.
    expected = [0.1 * (0.01 + 0.99 * (1 - (seconds - 1) / 58)) for seconds, _ in seen]
    assert [lr for _, lr in seen] == pytest.approx(expected)
    assert seen[-1][1] < 0.1 * 0.05


def test_a_resumed_run_has_the_minutes_that_are_left(begun, clock, pool):
    trainer, run = begun(minutes=1.0)
    list(train(trainer, run, should_stop=lambda: trainer.position.step >= 10))
    spent = trainer.position.seconds
    clock.now += 5000  # until somebody goes on
    reports = list(train(*resume(Run.open(run.folder), {}, pool)))
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
    budget = Budget(BudgetConfig(steps=steps), targets_per_epoch=10)
    due = [budget.is_validation_due(Position(step=step), (step - 1) / steps) for step in range(1, steps + 1)]
    assert sum(due) == min(steps, 20)
    assert due[-1]


@given(minutes=st.floats(0.05, 100), cost=st.floats(0.01, 3), step=st.floats(0.01, 2))
def test_validations_take_a_twentieth_of_a_time_at_the_most(minutes, cost, step):
    budget = Budget(BudgetConfig(minutes=minutes), targets_per_epoch=10)
    budget.note_validation(cost)
    position, validating, validations = Position(), 0.0, 0
    while budget.progress(position) < 1 and position.step < 2000:
        before = budget.progress(position)
        position.step += 1
        position.seconds += step
        if budget.is_validation_due(position, before):
            validating += cost
            validations += 1
            position.seconds += cost
            position.validated_at = position.seconds
    assert validating <= 0.05 * position.seconds + 1e-9
    assert validations <= 20
