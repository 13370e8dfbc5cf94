"""A process of charlm's own: what it imports, what it prints, and how its end is told."""

import os
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from charlm.base.errors import WorkerError
from charlm.engines.numpy.process import Process, module_folders

TALKATIVE = """
import json, os, sys

def serve(orders, answers):
    for line in orders:
        print("from Python", flush=True)
        os.write(1, b"from a library\\n")
        answers.write(line)
        answers.flush()
    print("at last")
"""
DYING = """
import os, sys

def serve(orders, answers):
    sys.stderr.write("no room for the table\\n\\n")
    os._exit(3)
"""
SHADOWS = ("random", "numpy", "threadpoolctl", "json", "signal", "subprocess", "sitecustomize")
TRAIN = ["train", "text.txt", "--steps", "3", "--hidden", "4", "--workers", "2", "--out", "run", "--quiet"]


@pytest.fixture
def process_of(tmp_path, monkeypatch):
    """A function that starts a process which runs this text as its module."""
    monkeypatch.syspath_prepend(str(tmp_path))

    @contextmanager
    def start(text):
        (tmp_path / "served.py").write_text(text)
        process = Process("served")
        try:
            yield process
        finally:
            process.dismiss()
            process.wait()

    return start


def test_what_it_prints_goes_to_standard_error_and_harms_nothing(process_of, tmp_path, monkeypatch, capsys):
    (tmp_path / "sitecustomize.py").write_text("import os; os.write(1, b'before it begins')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with process_of(TALKATIVE) as process:
        for number in range(2):
            process.send({"number": number})
            assert process.answer() == {"number": number}
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sorted(captured.err.splitlines()) == [
        "at last", "before it begins", *["from Python"] * 2, *["from a library"] * 2,
    ]  # fmt: skip


def test_one_that_dies_early_is_told_with_its_last_line(process_of):
    said = r"^worker process \d+ ended with status 3, saying 'no room for the table'$"
    with process_of(DYING) as process, pytest.raises(WorkerError, match=said):
        process.answer()


def test_a_failure_is_told_and_prints_no_traceback(process_of, capsys):
    with process_of("raise LookupError('which?')") as process, pytest.raises(WorkerError) as raised:
        process.answer()
    assert str(raised.value) == "a worker process failed (LookupError: which?)"
    assert capsys.readouterr().err == ""


def test_one_that_is_dismissed_before_it_answers_is_quiet(process_of, capsys):
    for text in (TALKATIVE, "raise LookupError"):
        with process_of(text):
            pass
    assert capsys.readouterr().err.replace("at last\n", "") == ""


@pytest.mark.parametrize(
    ("name", "folders", "kept"),
    [
        (None, ["", "a"], ["a"]),
        (None, ["here", "a"], ["here", "a"]),
        ("somebodys", ["here", "a", "here"], ["a", "here"]),
        ("charlm.__main__", ["a", "here"], ["a", "here"]),
    ],
    ids=["at the prompt", "a script beside its data", "-m", "charlm"],
)
def test_the_working_folder_is_handed_on_only_where_somebody_asked_for_it(
    tmp_path, monkeypatch, name, folders, kept
):
    monkeypatch.chdir(tmp_path)
    spec = None if name is None else SimpleNamespace(name=name)
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__spec__=spec))
    here = {"here": str(tmp_path)}
    monkeypatch.setattr(sys, "path", [here.get(folder, folder) for folder in folders])
    assert module_folders() == [here.get(folder, folder) for folder in kept]


@pytest.mark.parametrize("by_script", [False, True], ids=["-m", "script"])
def test_no_file_of_the_working_folder_is_run(tmp_path, by_script):
    work, scripts = tmp_path / "work", tmp_path / "scripts"
    work.mkdir()
    scripts.mkdir()
    (scripts / "program.py").write_text("from charlm.__main__ import main\nmain()")
    (work / "text.txt").write_text("the quick brown fox\n" * 50)
    for name in (*SHADOWS, *(["charlm"] if by_script else [])):  # what -m names is looked for here first
        (work / f"{name}.py").write_text(f"open('{name}-was-run', 'w').close(); raise SystemExit('it was run')")
    program = [scripts / "program.py"] if by_script else ["-m", "charlm"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *program, *TRAIN], cwd=work, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(work.glob("*-was-run"))
