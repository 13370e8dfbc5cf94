"""TensorBoard event files, read with TensorBoard's own reader."""

import importlib.util

import pytest

from charlm.base.errors import UsageError
from charlm.report.event_files import EventFiles, check_tensorboard
from charlm.training.events import LossReport, RollbackReport, ValidationReport


@pytest.fixture
def read():
    """A function that reads the scalars of a folder: steps and values by tag."""
    module = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is an extra of its own"
    )

    def scalars(folder):
        found = module.EventAccumulator(str(folder))
        found.Reload()
        return {
            tag: [(event.step, pytest.approx(event.value)) for event in found.Scalars(tag)]
            for tag in found.Tags()["scalars"]
        }

    return scalars


def loss(step, value):
    return LossReport(step, 0.5, value, 0.25, 1.0)


def test_losses_are_read_back_and_what_was_rolled_back_is_not(tmp_path, read):
    files = EventFiles(tmp_path, 0)
    files.write(ValidationReport(0, 0.0, None, 3.5, True, 0.25, 1.0))
    files.write(ValidationReport(2, 0.0, None, None, True, 0.25, 1.0))
    for step in (1, 2, 3, 4):
        files.write(loss(step, float(step)))
    files.write(RollbackReport(4, 2, "it is nan", 0.5, 1))
    files.write(loss(3, 9.0))
    files.close()
    assert read(tmp_path) == {
        "loss/val": [(0, 3.5)],
        "loss/train": [(1, 1.0), (2, 2.0), (3, 9.0)],
        "lr": [(1, 0.25), (2, 0.25), (3, 0.25)],
    }


def test_without_tensorboard_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'charlm-rnn\[tensorboard\]'"):
        check_tensorboard()
