"""Advice on a training."""

import pytest

from charlm.training.events import OverfittingReport, ValidationReport
from charlm.training.loop import train
from charlm.training.remarks import OverfittingWatch


def told(losses, began=0.0):
    """What is told after each tenth of a run with these validation losses."""
    watch, best, found = OverfittingWatch(began), None, []
    for number, loss in enumerate(losses):
        is_best = loss is not None and (best is None or loss < best)
        best = loss if is_best else best
        report = ValidationReport(10 * number, 0.0, None, loss, is_best, 0.1, 1.0)
        found.append(watch.note(report, best, number / 10))
    return found


def test_a_loss_that_rises_for_a_third_of_the_run_is_told_once():
    found = told([3.0, 2.0, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2])
    assert found == [*[None] * 6, OverfittingReport(60, 20, 1.5, 1.9), *[None] * 3]


@pytest.mark.parametrize(
    "losses",
    [
        [3.0, 2.0, 1.5, 1.6, 1.7, 1.4, 1.5, 1.6, 1.7],  # a new best between
        [3.0, 2.0, 1.5, 1.505, 1.504, 1.505, 1.503, 1.505, 1.505, 1.506],  # flat
        [None] * 10,
    ],
)
def test_other_losses_are_not_told(losses):
    assert told(losses) == [None] * len(losses)


def test_of_a_resumed_run_only_what_follows_counts():
    watch = OverfittingWatch(0.5)
    report = ValidationReport(60, 0.0, None, 2.0, False, 0.1, 1.0)
    assert watch.note(report, 1.5, 0.6) is None
    assert watch.note(report, 1.5, 0.9) == OverfittingReport(60, None, 1.5, 2.0)


def test_a_run_that_overfits_is_told(begun):
    trainer, run = begun(steps=400, hidden=32, lr=0.05, dropout=0.0, weight_decay=0.0)
    (report,) = [report for report in train(trainer, run) if isinstance(report, OverfittingReport)]
    log = {record["step"]: record for record in run.read_metrics()}
    assert log[report.best_step]["val_nats_per_char"] == min(each["val_nats_per_char"] for each in log.values())
    assert log[report.step]["val_nats_per_char"] == report.val_nats_per_char
    assert report.step - report.best_step >= 400 / 3
    assert report.to_json()["event"] == "overfitting"
