"""Faults in mid-run: a disk that refuses is told once, and costs nothing that memory can hold."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from charlm.base.errors import RunError
from charlm.runs.checkpoint import load_checkpoint
from charlm.runs.folder import find_snapshots
from charlm.runs.run import Run
from charlm.training.events import StepReport, SummaryReport
from charlm.training.loop import train

REFUSALS = {
    "disk full": errno.ENOSPC,
    "read-only folder": errno.EROFS,
    "lost permission": errno.EACCES,
    "failing disk": errno.EIO,
    "quota used up": errno.EDQUOT,
}


@pytest.fixture
def disk(monkeypatch):
    """A disk that can be told to refuse every write, or those of certain files."""

    class Disk:
        number = None
        names = ("",)

    real_open, os_open = Path.open, os.open

    def refuse(path, is_writing):
        if Disk.number and is_writing and any(name in str(path) for name in Disk.names):
            raise OSError(Disk.number, os.strerror(Disk.number))

    def path_open(self, mode="r", *args, **kwargs):
        refuse(self, set(mode) & set("wax+"))
        return real_open(self, mode, *args, **kwargs)

    def open_descriptor(path, flags, *args, **kwargs):
        refuse(path, flags & (os.O_WRONLY | os.O_RDWR))
        return os_open(path, flags, *args, **kwargs)

    monkeypatch.setattr(Path, "open", path_open)
    monkeypatch.setattr(os, "open", open_descriptor)
    return Disk


@pytest.mark.parametrize("number", REFUSALS.values(), ids=REFUSALS)
def test_a_disk_that_refuses_is_told_once_tried_again_and_told_when_it_works(
    begun, disk, number, check_same, faults_of
):
    settings = {"steps": 20, "eval_every": 4, "save_every": "3"}
    trainer, whole = begun(**settings)
    list(train(trainer, whole))
    trainer, run = begun(**settings)
    reports, before = [], {}
    for report in train(trainer, run):
        reports.append(report)
        if isinstance(report, StepReport) and report.step == 7:
            disk.number = number
            before = {path: path.read_bytes() for path in run.folder.iterdir()}
        if isinstance(report, StepReport) and report.step == 14:
            assert {path: path.read_bytes() for path in run.folder.iterdir()} == before
            disk.number = None
    faults = faults_of(reports)
    assert [(fault.step, fault.is_over) for fault in faults] == [(8, False), (9, False), (15, True), (15, True)]
    assert f"metrics.jsonl cannot be written: {os.strerror(number)}" in faults[0].message
    assert f"safetensors cannot be written: {os.strerror(number)}" in faults[1].message
    assert isinstance(reports[-1], SummaryReport)
    check_same(run, whole)


@pytest.mark.parametrize("name", ["model.safetensors", "last.safetensors", "step-", "metrics.jsonl"])
def test_one_file_that_cannot_be_written_costs_no_other(begun, disk, name, check_same, faults_of):
    disk.names = (name,)
    settings = {"steps": 12, "eval_every": 4, "save_every": "3", "keep": 1}
    trainer, whole = begun(**settings)
    list(train(trainer, whole))
    trainer, run = begun(**settings)
    reports = []
    for report in train(trainer, run):
        reports.append(report)
        if isinstance(report, StepReport):
            disk.number = errno.ENOSPC if 2 <= report.step < 11 else None
    assert [fault.is_over for fault in faults_of(reports)] == [False, True]
    check_same(run, whole)
    assert [path.name for path in find_snapshots(run.folder)] == ["step-000012.safetensors"]


def test_the_last_never_knows_of_a_best_that_was_not_saved(begun, disk):
    disk.names = ("model.safetensors",)
    trainer, run = begun("abcabcabd" * 50, steps=30, eval_every=2, save_every="2")
    for report in train(trainer, run):
        if isinstance(report, StepReport):
            disk.number = errno.ENOSPC if 10 <= report.step < 25 else None
        opened = Run.open(run.folder)
        scalars = load_checkpoint(run.last_path, opened.network).scalars
        if scalars["best_val"] is not None:
            best = [record for record in run.read_metrics() if record["is_best"]]
            assert scalars["best_val"] in [record["val_nats_per_char"] for record in best]
            if disk.number:
                assert scalars["step"] <= 10


def test_an_end_that_cannot_be_saved_is_an_error_and_what_was_saved_stands(begun, disk):
    trainer, run = begun(steps=9, eval_every=100, save_every="4")

    def fill(report):
        assert not isinstance(report, SummaryReport)
        disk.number = errno.ENOSPC if report.step >= 5 else None

    with pytest.raises(
        RunError, match=r"the save after step 9 failed for the .*: .*safetensors cannot .*: No space left"
    ):
        list(map(fill, train(trainer, run)))
    opened = Run.open(run.folder)
    assert load_checkpoint(run.last_path, opened.network).scalars["step"] == 4


def test_a_curve_that_cannot_be_written_does_not_stop_training_and_is_an_error_at_its_end(begun, disk):
    disk.names = ("metrics.jsonl",)
    trainer, run = begun(steps=9, eval_every=3)
    next(train(trainer, run))
    disk.number = errno.EACCES
    with pytest.raises(
        RunError, match=r"the save after step 9 failed for the curve: .*metrics\.jsonl cannot be written"
    ):
        list(train(trainer, run))
    assert np.array_equal(run.load_model("last").params.flat, trainer.engine._model.params.flat)


def test_a_folder_in_the_place_of_the_curve_is_a_fault_too(begun):
    trainer, run = begun(steps=6, eval_every=2)
    reports = train(trainer, run)
    next(reports), next(reports)
    run.metrics_path.unlink()
    run.metrics_path.mkdir()
    with pytest.raises(RunError, match=r"metrics\.jsonl"):
        list(reports)
