"""The program as a process: what it imports, where its output goes, and how it is stopped."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import charlm

HEAVY = {"numpy", "safetensors", "tqdm"}
OUTPUT = [["--version"], ["sample", "fox-1", "--len", "9"], ["runs"], ["info", "fox-1", "--json"]]
FULL = Path("/dev/full")


def buffered():
    """The environment; unbuffered output would leave nothing to write at the end of the interpreter."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def imported_by(*arguments):
    program = (
        "import sys; sys.argv[:] = ['charlm', *sys.argv[1:]]\n"
        "from charlm.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.split())


def test_the_version_is_told(call):
    assert call("--version").out == f"charlm {charlm.__version__}\n"


@pytest.mark.parametrize("line", [["--help"], ["-h"], ["train", "--help"], ["eval", "-h"]])
def test_help_names_the_program_and_is_no_failure(call, line):
    ended = call(*line)
    assert ended.code == 0 and "Usage: charlm" in ended.out and ended.err == ""


def test_no_command_shows_the_help_as_a_usage_error(call):
    ended = call()
    assert ended.code == 2 and ended.out == call("--help").out and ended.err == ""


def test_subcommands_do_not_offer_completion(call):
    assert "--install-completion" in call("--help").out
    for line in (["train"], ["sample"], ["eval"], ["eval", "perplexity"], ["info"], ["runs"]):
        assert "completion" not in call(*line, "--help").out


def test_help_waits_for_no_library_that_it_does_not_use():
    assert not imported_by("--help") & HEAVY
    assert not imported_by("info", "--help") & {"charlm.runs.run", *HEAVY}


def test_sampling_imports_neither_the_training_loop_nor_what_measures_and_draws(inside):
    unused = {
        "charlm.training.loop",
        "charlm.api",
        "charlm.evaluate",
        "charlm.cli.display.tables",
        "hypothesis",
        "matplotlib",
        "plotext",
    }
    assert imported_by("sample", "--len", "1") & unused == set()


@pytest.mark.parametrize(
    "line",
    [
        ["sample", "fox-1", "--len", "20000"],
        ["sample", "fox-1", "--len", "20000", "--no-stream"],
        ["train", "--help"],
        ["info", "fox-1"],
    ],
)
def test_a_closed_pipe_is_silent(inside, start, line):
    process = start(*line, env=buffered())
    assert process.stdout.read(5)
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    process.wait(timeout=120)


@pytest.mark.parametrize(
    "line", [["--version"], ["sample", "fox-1", "--len", "9"], ["runs"], ["info", "fox-1", "--json"]]
)
def test_a_pipe_that_is_closed_from_the_start_is_silent(inside, start, line):
    reader, writer = os.pipe()
    os.close(reader)
    process = start(*line, stdout=writer, env=buffered())
    os.close(writer)
    assert process.communicate(timeout=120)[1] == b"" and process.returncode == 1


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "line", [["sample", "fox-1", "--len", "9"], ["runs"], ["info", "fox-1", "--json"], ["--version"]]
)
def test_a_full_disk_is_told_in_one_line(inside, start, line):
    with FULL.open("wb") as full:
        process = start(*line, stdout=full, env=buffered())
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert errors == b"charlm: system error: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(
    "line", [["sample", "fox-1", "--len", "100000000"], ["eval", "perplexity", "fox-1", "-"]]
)
def test_ctrl_c_ends_other_work_with_130_and_no_traceback(inside, start, line):
    process = start(*line, stdin=subprocess.PIPE, env=buffered())
    if line[0] == "sample":
        process.stdout.read(5)
    else:
        process.stdin.write(b"the fox " * 1_000_000)  # returns once the command has read nearly all
        process.stdin.close()
        process.stdin = None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130 and errors == b""


def test_ctrl_c_during_the_imports_leaves_no_traceback(tmp_path, start):
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    done = start("--version", env=buffered() | {"PYTHONPATH": str(tmp_path)})
    assert done.communicate(timeout=120) == (b"", b"") and done.returncode == 130


def test_nothing_is_imported_before_ctrl_c_is_caught():
    program = (
        "import sys; before = {*sys.modules}; import charlm.__main__; print(*sorted({*sys.modules} - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["charlm", "charlm.__main__"]


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_help_is_plain_text_on_every_terminal(on_terminal, environment):
    shown = on_terminal("train", "--help", environment=environment)
    assert b"Usage: charlm train" in shown and b"\x1b" not in shown
