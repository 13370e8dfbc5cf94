"""Engines that are missing or cannot do something are refused in one line, before a text is read."""

import subprocess
import sys

import pytest

from charlm.base.errors import UsageError
from charlm.config import DeviceConfig
from charlm.engines import devices
from tests.cli.conftest import TEXT, TINY


@pytest.fixture
def without_torch(monkeypatch):
    """As if PyTorch were not installed."""
    monkeypatch.setitem(sys.modules, "torch", None)


def test_a_setting_of_pytorch_needs_its_engine():
    for settings in ({"device": "cuda"}, {"device": "cuda:1"}, {"precision": "tf32"}):
        ((name, value),) = settings.items()
        with pytest.raises(UsageError, match=f"--{name} {value} is for PyTorch: give --engine torch too"):
            devices.check_device(DeviceConfig(**settings))


COMMANDS = [
    ["train", "--steps", "1"], ["eval", "perplexity", "missing"], ["eval", "context", "missing"],
    ["score", "--run", "missing"], ["sample", "missing"], ["bench"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_how_to_get_pytorch_before_it_reads(call, without_torch, command):
    refused = call(*command, "--engine", "torch")
    assert refused.code == 2
    assert refused.complaint == "--engine torch needs PyTorch: pip install 'charlm-rnn[torch]'"


def test_a_measurement_of_gradients_stays_with_numpy(call, monkeypatch):
    monkeypatch.setattr("charlm.engines.devices.check_device", lambda device: None)
    for name, more in (("gradients", []), ("units", []), ("perplexity", ["--dynamic"])):
        refused = call("eval", name, *more, "--engine", "torch")
        assert refused.code == 2 and refused.complaint.endswith("leave out --engine torch")


def test_another_task_stays_with_numpy(call, monkeypatch):
    monkeypatch.setattr("charlm.training.start.check_device", lambda device, stored: None)
    monkeypatch.setattr("charlm.training.start.check_network", lambda *settings: None)
    refused = call("train", "--task", "classify", "--steps", "1", "--engine", "torch")
    assert refused.complaint == "--task classify is trained by NumPy alone: leave out --engine torch"


def test_a_run_of_a_missing_engine_says_how_to_go_on(call, without_torch, tmp_path):
    text, run = tmp_path / "fox.txt", tmp_path / "run"
    text.write_text(TEXT)
    assert call("train", str(text), "--out", str(run), *TINY).code == 0
    config = run / "config.json"
    stored = config.read_text().replace('"engine": "numpy"', '"engine": "torch"')
    config.write_text(stored.replace('"device": "cpu"', '"device": "cuda"'))
    assert call("sample", str(run), "--len", "5").code == 0
    refused = call("train", "--resume", str(run), "--steps", "30")
    assert refused.complaint.endswith("pip install 'charlm-rnn[torch]', or go on with --engine numpy")
    assert call("train", "--resume", str(run), "--steps", "30", "--engine", "numpy").code == 0
    assert '"device": "cpu"' in config.read_text()


def test_neither_help_nor_a_training_imports_torch(tmp_path):
    text = tmp_path / "fox.txt"
    text.write_text(TEXT)
    training = ["train", str(text), "--out", str(tmp_path / "run"), *TINY, "--quiet"]
    code = "import sys\nfrom charlm.cli.app import main\nsys.argv = ['charlm', *sys.argv[1:]]\ntry:\n    main()\n"
    code += "finally:\n    assert 'torch' not in sys.modules"
    for arguments in (["train", "--help-all"], training):
        command = [sys.executable, "-c", code, *arguments]
        assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
