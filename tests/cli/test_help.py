"""Help: its length and layout at 80 columns, the groups of commands, aliases and short flags."""

import json
import re
import subprocess
import sys
import textwrap

import pytest

from charlm.base.registry import module_names
from charlm.cli.groups import HEADINGS
from charlm.cli.help_text import write_list
from charlm.cli.options import with_settings
from tests.cli.test_flags import options_of
from tests.docs.help_section import commands

MOST_LINES = 45
SHOW_ALL = """
import json, sys
from contextlib import suppress
from charlm.cli.app import app

SLOW = {
    "rich", "tqdm", "charlm.data.reading.sources", "charlm.engines.base", "charlm.inference.scoring",
    "charlm.models.base", "charlm.runs.run", "charlm.tasks.whole_texts",
}
for line in json.loads(sys.argv[1]):
    with suppress(SystemExit):
        app(line, prog_name="charlm")
    assert not SLOW & sys.modules.keys(), (line, SLOW & sys.modules.keys())
"""


@pytest.fixture
def shown(call, monkeypatch):
    """A function that gives a command's help at a width."""

    def run(*line, columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        ended = call(*line)
        assert ended.code == 0 and ended.err == ""
        return ended.out.rstrip("\n").splitlines()

    return run


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(["charlm", *command]))
@pytest.mark.parametrize("columns", [80, 120])
def test_help_is_short_and_fits(shown, command, columns):
    lines = shown(*command, "--help", columns=columns)
    assert len(lines) <= MOST_LINES and max(map(len, lines)) <= columns
    assert lines[0].startswith(" ".join(["Usage: charlm", *command]))
    assert not re.search(r"[^\x00-\x7f]", "\n".join(lines))


def test_no_help_imports_what_only_its_command_needs():
    """In one process, which keeps what any of them imports."""
    lines = [[*command, "--help"] for command in commands()] + [["train", "--help-all"]]
    done = subprocess.run([sys.executable, "-c", SHOW_ALL, json.dumps(lines)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage: ") == len(lines)


def test_brief_help_of_training_shows_14_options_and_four_examples(shown):
    text = "\n".join(shown("train", "--help"))
    options = re.findall(r"^  (?:-\w, )?--([\w-]+)", text, re.MULTILINE)
    assert len(options) == 16 and options[-2:] == ["help-all", "help"]
    assert text.count("\n  charlm train ") == 4


def test_all_options_are_shown_by_group_and_negative_forms_are_not(shown):
    text = "\n".join(shown("train", "--help-all"))
    for option in {each for each in options_of("train").values() if each.param_type_name == "option"}:
        name = next(each for each in option.opts if each.startswith("--"))
        assert re.search(rf"^  (-\w, )?{name}(,| |$)", text, re.MULTILINE), name
        # What is off has no shown form that turns it off.
        negative = [each for each in option.secondary_opts if re.search(rf"{each}\b", text)]
        assert bool(negative) == bool(option.secondary_opts and option.default is True)
    assert "Optimization:\n  --optimizer " in text


def test_what_a_preset_decides_shows_no_other_default(shown):
    brief, full = (" ".join(" ".join(shown("train", name)).split()) for name in ("--help", "--help-all"))
    assert (
        "Hidden units per layer. (preset) --" in brief and "Hidden units per layer. (preset, or 256) --" in full
    )
    assert "Recurrent layers. (default: 1)" in brief and "Peak learning rate. (preset) --" in full


def test_words_are_never_broken(monkeypatch):
    words = "a meaning of several words, one-two three (default: 12)"
    for width in range(40, 60):
        monkeypatch.setenv("COLUMNS", str(width))
        drawn = write_list("Options", [("--name TEXT", words), ("--a-name-with-many-letters TEXT", words)])
        assert drawn.split() == f"Options: --name TEXT {words} --a-name-with-many-letters TEXT {words}".split(), (
            width
        )


def test_a_long_name_has_its_own_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    rows = [("--name", "Some words that wrap."), ("--a-name-with-many-letters", "Others.")]
    wanted = """\
      --name  Some words that wrap.
      --a-name-with-many-letters
              Others."""
    assert write_list("", rows) == textwrap.indent(textwrap.dedent(wanted), "  ")


def test_every_command_has_a_place_under_a_heading(shown):
    lines = shown("--help")
    listed = [line for line in lines if re.match(r"  (\w+ +| {9})[a-z]+  ", line)]
    # Each has one line, so that all are seen at a glance.
    assert len(listed) == len(module_names("charlm.cli.commands"))
    assert lines.index("Options:") == lines.index("Commands:") + len(listed) + 2
    headings = [line.split()[0] for line in listed if line[2] != " "]
    assert headings == [heading for heading in HEADINGS if heading in headings] and headings[0] == "Start"
    assert listed[0].split()[:2] == ["Start", "train"] and listed[1].split()[0] == "sample"


SAME = [
    (["help"], ["--help"]),
    (["help", "train"], ["train", "--help"]),
    (["help", "eval", "perplexity"], ["eval", "perplexity", "--help"]),
    (["eval", "help", "perplexity"], ["eval", "perplexity", "--help"]),
    (["generate", "--help"], ["sample", "--help"]),
    (["list", "--help"], ["runs", "--help"]),
    (["-V"], ["--version"]),
]


@pytest.mark.parametrize(("line", "other"), SAME)
def test_another_name_is_accepted_and_not_shown(shown, line, other):
    assert shown(*line) == shown(*other)
    assert not {"generate", "list"} & {line.split()[0] for line in shown("--help") if line.strip()}


def test_other_names_of_options_are_accepted_and_not_shown(inside, call, shown, tmp_path):
    out = str(tmp_path / "run")
    line = [
        "--learning-rate",
        "0.5",
        "--hidden-size",
        "8",
        "--num-layers",
        "2",
        "--max-steps",
        "1",
        "--batch",
        "2",
    ]
    assert call("train", "fox.txt", *line, "--seq-length", "9", "--grad-clip", "2", "-q", "-o", out).err == ""
    stored = call("info", out, "--json").records[0]["training"]
    assert stored["model"]["hidden"] == 8 and stored["model"]["layers"] == 2
    assert stored["optimisation"]["lr"] == 0.5 and stored["optimisation"]["clip"] == 2.0
    assert stored["batching"]["batch_size"] == 2 and stored["batching"]["seq_len"] == 9
    text = "\n".join(shown("train", "--help-all"))
    assert not [name for name in line[::2] if re.search(rf"{name}\b(?!-)", text.replace("--batch-size", ""))]


def test_short_flags_of_sample(inside, call):
    long = call("sample", "--len", "9", "--temperature", "0.5", "--prompt", "the ")
    assert call("sample", "-n9", "-t", "0.5", "-p", "the ").out == long.out


def test_negative_forms_are_accepted(inside, call):
    assert call("sample", "-n", "3", "--no-stream").code == 0
    refused = call("train", "fox.txt", "--no-lines", "--delimiter", "")
    assert refused.complaint.startswith("--delimiter is ''")


def test_a_command_without_basic_options_has_no_second_help(call):
    assert call("runs", "--help-all").code == 2
    assert with_settings({})(lambda settings: None).basic == ()
