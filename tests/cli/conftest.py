"""The program run inside the test's own process, and one tiny trained run that a file's tests share."""

import io
import json
import os
import subprocess
import sys
from contextlib import ExitStack, chdir
from dataclasses import dataclass
from unittest import mock

import pytest

from charlm.cli.app import main

TINY = ["--steps", "20", "--hidden", "16", "--seq-len", "16", "--batch-size", "8", "--workers", "1"]
FROM_THE_TERMINAL = ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR", "TERM")
NEWEST = "newest run: "
TEXT = "the quick brown fox jumps over the lazy dog.\n" * 60


@dataclass
class Outcome:
    """What a command line did."""

    code: int
    out: str
    err: str
    newest: str = ""
    """The run that was picked as the newest; the line that says so is not in ``err``."""

    @property
    def records(self):
        """Standard output, where every line of it is a JSON object."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaint(self):
        """The one line that a failure writes, without the program's name."""
        (line,) = self.err.splitlines()
        assert self.out == "" and line.startswith("charlm: ")
        return line.removeprefix("charlm: ")


def call_main(*arguments, stdin=b""):
    source = io.BytesIO(stdin) if isinstance(stdin, bytes) else stdin
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    streams = {"stdin": io.TextIOWrapper(source), "stdout": out, "stderr": err}
    with mock.patch.multiple(sys, argv=["charlm", *arguments], **streams), pytest.raises(SystemExit) as ended:
        main()
    lines = err.buffer.getvalue().decode().splitlines(keepends=True)
    picked = [line for line in lines if line.startswith(NEWEST)]
    said = "".join(line for line in lines if line not in picked)
    newest = "".join(picked).removeprefix(NEWEST).rstrip()
    return Outcome(ended.value.code or 0, out.buffer.getvalue().decode(), said, newest)


@pytest.fixture
def start():
    """A function that starts a command in a process of its own, which does not outlive the test."""
    with ExitStack() as ending:

        def run(*arguments, **settings):
            streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings
            process = subprocess.Popen([sys.executable, "-m", "charlm", *arguments], **streams)
            ending.push(process)
            ending.callback(process.kill)  # first, since leaving a process waits for its end
            return process

        yield run


@pytest.fixture(scope="session")
def call():
    """A function that runs a command line: its exit code, its output and what it says on standard error."""
    return call_main


@pytest.fixture(scope="session")
def on_terminal():
    """A function that runs a command line as a process on a terminal of its own; the bytes that it shows there.

    Standard output and standard error are both the terminal, but for those given as ``streams``.
    """
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")

    def run(*arguments, code=0, folder=None, environment=None, **streams):
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, 120))
        # What this process's own terminal is must not show through.
        kept = {name: value for name, value in os.environ.items() if name not in FROM_THE_TERMINAL}
        settings = {"stdout": slave, "stderr": slave, "cwd": folder} | streams
        settings["env"] = kept | {"TERM": "xterm-256color"} | (environment or {})
        process = subprocess.Popen([sys.executable, "-m", "charlm", *arguments], **settings)
        os.close(slave)
        shown = b""
        while True:
            try:
                shown += os.read(master, 65536)
            except OSError:  # how a terminal ends on Linux
                break
        os.close(master)
        assert process.wait() == code
        return shown

    return run


@pytest.fixture(scope="session")
def tiny():
    """The settings of a training that takes no time."""
    return TINY


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a text, fox.txt, and a run trained on it, runs/fox-1; its tests leave both as they are."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "fox.txt").write_text(TEXT)
    with chdir(folder):
        assert call_main("train", "fox.txt", "--quiet", *TINY).code == 0
    return folder


@pytest.fixture
def inside(trained, monkeypatch):
    """That folder, as the working folder."""
    monkeypatch.chdir(trained)
    return trained


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty working folder with a text of its own."""
    (tmp_path / "fox.txt").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path
