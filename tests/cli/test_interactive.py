"""sample --interactive, driven through a pipe and through a terminal."""

import os
import re
import subprocess
import sys
import time

import pytest

import charlm


@pytest.fixture
def talk(inside, call):
    """A function that types lines and gives what was written."""

    def run(*lines, options=()):
        ended = call(
            "sample", "--interactive", "--len", "12", *options, stdin="".join(f"{x}\n" for x in lines).encode()
        )
        assert (ended.code, ended.err) == (0, "")
        return ended.out

    return run


def test_a_text_is_continued_and_an_empty_line_writes_on(talk):
    model = charlm.load("fox-1")
    first = model.sample(12, prompt="the fox", seed=1)
    second = model.sample(12, prompt=first, seed=2)
    assert talk("the fox", "") == f"{first}\n{second.removeprefix(first)}\n\n"
    assert talk("", options=["--prompt", "the fox"]) == talk("the fox", "")


def test_a_step_back_and_another_continuation(talk):
    first, second = (charlm.load("fox-1").sample(12, prompt="the fox", seed=seed) for seed in (1, 2))
    assert first != second
    back = "\n"  # to the empty text
    expected = [first, "\n", back, second, "\n", back, "this is where the text began\n", "\n"]
    assert talk("the fox", "/undo", "the fox", "/undo", "/undo") == "".join(expected)


def test_settings_change_and_wrong_ones_leave_all_as_it_was(talk):
    greedy = charlm.load("fox-1").sample(5, prompt="the", temperature=0)
    shown = talk("/t 0", "/len 5", "/t warm", "/t -1", "/len -2", "/foo", "the").splitlines()
    assert shown[:2] == ["temperature 0", "len 5"]
    assert shown[2].startswith("'warm' is no number") and "at least 0" in shown[3] and "at least 0" in shown[4]
    assert shown[5:7] == ["there is no /foo; /help lists what there is", greedy]


def test_the_likeliest_are_listed_and_taken_by_number(talk):
    candidates = charlm.load("fox-1").next("the qu", k=9)
    shown = talk("/len 0", "the qu", "/next", "/2", "/text", "/10").splitlines()
    assert [line.split("\t")[1] for line in shown[3:12]] == [f"{p:.6f}" for _, p in candidates]
    assert shown[12] == shown[13] == "the qu" + candidates[1][0]
    assert shown[14] == "/10: choose from 1 to 9"


def test_what_the_model_cannot_read_is_told_and_the_text_stays(talk):
    shown = talk("/len 0", "fox", "é", "", "/new", "/text", "dog", "/quit", "never read").splitlines()
    assert shown[1] == "fox" and "never seen 'é'" in shown[2] and shown[3] == ""
    assert shown[-1] == "dog"


def test_bytes_that_are_no_utf_8_are_told_too(inside, call):
    ended = call("sample", "--interactive", "--len", "3", stdin=b"fo\xffx\nfox\n")
    assert ended.code == 0 and "never seen" in ended.out.splitlines()[0] and "\nfox" in ended.out


@pytest.mark.parametrize(
    "option", [["--num", "2"], ["--json"], ["--temperature", "1,2"], ["--unique"], ["--no-stream"]]
)
def test_options_of_several_samples_are_refused(inside, call, option):
    refused = call("sample", "--interactive", *option)
    assert refused.code == 2 and "--interactive writes one text" in refused.complaint


def test_each_line_of_a_model_of_lines_begins_a_new_one(tmp_path, monkeypatch, call, tiny):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("emma\nava\nbo\n" * 60)
    assert call("train", "names.txt", "--lines", "--quiet", *tiny).code == 0
    shown = call("sample", "--interactive", "--len", "400", stdin=b"e\n\nav\n/text\n").out.splitlines()
    assert shown[0].startswith("e") and shown[2].startswith("av") and shown[3] == shown[2]


def test_on_a_terminal_lines_are_asked_for_and_ctrl_c_stops_the_writing_only(inside):
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (40, 80))
    command = [sys.executable, "-m", "charlm", "sample", "fox-1", "--interactive", "--len", "1000000000"]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=os.environ | {"TERM": "dumb"}
    )
    os.close(slave)

    def read_until(pattern):
        shown, limit = b"", time.monotonic() + 60
        while not re.search(pattern, shown, re.DOTALL):
            assert time.monotonic() < limit, shown
            shown += os.read(master, 65536)
        return shown

    read_until(rb"/help lists the commands\.\s+> ")
    os.write(master, b"the fox\n")
    read_until(rb"the fox\r\nthe fox.{30}")
    process.send_signal(2)
    read_until(rb"\r\n> ")
    os.write(master, b"/len 3\n")
    read_until(rb"len 3\r\n> ")
    os.write(master, b"\x04")
    assert process.wait(timeout=60) == 0
    os.close(master)
