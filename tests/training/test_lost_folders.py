"""Folders that are lost in mid-run: deleted, taken, closed to the user, on a disk that is really full."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from charlm.base.errors import RunError
from charlm.runs.run import Run
from charlm.training.events import FaultReport, StepReport, ValidationReport
from charlm.training.loop import train
from charlm.training.resume import resume


def test_a_folder_that_is_deleted_is_put_back(begun, faults_of):
    settings = {"steps": 20, "eval_every": 4, "save_every": "3", "keep": 1}
    trainer, whole = begun(**settings)
    list(train(trainer, whole))
    trainer, run = begun(**settings)
    reports = []
    for report in train(trainer, run):
        reports.append(report)
        if isinstance(report, StepReport) and report.step == 10:
            shutil.rmtree(run.folder)
    messages = [fault.message for fault in faults_of(reports)]
    assert len(messages) == 3 and "metrics" not in messages[2]
    assert any(message.endswith("put back without the curve's earlier part") for message in messages)
    reopened = Run.open(run.folder)
    assert reopened == run
    for which in ("best", "last"):
        assert np.array_equal(reopened.load_model(which).params.flat, whole.load_model(which).params.flat)
    assert resume(reopened, {"steps": 21})[0].state.step == 20


def test_a_folder_that_another_run_has_taken_is_left_alone(begun, tmp_path):
    trainer, run = begun(steps=20, save_every="3")
    _, other = begun(steps=20, hidden=6)

    def replace(report):
        assert not isinstance(report, FaultReport) or "another run" in report.message
        if isinstance(report, StepReport) and report.step == 10:
            shutil.rmtree(run.folder)
            shutil.copytree(other.folder, run.folder)

    with pytest.raises(RunError, match="now holds another run"):
        list(map(replace, train(trainer, run)))
    there = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    assert there == {path.name: path.read_bytes() for path in other.folder.iterdir()}


@pytest.fixture
def locked_out(tmp_path):
    """A context in which this user may not even look into the runs' folders."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this platform has other permissions")

    @contextmanager
    def lock_out():
        is_root, mode = os.geteuid() == 0, tmp_path.stat().st_mode
        tmp_path.chmod(0)
        if is_root:  # whom no mode stops
            os.seteuid(65534)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)
            tmp_path.chmod(mode)

    return lock_out


def test_a_permission_that_is_really_lost_and_comes_back(begun, locked_out, check_same, faults_of):
    settings = {"steps": 20, "eval_every": 4, "save_every": "3"}
    trainer, whole = begun(**settings)
    list(train(trainer, whole))
    trainer, run = begun(**settings)
    reports = train(trainer, run)
    seen = [next(report for report in reports if isinstance(report, StepReport) and report.step == 7)]
    with locked_out():
        seen += [next(reports) for _ in range(9)]
    seen += list(reports)
    assert [fault.is_over for fault in faults_of(seen)] == [False, False, True, True]
    assert "Permission denied" in faults_of(seen)[0].message
    check_same(run, whole)


def test_best_weights_that_somebody_deleted_are_put_back_or_forgotten(begun):
    trainer, run = begun(steps=20, save_every="1", eval_every=100)
    for report in train(trainer, run, lambda: trainer.state.step >= 6):
        if isinstance(report, StepReport) and report.step == 3:
            before = run.best_path.read_bytes()
            run.best_path.unlink()
    assert run.best_path.read_bytes() == before
    run.best_path.unlink()
    trainer, run = resume(Run.open(run.folder), {})
    list(train(trainer, run))
    assert np.array_equal(run.load_model("best").params.flat, trainer.engine._model.params.flat)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with 200 kB of room, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_real_disk_that_is_full_and_then_is_not(begun, small_disk, tmp_path, check_same, faults_of):
    settings = {"steps": 30, "eval_every": 4, "save_every": "3", "hidden": 16}
    trainer, whole = begun(**settings)
    list(train(trainer, whole))
    trainer, run = begun(folder=small_disk / "run", **settings)
    ballast = small_disk / "ballast"
    reports = []
    for report in train(trainer, run):
        reports.append(report)
        if isinstance(report, StepReport) and report.step == 7:
            with pytest.raises(OSError, match="No space left"):
                ballast.write_bytes(b"x" * 10**6)
        if isinstance(report, StepReport) and 8 < report.step < 20:
            assert run.load_model("last") is not None and Run.open(run.folder) == run
            assert not list(run.folder.glob("*.tmp"))
        if isinstance(report, StepReport) and report.step == 20:
            ballast.unlink()
    faults = faults_of(reports)
    # What is small may still find room, and is told later.
    assert faults[0].step <= 9 and "No space left on device" in faults[0].message
    assert {fault.step for fault in faults if fault.is_over} == {21}
    assert sum(fault.is_over for fault in faults) * 2 == len(faults)
    check_same(run, whole)
    assert [r.step for r in reports if isinstance(r, ValidationReport)] == [0, 4, 8, 12, 16, 20, 24, 28, 30]
