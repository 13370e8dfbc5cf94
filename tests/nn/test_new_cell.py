"""A new cell is one file: from a folder of its own it is trained, saved, loaded, sampled and tested."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.new_member import make_command_line, make_dropped

FOLDER = Path(__file__).parent / "new_cell"
ROOT = Path(__file__).parents[2]
DROPPED = make_dropped("charlm.nn.cells", FOLDER)
TINY = ["--steps", "20", "--hidden", "8", "--seq-len", "8", "--batch-size", "4", "--workers", "1", "--quiet"]


@pytest.fixture
def run(tmp_path):
    """A function that runs the command line in a process that has the file."""
    return make_command_line(DROPPED, tmp_path)


def test_it_is_trained_saved_loaded_and_sampled(run, tmp_path):
    begun = run("train", "text.txt", "--cell", "leaky", "--leak", "0.25", *TINY)
    assert begun.returncode == 0, begun.stderr
    stored = json.loads((tmp_path / "runs" / "text-1" / "config.json").read_text())["training"]["model"]
    assert (stored["cell"], stored["leak"]) == ("leaky", 0.25)
    assert run("train", "--resume", "text-1", "--steps", "25", "--quiet").returncode == 0
    sampled = run("sample", "text-1", "--len", "30", "--prompt", "to ")
    assert sampled.returncode == 0 and sampled.stdout.startswith("to ") and len(sampled.stdout) >= 33
    assert run("eval", "perplexity", "text-1").returncode == 0
    tuned = run("train", "text.txt", "--init-from", "text-1", *TINY)
    assert tuned.returncode == 0, tuned.stderr


def test_the_command_line_offers_its_setting_and_refuses_it_with_another_cell(run):
    shown = run("train", "--help-all").stdout
    assert "--leak " in shown and " leaky, " in shown
    refused = run("train", "text.txt", "--cell", "gru", "--leak", "0.25", *TINY)
    assert refused.returncode == 2
    assert "--leak belongs to --cell leaky: leave it out with --cell gru" in refused.stderr
    assert "--leak is 2.0: it must be at most 1" in run("train", "text.txt", "--leak", "2", *TINY).stderr


def test_a_run_of_another_cell_says_nothing_of_it(run, tmp_path):
    assert run("train", "text.txt", "--cell", "gru", *TINY).returncode == 0
    stored = json.loads((tmp_path / "runs" / "text-1" / "config.json").read_text())["training"]["model"]
    assert "leak" not in stored and stored["reset_after"] is False


def test_the_laws_find_it(tmp_path):
    (tmp_path / "dropped.py").write_text(DROPPED)
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    laws = ["tests/laws/test_cells.py", "tests/laws/test_gradients.py"]
    options = ["-p", "dropped", "-p", "no:cacheprovider", "-o", "addopts=", "-v", "-k", "leaky"]
    checked = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *laws], cwd=ROOT, capture_output=True, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("PASSED") > 15
