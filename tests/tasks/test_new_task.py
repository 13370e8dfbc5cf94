"""A new task is one file: from a folder of its own it is trained, saved, resumed and listed."""

import json
from pathlib import Path

import pytest

from tests.new_member import make_command_line, make_dropped

FOLDER = Path(__file__).parent / "new_task"
DROPPED = make_dropped("charlm.tasks.kinds", FOLDER)
TINY = ["--hidden", "16", "--seq-len", "8", "--batch-size", "4", "--lr", "0.05", "--workers", "2", "--quiet"]


@pytest.fixture
def run(tmp_path):
    """A function that runs the command line in a process that has the file."""
    return make_command_line(DROPPED, tmp_path)


def test_it_is_trained_saved_and_resumed_through_the_real_command(run, tmp_path):
    begun = run("train", "text.txt", "--task", "copy", "--steps", "60", *TINY)
    assert begun.returncode == 0, begun.stderr
    assert run("train", "--resume", "text-1", "--steps", "150", "--quiet").returncode == 0
    folder = tmp_path / "runs" / "text-1"
    assert json.loads((folder / "config.json").read_text())["training"]["task"]["task"] == "copy"
    records = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    losses = [record["val_nats_per_symbol"] for record in records if "val_nats_per_symbol" in record]
    assert losses[0] > 1 > 0.2 > losses[-1]
