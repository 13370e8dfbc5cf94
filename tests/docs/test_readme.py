"""The README: its size, its commands, its code and its figures."""

import shlex
import subprocess
from contextlib import chdir
from itertools import pairwise

import pytest

from tests.cli.conftest import call_main
from tests.docs.pages import blocks, commands
from tests.docs.section import README, ROOT

TEXT = README.read_text(encoding="utf-8")
MEASUREMENTS = ROOT / "tests" / "bench" / "README.md"
NOT_RUN = {
    "python3": "makes an environment or installs into one",
    "pipx": "installs",
    "uv": "installs",
    "make": "installs, and runs for minutes",
}
LENGTHS = {"--minutes", "--epochs", "--steps"}
SENTENCE = "It was the best of times, it was the worst of times, and nobody knew it.\n"


def words(command):
    """The words of a command line, with a few steps in place of a training's length; a resumed one is longer."""
    typed = shlex.split(command, comments=True)
    if typed[:2] != ["charlm", "train"]:
        return typed
    without = [word for before, word in pairwise([" ", *typed]) if not {before, word} & LENGTHS]
    return [*without, "--steps", "4" if "--resume" in typed else "2", "--workers", "1"]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder with the texts that the README names."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("novel.txt", "sequel.txt", "lyrics/one.txt", "lyrics/two.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(SENTENCE * 400, encoding="utf-8")
    names = [
        f"{first}{last}" for first in ("an", "be", "ca", "do", "el") for last in ("na", "lia", "ra", "mo", "sey")
    ]
    (folder / "names.txt").write_text("\n".join(names * 40), encoding="utf-8")
    return folder


def run(command, folder):
    """Run one command line of the page."""
    program, *arguments = words(command)
    with chdir(folder):
        if program == "charlm":
            outcome = call_main(*arguments)
            assert outcome.code == 0, outcome.err
        else:
            subprocess.run([program, *arguments], check=True)


def test_it_stays_short():
    assert len(TEXT.splitlines()) <= 220
    assert len(TEXT.encode()) <= 13_000


def test_every_command_runs(scratch):
    run_here = [command for command in commands(TEXT) if command.split()[0] not in NOT_RUN]
    assert len(run_here) > 15
    for command in run_here:
        run(command, scratch)


def test_the_python_code_runs(scratch, capsys):
    code = blocks(TEXT, "python")[0]
    with chdir(scratch):
        exec(code.replace("minutes=2", "steps=2, workers=1"))
    assert capsys.readouterr().out.startswith("It was")


def test_a_training_is_short():
    assert words("charlm train a --minutes 9 --lines # text") == words("charlm train a --lines --epochs 1")
    assert words("charlm train --resume a --minutes 9")[2:6] == ["--resume", "a", "--steps", "4"]
    assert words("charlm sample a --len 3  # text") == ["charlm", "sample", "a", "--len", "3"]


@pytest.mark.parametrize("cell", ["gru", "lstm"])  # the cells of the presets
def test_the_pytorch_code_gives_charlms_logits(scratch, tmp_path, monkeypatch, cell):
    code = compile(blocks(TEXT, "python")[1], "README.md", "exec")
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    run(
        f"charlm train novel.txt --cell {cell} --hidden 8 --out {shlex.quote(str(tmp_path / 'runs' / 'novel'))}",
        scratch,
    )
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)
    logits, model = names["logits"][-1, 0], names["model"]
    likely = dict(model.next("It was", k=999))
    expected = [likely[character] for character in model.vocabulary.symbols]
    assert torch.softmax(logits, 0).tolist() == pytest.approx(expected, abs=1e-6)


def test_its_results_are_those_of_the_measurements():
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| `charlm train")]
    measured = [line.strip("| ").split(" | ") for line in MEASUREMENTS.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 5
    for command, _, nats, bits in rows:
        assert [command, nats, bits] in [[row[0], *row[2:4]] for row in measured if len(row) > 3]
