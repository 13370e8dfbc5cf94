"""train --or-resume: one command that begins a run, goes on with it, and leaves a finished one alone."""

import json

import pytest

from tests.cli.conftest import TEXT, TINY


@pytest.fixture
def train(call, tmp_path):
    """A function that trains into one folder, with --or-resume; the text and the folder are its own."""
    text = tmp_path / "fox.txt"
    text.write_text(TEXT)

    def run(*more, text=text):
        return call("train", str(text), "--out", str(tmp_path / "run"), "--or-resume", *TINY, *more)

    return run


def steps(tmp_path):
    return json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])["step"]


def test_it_begins_goes_on_and_leaves_a_finished_run_alone(train, tmp_path):
    assert train().code == 0 and steps(tmp_path) == 20
    again = train()
    assert again.code == 0 and "has finished (20 steps)" in again.err
    assert train("--steps", "30", "--dropout", "0.1").code == 0 and steps(tmp_path) == 30


def test_a_setting_that_cannot_change_is_refused_by_name(train):
    assert train("--lr", "0.01").code == 0
    refused = train("--lr", "0.02", "--layers", "2")
    assert refused.code == 2 and refused.complaint.startswith(
        "--layers, --lr cannot change when a run is resumed"
    )


def test_another_text_is_refused(train, tmp_path):
    assert train().code == 0
    other = tmp_path / "other.txt"
    other.write_text(TEXT.upper())
    refused = train("--steps", "30", text=other)
    assert refused.code == 1 and refused.complaint.endswith(
        "give the text that the run was trained on, or another --out"
    )


def test_it_needs_a_folder(call):
    refused = call("train", "--or-resume", "--steps", "1")
    assert refused.code == 2 and refused.complaint == "--or-resume resumes the run in --out: give --out too"
