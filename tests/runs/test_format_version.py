"""Runs of every format that there has been: they load for ever, mean what they meant, and go on.

``fixtures/format-N`` holds runs that a charlm of format N wrote, the text they were trained on, and what that
charlm made of them.
"""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from charlm.base.errors import CheckpointError
from charlm.inference.language_model import load_run
from charlm.runs.format_version import FORMAT, stamp, take_stamp
from charlm.runs.run import Run
from charlm.training.loop import train
from charlm.training.resume import resume

FIXTURES = Path(__file__).parent / "fixtures"
FORMATS = sorted(FIXTURES.glob("format-*"))
RUNS = [folder for kept in FORMATS for folder in sorted(kept.iterdir()) if folder.is_dir()]
EVERY = pytest.mark.parametrize("folder", RUNS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
RESUMED_STEPS = 320


def text_metrics(folder):
    """What the charlm that wrote a run made of it, and the text that it measured."""
    kept = json.loads((folder.parent / "figures.json").read_text(encoding="utf-8"))
    return kept["runs"][folder.name], kept["text"]


@pytest.fixture
def copied(tmp_path):
    """A function that copies a kept run, and makes its corpus's path that of the kept text."""

    def copy(folder):
        target = tmp_path / folder.name
        shutil.copytree(folder, target)
        config = target / "config.json"
        text = json.dumps(str(folder.parent / "lake.txt"))
        config.write_text(config.read_text().replace(f'"/{folder.parent.name}/lake.txt"', text))
        return target

    return copy


def test_every_format_before_this_one_is_kept():
    assert {folder.name for folder in FORMATS} >= {f"format-{number}" for number in range(1, FORMAT)}


@EVERY
def test_a_kept_run_means_what_it_meant(folder):
    figures, text = text_metrics(folder)
    model = load_run(Run.open(folder), mix=None)
    assert model.perplexity(text).perplexity == pytest.approx(figures["perplexity"], rel=1e-6)
    assert model.sample(24, prompt="the ", temperature=0) == figures["greedy"]


@EVERY
def test_a_kept_run_goes_on_as_it_did_and_becomes_one_of_this_format(folder, copied):
    figures, _ = text_metrics(folder)
    target = copied(folder)
    trainer, run = resume(Run.open(target), {"steps": RESUMED_STEPS})
    with closing(trainer):
        for _ in train(trainer, run):
            pass
    last = run.read_metrics()[-1]
    assert last["step"] == RESUMED_STEPS
    # How a shuffled epoch's order is drawn is no part of the format.
    if run.config.batching.partition == "sequential":
        assert last["val_nats_per_char"] == pytest.approx(figures["resumed_val_nats_per_char"], rel=1e-5)
    assert json.loads((target / "config.json").read_text())["format"] == FORMAT
    assert Run.open(target) == run and load_run(run).vocabulary == run.vocabulary


def test_a_stamp_is_taken_off_and_tells_the_format():
    assert take_stamp({"a": 1, **stamp()}, "x") == (FORMAT, {"a": 1})
    assert take_stamp({"a": 1, "format": 1, "charlm": "0.1.0"}, "x") == (1, {"a": 1})


@pytest.mark.parametrize("values", [{"format": 1}, {"charlm": "0.1.0"}, {"format": True, "charlm": "0.1.0"}])
def test_half_a_stamp_is_no_stamp(values):
    for unstamped in (None, 1):
        with pytest.raises(CheckpointError, match="x is damaged: it does not say which format it has"):
            take_stamp(values, "x", unstamped=unstamped)


def test_only_a_kind_of_file_that_once_had_no_stamp_may_lack_it():
    assert take_stamp({"a": 1}, "x", unstamped=1) == (1, {"a": 1})
    with pytest.raises(CheckpointError, match="does not say which format"):
        take_stamp({"a": 1}, "x")
