import errno
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.checkpoint.metrics import append_record, read_records
from charlm.errors import CheckpointError, DivergenceError, RunError

RECORDS = [{"step": 1, "loss": 1.5}, {"step": 2, "loss": 0.1}, {"step": 3, "sample": "a\n\u2028é"}]


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


@pytest.mark.parametrize("line", [b"", b"{", b"[1]", b"null", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"\xff"])
def test_a_damaged_line_that_is_not_the_torn_last_is_named(path, line):
    path.write_bytes(b'{"step": 1}\n' + line + b"\n" + b'{"step": 3}\n')
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl, line 2, is damaged"):
        read_records(path)


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
