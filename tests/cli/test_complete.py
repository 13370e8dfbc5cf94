"""What a shell completes, by the protocol of its completion script."""

import shutil
import subprocess
import sys

import pytest

from charlm.data.catalog.catalog import read_catalog
from charlm.nn.cells import CELLS
from tests.cli.test_flags import options_of
from tests.docs.help_section import commands

BUILT_IN = {"python-docs", "python-source"}
WANTED = [
    ("charlm tr", {"train", "translate"}),
    ("charlm ge", set()),  # an alias
    ("charlm train --drop", {"--dropout"}),
    ("charlm train --learn", {"--learned-state"}),  # not --learning-rate, an alias
    ("charlm train --no-li", {"--no-lines"}),
    ("charlm train --cell ", set(CELLS.names())),
    ("charlm train --partition r", {"random"}),
    ("charlm eval perp", {"perplexity"}),
    ("charlm sample ", {"fox-1"}),
    ("charlm info f", {"fox-1"}),
    ("charlm compare fox-1 f", {"fox-1"}),
    ("charlm train --resume ", {"fox-1"}),
    ("charlm train --resume=f", {"fox-1"}),
    ("charlm train --init-from f", {"fox-1"}),
    ("charlm score --run ", {"fox-1"}),
    ("charlm sample x", set()),  # the shell completes files
    ("charlm train python", BUILT_IN),
    ("charlm train ", {*BUILT_IN, *read_catalog(), "fox.txt", "runs"}),
    ("charlm train fo", set()),  # the shell completes files
    ("charlm corpus info python-d", {"python-docs"}),
    ("charlm corpus get en", {"enwik8"}),
    ("charlm eval perplexity fox", {"fox-1", "fox.txt"}),
    ("charlm eval perplexity ", {"fox-1", *BUILT_IN, *read_catalog(), "fox.txt", "runs"}),
    ("charlm train --val-file ", set()),  # the shell completes files
]


@pytest.fixture
def completed(monkeypatch, call):
    """A function that gives what bash completes at the end of a line."""

    def run(line):
        words = line.split(" ")
        environment = {
            "_CHARLM_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1),
        }  # fmt: skip
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        ended = call()
        assert ended.code == 0 and ended.err == ""
        return set(ended.out.split("\n")) - {""}

    return run


@pytest.mark.parametrize(("line", "offered"), WANTED)
def test_a_shell_completes(inside, completed, line, offered):
    assert completed(line) == offered


def test_a_name_that_needs_quotes_and_a_hidden_one_are_left_to_the_shell(elsewhere, completed):
    for name in ("python novel.txt", ".hidden", "python-text.txt"):
        (elsewhere / name).touch()
    assert completed("charlm train python") == {*BUILT_IN, "python-text.txt"}
    assert ".hidden" not in completed("charlm train ")


def test_where_runs_cannot_be_read_nothing_is_said(elsewhere, completed):
    (elsewhere / "runs").symlink_to("runs")
    assert completed("charlm sample f") == set()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_by_the_script_that_is_shown(inside, monkeypatch, call):
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "bash")
    script = call("--show-completion").out
    assert "complete -o default -F _charlm_completion charlm" in script
    program = f'charlm() {{ {sys.executable} -m charlm "$@"; }}\n{script}\n'.replace("$1 ) )", "charlm ) )")
    program = program.replace("env COMP_WORDS", "COMP_WORDS")  # env knows no functions
    program += "COMP_WORDS=(charlm sample f); COMP_CWORD=2; _charlm_completion; echo ${COMPREPLY[@]}"
    done = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "fox-1\n"


def test_every_run_and_text_is_completed(inside):
    for line in map(" ".join, commands()):
        for parameter in options_of(line).values():
            if str(parameter.metavar).strip("[]") in ("RUN", "CORPUS", "TARGET"):
                offered = [item.value for item in parameter.shell_complete(None, "")]
                assert "fox-1" in offered or "python-docs" in offered, (line, parameter.name)
