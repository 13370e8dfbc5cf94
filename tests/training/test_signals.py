"""Signals: the first asks for a stop after the step, the second stops at once, and the handlers come back."""

import signal

import numpy as np
import pytest

from charlm.training.events import StepReport
from charlm.training.loop import train
from charlm.training.signals import HANG_UPS, URGENT, stop_on_signals

SIGNAL = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
needs_hang_up = pytest.mark.skipif(not HANG_UPS, reason="there is no SIGHUP here")


@SIGNAL
def test_the_first_asks_and_the_second_interrupts(number):
    with stop_on_signals() as should_stop:
        assert not should_stop()
        signal.raise_signal(number)
        assert should_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_one_of_each_interrupts_too():
    with stop_on_signals():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@needs_hang_up
def test_a_hang_up_asks_and_never_interrupts():
    """The system and the shell each send one when a terminal is closed."""
    with stop_on_signals() as should_stop:
        for _ in range(3):
            signal.raise_signal(signal.SIGHUP)
            assert should_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


@needs_hang_up
@pytest.mark.parametrize("number", [*URGENT, *HANG_UPS], ids=lambda number: number.name)
def test_an_ignored_signal_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stop_on_signals() as should_stop:
            signal.raise_signal(number)
            assert not should_stop()
    finally:
        signal.signal(number, before)


def test_the_handlers_come_back_whatever_happens():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stop_on_signals():
        assert signal.getsignal(signal.SIGINT) not in before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    with pytest.raises(ZeroDivisionError), stop_on_signals():
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("number", [*URGENT, *HANG_UPS], ids=lambda number: number.name)
def test_a_signal_ends_training_after_the_step_and_saves(begun, number):
    trainer, run = begun(steps=50, eval_every=100)
    with stop_on_signals() as should_stop:
        for report in train(trainer, run, should_stop):
            if isinstance(report, StepReport) and report.step == 3:
                signal.raise_signal(number)
    assert report.stopped and report.steps == 3
    assert np.array_equal(run.load_model("last").params.flat, trainer.engine._model.params.flat)
