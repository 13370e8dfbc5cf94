import errno
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import CheckpointError, DivergenceError, RunError
from charlm.runs.metrics import (
    RunSummary,
    append_record,
    forget_after,
    is_training_loss,
    read_records,
    read_training_losses,
    read_validations,
)

RECORDS = [{"step": 1, "loss": 1.5}, {"step": 2, "loss": 0.1}, {"step": 3, "loss": None, "is_best": True}]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def test_records_come_back_in_order_and_one_a_line(path):
    assert read_records(path) == []
    for record in RECORDS:
        append_record(path, record)
    assert read_records(path) == RECORDS
    assert path.read_bytes().count(b"\n") == 3


@given(st.data())
def test_wherever_a_crash_cuts_the_file_whole_records_stay_and_the_next_one_fits(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("torn") / "metrics.jsonl"
    for record in RECORDS:
        append_record(path, record)
    whole = path.read_bytes()
    torn = whole[: data.draw(st.integers(0, len(whole)))]
    path.write_bytes(torn)
    kept = RECORDS[: torn.count(b"\n")]
    assert read_records(path) == kept
    append_record(path, {"step": 9})
    assert read_records(path) == [*kept, {"step": 9}]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": []}',
        b"\xff",
        b'{"loss": "low"}',
        b'{"step": 1.5}',
        b'{"step": null}',
    ],
)
def test_a_damaged_line_that_is_not_the_torn_last_is_named(path, line):
    path.write_bytes(b'{"step": 1}\n' + line + b"\n" + b'{"step": 3}\n')
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl, line 2, is damaged"):
        read_records(path)


def test_a_curve_that_is_longer_than_any_is_refused(path):
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl is longer than the 16,000,000 bytes"):
        read_records(path)
    with pytest.raises(
        CheckpointError, match=r"metrics\.jsonl is damaged: its last line is longer than any record"
    ):
        append_record(path, RECORDS[0])
    path.write_bytes(b"{}\n" * 100_001)
    with pytest.raises(CheckpointError, match="has more than the 100,000 records"):
        read_records(path)
    path.write_bytes(b'{"step": 1}\n' + b" " * 100_000 + b"{}\n")
    with pytest.raises(CheckpointError, match=r"line 2, is damaged: it is longer than any record"):
        read_records(path)


def test_a_torn_end_of_any_length_up_to_a_lines_is_cut_off(path):
    for torn in (1, 63_999, 64_000 - len(b'{"step": 1}\n')):
        path.write_bytes(b'{"step": 1}\n' + b"x" * torn)
        if torn < 63_999:
            append_record(path, {"step": 2})
            assert read_records(path) == [{"step": 1}, {"step": 2}]


def test_a_number_that_is_not_finite_is_not_added(path):
    append_record(path, RECORDS[0])
    with pytest.raises(DivergenceError, match=r"loss is not a finite number, so it was not added to .*metrics"):
        append_record(path, {"loss": float("nan")})
    assert read_records(path) == RECORDS[:1]


def test_a_full_disk_is_told(path, monkeypatch):
    def refuse(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RunError, match=r"metrics\.jsonl cannot be written: No space left on device"):
        append_record(path, RECORDS[0])


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_planted_link_is_not_written_through(path, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious\n")
    path.symlink_to(victim)
    with pytest.raises(RunError, match="cannot be written"):
        append_record(path, RECORDS[0])
    assert victim.read_bytes() == b"precious\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_a_pipe_in_the_place_of_the_file_is_refused_without_waiting(path):
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match="is not a plain file"):
        append_record(path, RECORDS[0])
    with pytest.raises(CheckpointError, match="is not a plain file"):
        read_records(path)


@given(
    st.sets(st.integers(0, 9)),
    st.integers(-1, 9),
    st.booleans(),
    st.sampled_from([b"", b'{"step"', b'{"step": 1}']),
)
def test_records_of_later_steps_are_forgotten_and_no_others(tmp_path_factory, steps, step, is_validated, torn):
    path = tmp_path_factory.mktemp("later") / "metrics.jsonl"
    # In each step, a training loss is written before the validation.
    records = [
        {"step": number, "train_nats_per_char": 2.0} | ({"val_nats_per_char": None} if is_validation else {})
        for number in sorted(steps)
        for is_validation in (False, True)
    ]
    for record in records:
        append_record(path, record)
    if torn:
        with path.open("ab") as file:
            file.write(torn)
    # A state is saved after the validation of its step, or before.
    forget_after(path, step, step if is_validated else step - 1)
    assert read_training_losses(path) == [
        record for record in records if is_training_loss(record) and record["step"] <= step
    ]
    assert read_validations(path) == [
        record
        for record in records
        if not is_training_loss(record) and record["step"] <= step - (not is_validated)
    ]


def test_nothing_is_left_of_a_run_that_saved_no_validation(path):
    append_record(path, {"step": 0, "train_nats_per_char": None, "val_nats_per_char": 2.0})
    append_record(path, {"step": 3, "train_nats_per_char": 2.0})
    forget_after(path, 0, None)
    assert read_records(path) == []


@pytest.mark.parametrize("line", [b"nonsense", b'{"step": "x"}', b"[]", b'{"loss": 1}'])
def test_nothing_before_a_damaged_line_is_forgotten(path, line):
    path.write_bytes(b'{"step": 5}\n' + line + b"\n" + b'{"step": 6}\n')
    forget_after(path, 2, 2)
    assert path.read_bytes() == b'{"step": 5}\n' + line + b"\n"


@pytest.mark.parametrize(
    ("records", "summary"),
    [
        ([], RunSummary(None, None, None)),
        ([{"step": 0, "seconds": 0.5, "val_nats_per_char": None}], RunSummary(0, 0.5, None)),
        (
            [
                {"step": 0, "seconds": 0.5, "val_nats_per_char": 3.0},
                {"step": 4, "seconds": 1.5, "val_nats_per_char": 2.0},
                {"step": 8, "seconds": 2.5, "val_nats_per_char": 2.5},
                {"step": 9, "seconds": 2.75, "val_nats_per_char": None},
            ],
            RunSummary(9, 2.75, 2.0),
        ),
        ([{"loss": 1.0}], RunSummary(None, None, None)),
    ],
)
def test_a_summary_has_the_last_record_s_step_and_the_lowest_loss(tmp_path, make_run, records, summary):
    run = make_run(tmp_path)
    for record in records:
        run.append_metrics(record)
    assert run.summarize() == summary
