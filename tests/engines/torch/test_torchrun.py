"""Ranks on PyTorch: threads that share a gradient, and processes that torchrun starts, on gloo."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from charlm.data.reading.sources import find_text
from charlm.runs.run import Run
from tests.cli.conftest import TEXT
from tests.engines.test_ranks import PARTITIONS, curve, train_ranks

pytest.importorskip("torch", reason="PyTorch is not installed")
SETTINGS = "--hidden 12 --seq-len 12 --batch-size 6 --workers 1 --dtype float64 --dropout 0 --lines --quiet"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "fox.txt"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("settings", PARTITIONS, ids=str)
def test_any_number_of_ranks_is_one_training(text, tmp_path, settings):
    source, settings = find_text(str(text)), settings | {"engine": "torch"}
    (whole,), run = train_ranks(1, source, tmp_path / "1", **settings)
    for size in (2, 3):
        weights, other = train_ranks(size, source, tmp_path / str(size), **settings)
        for own in weights:
            np.testing.assert_array_equal(own, weights[0])
        np.testing.assert_allclose(weights[0], whole, rtol=0, atol=1e-12)
        np.testing.assert_allclose(curve(other), curve(run), rtol=0, atol=1e-12)


def begin(ranks, *arguments, restarts=0):
    launcher = ["-m", "torch.distributed.run", "--standalone", "--no-python", f"--nproc-per-node={ranks}"]
    charlm = [sys.executable, "-m", "charlm", "train", *map(str, arguments)]
    return subprocess.Popen(
        [sys.executable, *launcher, f"--max-restarts={restarts}", *charlm],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


def spoken(process):
    """What charlm itself said on standard error."""
    _, said = process.communicate(timeout=300)
    return [line for line in said.splitlines() if line.startswith("charlm: ")]


def weights(folder):
    return Run.open(folder).load_model("last").params.flat


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_processes_are_one_training_and_stop_together(call, text, tmp_path, engine):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    arguments = [*SETTINGS.split(), "--engine", engine, "--steps", "300", "--save-every", "20"]
    assert call("train", str(text), "--out", str(whole), *arguments).code == 0
    process = begin(2, text, "--out", cut, "--or-resume", *arguments)
    while not (cut / "last.safetensors").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert spoken(process) == []
    process = begin(3, text, "--out", cut, "--or-resume", *arguments)
    assert spoken(process) == [] and process.returncode == 0
    np.testing.assert_allclose(weights(cut), weights(whole), rtol=0, atol=1e-10)
    assert call("sample", str(cut), "--len", "5").code == 0


def test_a_killed_rank_is_started_again(call, text, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    arguments = [*SETTINGS.split(), "--steps", "400", "--save-every", "20"]
    assert call("train", str(text), "--out", str(whole), *arguments).code == 0
    process = begin(2, text, "--out", cut, "--or-resume", *arguments, restarts=2)
    while not (cut / "last.safetensors").exists() and process.poll() is None:
        time.sleep(0.05)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    os.kill(int(children.split()[-1]), signal.SIGKILL)
    said = spoken(process)
    assert process.returncode == 0 and all(" has lost the other ranks" in line for line in said)
    np.testing.assert_allclose(weights(cut), weights(whole), rtol=0, atol=1e-10)


def test_a_wrong_command_is_told_once(text, tmp_path):
    for arguments, complaint in (
        ([text, "--steps", "3"], "torchrun starts several processes of one run: name its folder by --out"),
        ([text, "--out", tmp_path / "a", "--batch-size", "1"], "2 ranks cannot share --batch-size 1"),
    ):
        process = begin(2, *arguments)
        (line,) = spoken(process)
        assert complaint in line and process.returncode == 1
