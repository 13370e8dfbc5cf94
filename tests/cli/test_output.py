"""Output that cannot be written: training goes on and saves; all else ends in one line, or quietly."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.cli.output import UnfailingStream, print_json
from charlm.runs.checkpoint import load_checkpoint
from charlm.runs.run import Run

FULL = Path("/dev/full")
TRAIN = [
    "train", "fox.txt", "--out", "run", "--steps", "30", "--hidden", "8", "--seq-len", "16", "--batch-size", "8",
    "--workers", "2", "--eval-every", "1", "--sample-every", "5",
]  # fmt: skip
# With unbuffered output, what is left to write at the interpreter's end would go untested.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="there is no POSIX shell here")


def in_shell(line, *arguments):
    """Run the program by a shell's line, in which "$@" is the program; what became of it."""
    command = ["sh", "-c", line, "sh", sys.executable, "-m", "charlm", *arguments]
    return subprocess.run(command, capture_output=True, env=BUFFERED, timeout=60)


def saved_steps():
    run = Run.open(Path("run"))
    return load_checkpoint(run.last_path, run.network).scalars["step"]


@needs_full
@needs_shell
@pytest.mark.parametrize(
    ("redirections", "code", "told"),
    [
        ("2>/dev/full", 0, b""),
        (">/dev/full 2>&1", 1, b""),
        (">/dev/full 2>errors", 1, b"charlm: system error: [Errno 28] No space left on device"),
        (">&-", 0, b""),
        ("2>&-", 0, b""),
        ("<&- >&- 2>&-", 0, b""),
    ],
)
def test_training_goes_on_and_saves_whatever_becomes_of_its_output(elsewhere, redirections, code, told):
    ended = in_shell(f'"$@" {redirections}', *TRAIN, "--json", "--profile")
    assert (ended.returncode, saved_steps()) == (code, 30)
    assert b"Traceback" not in ended.stderr
    if told:
        assert (elsewhere / "errors").read_bytes().splitlines()[-1] == told


@needs_shell
@pytest.mark.parametrize("redirection", ["", "2>&1"])
def test_training_goes_on_and_saves_when_its_reader_has_gone(elsewhere, redirection):
    assert in_shell(f'"$@" {redirection} | head -2', *TRAIN, "--json").stdout.count(b"\n") == 2
    assert saved_steps() == 30


@needs_shell
@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL], ids=["ignored", "handled"])
def test_training_outlives_its_terminal(elsewhere, handler):
    """A closed terminal hangs up on the program and takes no output; nohup lets the signal be ignored."""
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "charlm", *TRAIN, "--steps", "200"], stdin=slave, stdout=slave, stderr=slave,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, handler),
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while b"\n      1 " not in shown:
        shown += os.read(master, 65536)
    os.close(master)
    for _ in range(2):  # one from the system, one from the shell
        process.send_signal(signal.SIGHUP)
    code = process.wait(timeout=60)
    steps = saved_steps()
    assert (code, steps) == (0, 200) if handler is signal.SIG_IGN else (code == 130 and 0 < steps < 200)


@needs_shell
@pytest.mark.parametrize("redirections", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "line",
    [
        ["--version"],
        ["sample", "fox-1", "--len", "9"],
        ["score", "--run", "fox-1"],
        ["eval", "perplexity", "fox-1"],
        ["corpus", "list"],
    ],
)
def test_a_closed_descriptor_is_as_the_null_device(inside, line, redirections):
    ended = in_shell(f'"$@" {redirections}', *line)
    assert (ended.returncode, ended.stderr) == (0, b"")


@needs_full
@needs_shell
def test_a_complaint_that_cannot_be_written_leaves_the_exit_code(inside):
    assert in_shell('"$@" 2>/dev/full', "info", "no-such-run").returncode == 1
    assert in_shell('"$@" 2>/dev/full', "info", "--no-such-option").returncode == 2


def test_a_number_that_json_lacks_is_null(capsys):
    print_json({"perplexity": math.inf, "runs": {"a": [1.5, math.nan, -math.inf]}, "pair": (0, math.inf)})
    shown = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert shown == {"perplexity": None, "runs": {"a": [1.5, None, None]}, "pair": [0, None]}


class Refusing:
    """What a stream writes to, which refuses from the third write on."""

    def __init__(self):
        self.taken = []
        self.buffer = self

    def write(self, data):
        if len(self.taken) == 2:
            raise OSError("full")
        self.taken.append(bytes(data))
        return None if data == b"later" else len(data)


def test_the_first_refusal_ends_a_streams_output_and_one_that_would_wait_does_not():
    refusing = Refusing()
    unfailing = UnfailingStream(refusing)
    assert [unfailing.write(each) for each in (b"later", b"one", b"two", b"three")] == [5, 3, 3, 5]
    assert refusing.taken == [b"later", b"one"]
