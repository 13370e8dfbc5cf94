"""Runs that are small enough to be trained again and again, and a clock that moves only when it is told."""

from types import SimpleNamespace

import numpy as np
import pytest

from charlm.data.reading.sources import find_text
from charlm.inference.language_model import LanguageModel
from charlm.training.events import FaultReport
from charlm.training.presets import resolve_settings
from charlm.training.start import new_run, new_trainer
from charlm.training.trainer import Trainer

SMALL = {
    "hidden": 4,
    "layers": 2,
    "seq_len": 8,
    "batch_size": 4,
    "dropout": 0.2,
    "weight_decay": 0.01,
    "warmup": 3,
    "sample_every": 0,
    "workers": 1,
}


@pytest.fixture(autouse=True)
def unsynced(monkeypatch):
    """Leave files to the system's own time: no test here ends in a power cut, and hundreds of saves add up."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def corpus(tmp_path):
    """A file of 420 characters of ten kinds: 378 to train on, which are 12 batches, and 42 held out."""
    path = tmp_path / "corpus.txt"
    path.write_text("".join(np.random.default_rng(0).choice(list("abcdefgh \n"), 420)))
    return path


@pytest.fixture
def begun(corpus, tmp_path):
    """A function that begins a small run on the corpus, in a folder of its own."""
    count, trainers = iter(range(1000)), []

    def begin_run(text=None, folder=None, **settings):
        if text is not None:
            corpus.write_text(text)
        trainer = new_trainer(find_text(str(corpus)), resolve_settings(SMALL | settings, picks_preset=False))
        trainers.append(trainer)
        with new_run(trainer, folder or tmp_path / f"run-{next(count)}") as run:
            return trainer, run

    yield begin_run
    for trainer in trainers:
        trainer.close()


class Clock:
    """Seconds that pass at each training step and at each validation."""

    def __init__(self):
        self.now = 1000.0
        self.step_seconds = 1.0
        self.validation_seconds = 2.0


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    step, tally = Trainer.step, LanguageModel.tally

    def slow_step(*args):
        clock.now += clock.step_seconds
        return step(*args)

    def slow_score(*args):
        clock.now += clock.validation_seconds
        return tally(*args)

    monkeypatch.setattr("charlm.training.loop.time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(Trainer, "step", slow_step)
    monkeypatch.setattr(LanguageModel, "tally", slow_score)
    return clock


@pytest.fixture(scope="session")
def faults_of():
    """A function that picks the faults out of a training's reports."""
    return lambda reports: [report for report in reports if isinstance(report, FaultReport)]


@pytest.fixture(scope="session")
def check_same():
    """A function that compares what two runs hold."""

    def check(run, whole):
        """The two runs hold the same weights and the same curve."""
        for which in ("best", "last"):
            assert np.array_equal(run.load_model(which).params.flat, whole.load_model(which).params.flat)
        curves = [[(r["step"], r["val_nats_per_char"]) for r in each.read_metrics()] for each in (run, whole)]
        assert curves[0] == curves[1]

    return check
