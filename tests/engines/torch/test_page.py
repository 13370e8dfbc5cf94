"""The commands of the page of engines, on a CPU, with two processes and a few steps."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import TEXT
from tests.docs.pages import commands
from tests.docs.section import ROOT

pytest.importorskip("torch", reason="PyTorch is not installed")
PAGE = (ROOT / "charlm/engines/README.md").read_text(encoding="utf-8")
SECTION = PAGE[PAGE.index("## On a GPU") : PAGE.index("## Where the code is")]
SHORT = {
    "cuda": "cpu",
    "8": "2",
    "--minutes 20": "",
    "--nnodes 2": "--nnodes 1",
    "10.0.0.1:29400": "127.0.0.1:29417",
    "eth0": "lo",
}


def on_this_computer(command):
    """A command as it can be run here."""
    for there, here in SHORT.items():
        command = re.sub(rf"(?<![\w.:]){re.escape(there)}(?![\w.:])", here, command)
    steps = "4" if "--resume" in command.split() else "2"
    return command + (f" --workers 1 --steps {steps}" if "charlm train" in command else "")


def test_every_command_runs(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    Path("novel.txt").write_text(TEXT)
    found = list(map(on_this_computer, commands(SECTION)))
    assert len(found) == 8
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for command in found:
        settings, torchrun, arguments = command.rpartition("torchrun")
        if not torchrun:
            assert call(*shlex.split(arguments)[1:]).code == 0, command
            continue
        for name, value in (setting.split("=") for setting in settings.split()):
            monkeypatch.setenv(name, value)
        words = shlex.split(arguments.replace(" charlm ", f" {sys.executable} -m charlm "))
        words = [sys.executable, "-m", "torch.distributed.run", *words]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{command}\n{ended.stderr[-2000:]}"
