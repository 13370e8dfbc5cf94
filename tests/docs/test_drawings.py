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
TEXT = "the quick brown fox jumps over the lazy dog.\n" * 400
SMALL = ["--quiet", "--steps", "2", "--hidden", "4", "--workers", "1"]
SHORT = ["--quiet", "--minutes", "0.003", "--gflops", "1e9"]  # with dropout, as in a long training
MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"


@pytest.fixture(scope="module")
def with_runs(tmp_path_factory):
    """A folder with a text and the runs that the drawings name."""
    folder = tmp_path_factory.mktemp("drawings")
    (folder / "play.txt").write_text(TEXT)
    with chdir(folder):
        assert call_main("train", "play.txt", *SHORT).code == 0
        for cell in ("rnn", "gru", "lstm"):
            assert call_main("train", "play.txt", *SMALL, "--cell", cell, "--out", f"runs/cmp-{cell}").code == 0
    return folder


def shape(text):
    """The words of a drawing, without numbers, dates, curves, characters, marks of the best and space."""
    text = re.sub(rf"\b({MONTHS})\b|[▁-█]|(?<=Characters).*", "", text)
    text = re.sub(r"(?<![\w-])-?\d[\d,.]*k?( min \d+)?( s\b)?|\*", "0", text)
    return " ".join(re.sub(r"(?<!\S)[0 :-]+(?!\S)", " ", text).split())


@pytest.mark.parametrize(
    ("page", "block"), DRAWINGS, ids=lambda each: str(each).partition("\n")[0].removeprefix(f"{ROOT}/")
)
def test_a_drawing_is_what_the_program_prints(with_runs, on_terminal, tmp_path, page, block):
    command, _, drawn = block.partition("\n")
    folder = with_runs
    if "charlm train" in command:  # a short one of its own
        command, folder = re.sub(r"--minutes \S+", "--preset tiny --steps 3", command), tmp_path
        (tmp_path / "play.txt").write_text(TEXT)
    environment = {"COLUMNS": "80", "NO_COLOR": "1"}
    printed = on_terminal(*shlex.split(command)[2:], folder=folder, environment=environment).decode()
    lines = [line for line in re.split(r"\r\n|\r", printed) if not re.match(r"\s*\d+% |.*%\|", line)]
    found, expected = shape("\n".join(lines)), shape(drawn)
    assert expected and found.startswith(expected)


def test_there_are_drawings_and_they_fit():
    drawn = {block.split()[2] for _, block in DRAWINGS}
    assert drawn >= {"train", "info", "runs", "compare", "eval"}
    assert all(len(line) <= 80 for _, block in DRAWINGS for line in block.splitlines())
