"""A lock: one holder at a time, across threads and processes, freed by any death and by nothing else."""

import errno
import os
import signal
import subprocess
import sys
import threading
from subprocess import PIPE

import pytest

from charlm.base.files import lock
from charlm.base.files.lock import hold

HOLDER = """
import sys, pathlib
from charlm.base.files.lock import hold
with hold(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".lock"


@pytest.fixture
def holder(path):
    """A process that holds the lock until its standard input ends."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.stdin.close()


def is_free(path):
    try:
        with hold(path, wait=False):
            return True
    except BlockingIOError:
        return False


def test_a_second_holder_is_refused_until_the_first_is_done(path):
    with hold(path, wait=False):
        assert not is_free(path)
        with pytest.raises(BlockingIOError) as caught, hold(path, wait=False):
            pass
        assert caught.value.strerror == f"it is in use by process {os.getpid()}"
    assert is_free(path) and is_free(path)


def test_another_process_is_named(path, holder):
    with pytest.raises(BlockingIOError, match=f"by process {holder.pid}"), hold(path, wait=False):
        pass


def test_a_killed_holder_holds_nothing(path, holder):
    assert not is_free(path)
    holder.kill()
    holder.wait()
    assert path.exists() and is_free(path)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this platform cannot stop a process")
def test_a_holder_that_sleeps_holds_on(path, holder):
    holder.send_signal(signal.SIGSTOP)
    assert not is_free(path)
    holder.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("content", [b"", b"12\n", b"nonsense", b"\0" * 99])
def test_a_file_that_is_left_over_holds_nothing(path, content):
    path.write_bytes(content)
    with hold(path, wait=False):
        assert path.read_bytes() == b"%d\n" % os.getpid()


def test_who_waits_gets_it_when_it_is_free(path, monkeypatch):
    waited, order = threading.Event(), []
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: waited.set())

    def second():
        with hold(path):
            order.append("second")

    thread = threading.Thread(target=second)
    with hold(path):
        thread.start()
        assert waited.wait(30)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize(("number", "is_told"), [(errno.ENOLCK, False), (errno.ENOSYS, False), (errno.EIO, True)])
def test_without_locks_nobody_is_kept_out_and_a_failing_disk_is_told(path, monkeypatch, number, is_told):
    def refuse(descriptor):
        raise OSError(number, "refused")

    monkeypatch.setattr(lock, "_take", refuse)
    if is_told:
        with pytest.raises(OSError, match="refused"), hold(path, wait=False):
            pass
    else:
        with hold(path, wait=False), hold(path, wait=False):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_planted_link_is_not_followed(path, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"), hold(path, wait=False):
        pass
    assert victim.read_bytes() == b"precious"
