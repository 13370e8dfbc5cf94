import errno
import os
import re
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.base.errors import RunError
from charlm.base.files.atomic import find_leftovers, write_atomically


def test_the_new_bytes_take_the_place_of_the_old_and_nothing_else_stays(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("broken", ["os.fsync", "pathlib.Path.replace", "os.open"])
def test_a_refusing_system_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch, broken):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def refuse(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(broken, refuse)
        with pytest.raises(RunError, match=r"file cannot be written: No space left on device; see to the disk"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_in_mid_write_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def interrupt(descriptor):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_reach_the_disk_before_the_rename_and_the_folder_after_it(tmp_path, monkeypatch):
    events = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(descriptor):
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_sync(descriptor)

    def replace(self, target):
        events.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomically(tmp_path / "file", b"new")
    expected = ["file", "rename", "folder"] if hasattr(os, "O_DIRECTORY") else ["file", "rename"]
    assert events == expected


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="this platform has no folders to sync")
@pytest.mark.parametrize(("number", "is_told"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_synced_is_skipped_and_a_failing_disk_is_told(
    tmp_path, monkeypatch, number, is_told
):
    real_sync = os.fsync

    def sync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, "refused")
        real_sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    if is_told:
        with pytest.raises(RunError, match="refused"):
            write_atomically(tmp_path / "file", b"new")
    else:
        write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_planted_links_are_replaced_and_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path = tmp_path / "file"
    path.symlink_to(victim)
    write_atomically(path, b"new")
    assert victim.read_bytes() == b"precious"
    assert path.read_bytes() == b"new" and not path.is_symlink()


def test_leftovers_are_the_temporary_files_of_these_names_alone(tmp_path):
    for name in (".file.12.tmp", ".file-9.13.tmp", ".other.12.tmp", ".file.notes.tmp", "file", "file.12.tmp"):
        (tmp_path / name).touch()
    found = find_leftovers(tmp_path, re.compile("file(-[0-9])?"))
    assert found == {tmp_path / ".file.12.tmp", tmp_path / ".file-9.13.tmp"}


def test_a_killed_writer_leaves_the_old_file_and_what_leftovers_finds(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    script = (
        "import os, signal, sys, pathlib\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGTERM)\n"
        "from charlm.base.files.atomic import write_atomically\n"
        "write_atomically(pathlib.Path(sys.argv[1]), b'new')\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode != 0
    assert path.read_bytes() == b"old"
    (left,) = find_leftovers(tmp_path, re.compile("file"))
    assert set(tmp_path.iterdir()) == {path, left}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_that_is_planted_at_the_last_moment_is_not_followed(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")

    monkeypatch.setattr(secrets, "token_hex", lambda size: "00")
    (tmp_path / ".file.00.tmp").symlink_to(victim)
    with pytest.raises(RunError, match="file cannot be written: File exists"):
        write_atomically(tmp_path / "file", b"new")
    assert victim.read_bytes() == b"precious" and (tmp_path / ".file.00.tmp").is_symlink()


def test_temporary_names_cannot_be_foreseen(tmp_path, monkeypatch):
    names = []
    real = Path.replace

    def note(self, target):
        names.append(self.name)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", note)
    for _ in range(2):
        write_atomically(tmp_path / "file", b"new")
    assert len(set(names)) == 2 and all(re.fullmatch(r"\.file\.[0-9a-f]{16}\.tmp", name) for name in names)
