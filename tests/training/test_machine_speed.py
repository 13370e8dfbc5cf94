"""The speed of the machine: rounded, measured by new runs alone, and stored."""

import math
from contextlib import closing

import pytest

from charlm.data.reading.sources import make_text_source
from charlm.runs.run import Run
from charlm.training import machine_speed, start
from charlm.training.loop import train
from charlm.training.presets import resolve_settings
from charlm.training.resume import resume

TEXT = make_text_source("the quick brown fox jumps over the lazy dog.\n" * 400)
TIMED = {"preset": "tiny", "hidden": 4, "minutes": 20, "workers": 1}


@pytest.fixture
def measured(monkeypatch):
    """The speeds that the machine will be found to have, one for each measurement."""
    speeds = []
    monkeypatch.setattr(machine_speed, "measure_gflops", lambda workers, seconds: speeds.pop(0))
    return speeds


def begin(**settings):
    return start.new_trainer(TEXT, resolve_settings(TIMED | settings))


def config_of(**settings):
    with closing(begin(**settings)) as trainer:
        return trainer.config


def test_a_speed_is_rounded_to_a_power_and_only_once():
    for power in range(-6, 12):
        speed = machine_speed.round_gflops(machine_speed.REFERENCE_GFLOPS * 1.5**power)
        assert speed == pytest.approx(100 * 1.5**power, rel=5e-3)
        for factor in (1, 0.83, 1.2):
            assert machine_speed.round_gflops(speed * factor) == speed


def test_this_machine_s_speed_is_one_of_a_computer():
    gflops = machine_speed.measure_gflops(2, seconds=0.02)
    assert math.isfinite(gflops) and 0.1 < gflops < 1e6


def test_the_speed_is_measured_rounded_and_stored(measured):
    measured += [10 / machine_speed.TRAINING_SHARE, 1000 / machine_speed.TRAINING_SHARE]
    slow, fast = config_of(minutes=0.01), config_of(minutes=0.01)
    assert (slow.engine.gflops, fast.engine.gflops) == (8.78, 1140.0)
    assert slow.optimisation.dropout < fast.optimisation.dropout
    assert measured == []


def test_the_stored_speed_repeats_the_run(measured):
    measured.append(30.0)
    first = config_of()
    assert config_of(gflops=first.engine.gflops) == first


def test_a_small_change_of_the_speed_changes_nothing(measured):
    measured += [130.0, 140.0, 118.0]
    assert config_of() == config_of() == config_of()


def test_a_resumed_run_measures_nothing(measured, tmp_path):
    (tmp_path / "fox.txt").write_text("the quick brown fox jumps over the lazy dog.\n" * 400)
    measured.append(30.0)
    source = start.find_text(str(tmp_path / "fox.txt"))
    with (
        closing(start.new_trainer(source, resolve_settings(TIMED))) as trainer,
        start.new_run(trainer, tmp_path / "run") as run,
    ):
        list(train(trainer, run, should_stop=lambda: trainer.state.step == 2))
    resumed, run = resume(Run.open(tmp_path / "run"), {"minutes": 30.0, "workers": 2})
    resumed.close()
    assert (
        resumed.config.engine.gflops == trainer.config.engine.gflops == Run.open(run.folder).config.engine.gflops
    )
    assert resumed.config.optimisation == trainer.config.optimisation
