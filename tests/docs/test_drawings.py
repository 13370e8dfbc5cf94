"""Drawings of output in the pages: what the program prints today, but for names and numbers."""

import re
import shlex
from contextlib import chdir

import pytest

from tests.cli.conftest import call_main
from tests.docs.pages import blocks, files
from tests.docs.section import ROOT

DRAWINGS = [
    (page, block)
    for page in files(".md")
    for block in blocks(page.read_text(encoding="utf-8"), "text")
    if block.startswith("$ charlm ")
]
SMALL = ["--quiet", "--steps", "2", "--hidden", "4", "--workers", "1"]


@pytest.fixture(scope="module")
def with_runs(tmp_path_factory):
    """A folder with a text and the runs that the drawings name."""
    folder = tmp_path_factory.mktemp("drawings")
    (folder / "play.txt").write_text("the quick brown fox jumps over the lazy dog.\n" * 80)
    with chdir(folder):
        for name, cell in (("play-1", "gru"), ("cmp-rnn", "rnn"), ("cmp-gru", "gru"), ("cmp-lstm", "lstm")):
            assert call_main("train", "play.txt", *SMALL, "--cell", cell, "--out", f"runs/{name}").code == 0
    return folder


def shape(text):
    """The words of a drawing, without numbers, marks of the best, and the space between columns."""
    lines = re.sub(r"(?<![\w-])-?\d[\d,.]*( min \d+)?( s\b)?|\*", "0", text).splitlines()
    words = [re.sub(r"(0 )*0|- ", "0", " ".join(line.split())) for line in lines]
    return [re.sub(r"[0 -]+", " ", line).strip() for line in words if line.strip()]


@pytest.mark.parametrize(
    ("page", "block"), DRAWINGS, ids=lambda each: str(each).partition("\n")[0].removeprefix(f"{ROOT}/")
)
def test_a_drawing_is_what_the_program_prints(with_runs, on_terminal, page, block):
    command, _, drawn = block.partition("\n")
    environment = {"COLUMNS": "80", "NO_COLOR": "1"}
    printed = on_terminal(*shlex.split(command)[2:], folder=with_runs, environment=environment).decode()
    lines = [line for line in re.split(r"\r\n|\r", printed) if "%|" not in line]
    found, expected = shape("\n".join(lines)), shape(drawn)
    assert expected and found[: len(expected)] == expected


def test_there_are_drawings_and_they_fit():
    assert len(DRAWINGS) >= 2
    assert all(len(line) <= 80 for _, block in DRAWINGS for line in block.splitlines())
