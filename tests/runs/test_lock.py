import errno

import pytest

from charlm.base.errors import RunError
from charlm.runs.folder import only_writer
from charlm.runs.run import Run


def test_a_second_writer_is_refused_in_one_line_and_readers_are_not(tmp_path, make_run):
    folder = tmp_path / "a"
    with only_writer(folder):
        run = make_run(folder)
        said = pytest.raises(RunError, match=r"a is being trained: it is in use by process [0-9]+; wait")
        with said, only_writer(folder):
            pass
        assert Run.open(folder) == run and run.read_metrics() == []
    with only_writer(folder):
        pass


def test_a_held_lock_is_seen_and_not_disturbed(tmp_path, make_run):
    folder = tmp_path / "a"
    with only_writer(folder):
        run = make_run(folder)
        assert run.is_training and run.is_training
    assert not run.is_training
    with only_writer(folder):
        pass
    (folder / ".lock").unlink()
    assert not run.is_training and not (folder / ".lock").exists()


def test_the_folder_is_made_and_can_become_a_run(tmp_path, make_run):
    with only_writer(tmp_path / "deep" / "a"):
        make_run(tmp_path / "deep" / "a")


def test_a_folder_that_cannot_be_used_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    said = pytest.raises(RunError, match="file cannot be used: File exists; give another folder")
    with said, only_writer(tmp_path / "file"):
        pass

    def refuse(*args):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(RunError, match="a cannot be used: Read-only file system"), only_writer(tmp_path / "a"):
        pass
