"""Whole trainings on PyTorch: resumed on either engine, exact on their own, and measured as NumPy measures."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from charlm.engines.ranks import ALONE
from charlm.models.char_rnn import Model
from charlm.runs.run import Run
from charlm.training import machine_speed
from charlm.training.presets import resolve_settings
from tests.cli.conftest import TEXT

pytest.importorskip("torch", reason="PyTorch is not installed")
TORCH = ["--engine", "torch"]
NETWORK = ["--hidden", "12", "--seq-len", "12", "--batch-size", "6", "--workers", "1", "--eval-every", "10"]
FIXTURES = Path(__file__).parents[2] / "runs/fixtures"


@pytest.fixture
def train(call, tmp_path):
    """A function that trains, or resumes with ``steps`` of its own; gives the run."""
    text = tmp_path / "fox.txt"
    text.write_text(TEXT)

    def run(name, *more, resume=False):
        folder = tmp_path / name
        beginning = ["--resume", str(folder)] if resume else [str(text), "--out", str(folder), *NETWORK]
        ended = call("train", *beginning, *more)
        assert ended.code == 0, ended.err
        return Run.open(folder)

    return run


def weights(run):
    return run.load_model("last").params.flat


@pytest.mark.parametrize("settings", [
    ["--cell", "lstm", "--partition", "varied", "--dtype", "float64", "--average", "5"],
    ["--cell", "gru", "--lines", "--learned-state", "--dtype", "float64", "--optimizer", "rmsprop"],
], ids=" ".join)  # fmt: skip
def test_a_run_goes_on_with_either_engine(train, settings):
    settings = [*settings, "--dropout", "0", "--schedule", "constant"]
    whole = train("whole", "--steps", "24", *settings)
    for name, first, second in (("there", [], TORCH), ("back", TORCH, ["--engine", "numpy"])):
        train(name, "--steps", "14", *settings, *first)
        other = train(name, "--steps", "24", *second, resume=True)
        np.testing.assert_allclose(weights(other), weights(whole), atol=1e-9)
        curves = [[each["val_nats_per_char"] for each in run.read_metrics()][-1] for run in (other, whole)]
        assert curves[0] == pytest.approx(curves[1], abs=1e-9)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(train, cell):
    noise = ["--dropout", "0.2", "--weight-drop", "0.1", "--input-dropout", "0.1", "--schedule", "constant"]
    settings = ["--cell", cell, "--lines", "--layers", "2", *noise, *TORCH]
    whole = train("whole", "--steps", "24", *settings)
    train("cut", "--steps", "14", *settings)
    np.testing.assert_array_equal(weights(train("cut", "--steps", "24", resume=True)), weights(whole))


def test_a_run_that_changes_its_engine_says_so_once(train, call, tmp_path):
    train("run", "--steps", "3")
    said = call("train", "--resume", str(tmp_path / "run"), "--steps", "5", *TORCH).err
    assert said.count("numpy") == 1 and "not bit for bit" in said
    assert "bit for bit" not in call("train", "--resume", str(tmp_path / "run"), "--steps", "7").err


def test_figures_are_those_of_numpy(train, call, tmp_path):
    train("run", "--steps", "20")
    run = str(tmp_path / "run")
    for command in (["perplexity"], ["calibration"], ["context"], ["surprisal"]):
        ours, theirs = (call("eval", *command, run, "--json", *more).records for more in (TORCH, []))
        for one, other in zip(_figures(ours), _figures(theirs), strict=True):
            assert one == (pytest.approx(other, rel=1e-6, abs=1e-6) if isinstance(one, float) else other)
    lines = b"the fox\nlazy dogs\n"
    ours, theirs = (call("score", "--run", run, *more, stdin=lines).out for more in (TORCH, []))
    assert ours == theirs
    ours, theirs = (call("sample", run, "--len", "40", *more).out for more in (TORCH, []))
    assert ours == theirs


def _figures(value):
    """The values in JSON, one by one."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _figures(each)
    else:
        yield value


def test_a_kept_run_of_an_early_format_goes_on_here_and_back(train, tmp_path):
    shutil.copytree(FIXTURES / "format-3/lstm", tmp_path / "old")
    config = tmp_path / "old/config.json"
    config.write_text(config.read_text().replace('"/format-3/', f'"{FIXTURES}/format-3/'))
    assert train("old", "--steps", "310", *TORCH, resume=True).config.engine.engine == "torch"
    last = train("old", "--steps", "320", "--engine", "numpy", resume=True).read_metrics()[-1]
    figures = json.loads((FIXTURES / "format-3/figures.json").read_text())["runs"]["lstm"]
    assert last["val_nats_per_char"] == pytest.approx(figures["resumed_val_nats_per_char"], rel=1e-4)


def test_a_preset_follows_the_speed_of_the_engine(train, monkeypatch):
    asked = []

    def measure(config, ranks, seconds):
        asked.append((config.engine.device, config.model.hidden, ranks.size))
        return 1139.0 * 1.1

    monkeypatch.setattr(machine_speed, "measure_engine", measure)
    run = train("run", "--preset", "tiny", "--minutes", "0.001", *TORCH)
    assert asked == [("cpu", 12, 1)] and run.config.engine.gflops == 1140.0


def test_the_speed_of_an_engine_is_that_of_its_best_step_after_the_first(monkeypatch):
    from charlm.engines.torch.engine import TorchEngine

    config = resolve_settings({"hidden": 8, "seq_len": 6, "batch_size": 4, "engine": "torch", "steps": 1}).config
    durations, clock, step = [0.1, 1.0, 0.5, 2.0, 0.3], [0.0], TorchEngine.step

    def timed_step(engine, batch, rng):
        clock[0] += durations.pop(0)
        return step(engine, batch, rng)

    monkeypatch.setattr(TorchEngine, "step", timed_step)
    monkeypatch.setattr(machine_speed.time, "perf_counter", lambda: clock[0])
    gflops = machine_speed.measure_engine(config, ALONE, 3.0)
    shapes = Model(config.model, machine_speed.SYMBOLS).shapes
    assert gflops == pytest.approx(100 * machine_speed.reference_seconds(shapes) * 24 / 0.5)
