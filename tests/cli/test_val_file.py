"""The texts that are held out by name: files, built-ins and pipes, each found again or refused."""

import os
import threading

import pytest

from charlm.runs.run import Run

TEXT = "the quick brown fox jumps over the lazy dog.\n" * 9


@pytest.fixture
def train(elsewhere, call, tiny):
    """A function that trains on fox.txt, and gives the new run."""

    def run(*arguments, stdin=b""):
        ended = call("train", "fox.txt", "--quiet", *tiny, *arguments, stdin=stdin)
        assert (ended.code, ended.err) == (0, "")
        return Run.open(elsewhere / "runs" / "fox-1")

    return run


def goes_on(call):
    """The run is resumed, evaluated and compared, each of which divides its corpus again."""
    for command in (["train", "--resume", "fox-1", "--steps", "22", "--quiet"], ["eval", "perplexity"]):
        ended = call(*command)
        assert ended.code == 0, ended.err
    return True


@pytest.mark.parametrize("apart", ["--val-file", "--test-file"])
def test_a_built_in_is_held_out_by_its_name_wherever_the_run_goes_on(train, call, tmp_path, monkeypatch, apart):
    monkeypatch.setattr("charlm.data.reading.sources.read_builtin", lambda name: TEXT)
    train(apart, "python-docs")
    (tmp_path / "python-docs").write_text("somebody's own")
    assert goes_on(call)
    split = apart[2:].removesuffix("-file")
    (record,) = call("eval", "perplexity", "--split", split, "--json").records[:1]
    assert record["characters"] == len(TEXT) - 1


def test_standard_input_is_validated_on_and_found_again_in_the_cache(train, call, monkeypatch, tmp_path):
    run = train("--val-file", "-", stdin=TEXT.encode())
    assert run.config.batching.val_file == "-"
    assert goes_on(call)
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "empty"))
    refused = call("train", "--resume", "fox-1", "--steps", "24")
    assert refused.complaint.startswith("the run validates on standard input, which is not kept: begin a new run")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no pipes with names")
def test_a_pipe_is_read_once_and_never_waited_for_again(train, call, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=[TEXT], daemon=True)
    writer.start()
    assert train("--val-file", "pipe").config.batching.val_file == "-"
    writer.join()
    assert goes_on(call)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["train", "-", "--val-file", "-"], "standard input cannot be both CORPUS and --val-file"),
        (
            ["train", "fox.txt", "--test-file", "-"],
            "--test-file is '-', which is read later, by eval: give a file",
        ),
    ],
)
def test_what_a_pipe_cannot_be_is_told(elsewhere, call, arguments, complaint):
    refused = call(*arguments, stdin=TEXT.encode())
    assert refused.code == 2 and refused.complaint.startswith(complaint)


def test_standard_input_is_no_two_targets(inside, call):
    refused = call("eval", "perplexity", "-", "-", stdin=TEXT.encode())
    assert refused.code == 2 and refused.complaint.startswith("standard input is named twice")
