"""A dry run: it says what a training would be, and keeps nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.base.errors import UsageError
from charlm.base.files.cache_dir import VARIABLE
from charlm.data.reading.sources import find_files, make_text_source
from charlm.training.dry_run import plan_training
from charlm.training.presets import resolve_settings
from charlm.training.start import new_trainer

PEAK = Path("/proc/self/status")
PRINTING_PEAK = (
    f"import atexit; atexit.register(lambda: print(open({str(PEAK)!r}).read())); "
    "from charlm.cli.app import main; main()"
)
TEXT = "the quick brown fox jumps over the lazy dog.\n" * 60


def plan(**settings):
    return plan_training(make_text_source(TEXT), resolve_settings(settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 7, "hidden": 16, "split": "80/10/10"},
        {"epochs": 3.0, "cell": "gru", "layers": 2, "partition": "varied", "seq_len": 16, "batch_size": 4},
        {"steps": 5, "lines": True, "batch_size": 2, "average": 10, "hidden": 8},
    ],
)
def test_the_figures_are_those_of_the_training(settings):
    planned = plan(**settings, workers=1)
    trainer = new_trainer(make_text_source(TEXT), resolve_settings({**settings, "workers": 1}))
    try:
        assert planned.config == trainer.config and planned.parameters == trainer.parameters
        assert planned.symbols == len(trainer.corpus.vocabulary)
        parts = trainer.corpus.train, trainer.corpus.validation, trainer.corpus.test
        assert list(planned.splits.values()) == [len(part) for part in parts]
        per_epoch = trainer.partition.batches_per_epoch
        assert planned.steps == pytest.approx(planned.epochs * per_epoch, abs=0.5)
        assert planned.steps == settings.get("steps", round(3 * per_epoch))
    finally:
        trainer.close()


def test_the_epochs_of_minutes_follow_the_speed():
    one, two = (plan(minutes=minutes, gflops=100.0, preset="tiny", hidden=32) for minutes in (1.0, 2.0))
    assert two.epochs == pytest.approx(2 * one.epochs) and one.steps > 100
    assert plan(minutes=0.1, preset="tiny", dropout=0.0).steps > 0


@pytest.mark.skipif(not PEAK.exists(), reason="the peak memory of a process is not known here")
def test_the_memory_is_about_what_a_training_takes(tmp_path):
    (tmp_path / "fox.txt").write_text(TEXT)
    line = [sys.executable, "-c", PRINTING_PEAK, "train", "fox.txt", "--steps", "2", "--hidden", "512"]
    line += ["--workers", "1", "--sample-every", "0", "--quiet"]
    printed = subprocess.run(line, cwd=tmp_path, capture_output=True, check=True, text=True).stdout
    measured = 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", printed)[1])
    assert 0.7 < plan(steps=2, hidden=512, workers=1).memory_bytes / measured < 1.4


def test_nothing_is_written(tmp_path, monkeypatch):
    (tmp_path / "fox.txt").write_text(TEXT)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    planned = plan_training(find_files(["fox.txt"], ""), resolve_settings({"steps": 3}))
    assert planned.files == (str(tmp_path / "fox.txt"),) and [*tmp_path.iterdir()] == [tmp_path / "fox.txt"]


def test_what_a_training_refuses_is_refused():
    with pytest.raises(UsageError, match="--patience counts validations"):
        plan(steps=3, patience=2, val_fraction=0.0)
    with pytest.raises(UsageError, match="--residual joins"):
        plan(steps=3, residual=True)
