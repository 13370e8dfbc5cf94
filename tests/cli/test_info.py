"""One run and all runs: what is shown, in what order, and what can be done with them."""

import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.base.files.lock import hold
from charlm.runs.run import Run
from charlm.training.repeat import repeat_settings

FIXTURES = Path(__file__).parent.parent / "runs" / "fixtures"


@pytest.fixture
def copied(inside, tmp_path, monkeypatch):
    """A folder with a copy of the trained run and its text, to be changed."""
    shutil.copytree(inside / "runs", tmp_path / "runs")
    shutil.copy(inside / "fox.txt", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_info_is_a_page(inside, on_terminal):
    for width in (80, 120):
        shown = on_terminal("info", "fox-1", folder=inside, environment={"COLUMNS": str(width)}).decode()
        lines = shown.replace("\r\n", "\n").splitlines()
        assert len(lines) <= 20 and max(map(len, lines)) <= width
        assert re.fullmatch(r"fox-1   finished, \d+ \w+ \d{4} \d\d:\d\d, [\d.]+ s +runs/fox-1", lines[0])
        facts = " ".join(" ".join(lines).split())
        for fact in (
            "Data fox.txt: train 2,430 · val 270 · no test split",
            r"Characters 29: \n space . a-z",
            "Model LSTM, 1 layer x 16, one-hot input: 3,437 parameters",
            "Training 20 steps: adam, lr 0.016 cosine, dropout 0.1, 8 sequences x 16 characters, seed 1",
            " bits/char) at step 20 of 20; ",
            "All settings: charlm info fox-1 --all. Curve: charlm plot fox-1",
        ):
            assert fact in facts
        assert lines[-3].endswith("best")


def test_all_has_settings_parameters_and_the_whole_log(inside, call, on_terminal):
    shown = on_terminal("info", "fox-1", "--all", folder=inside).decode()
    assert "layers.0.W_hh" in shown and "16 x 64" in shown and re.search("model +hidden +16", shown)
    in_pipe = call("info", "fox-1", "--all").out
    assert "model.hidden\t16\n" in in_pipe and "layers.0.W_hh\t16 x 64\n" in in_pipe
    assert {line.count("\t") for line in in_pipe.splitlines()} == {1}


def test_a_pipe_gets_names_and_values_and_csv_the_log(inside, call):
    shown = call("info")
    assert shown.newest == "fox-1" and shown.out.startswith("name\tvalue\nRun\truns/fox-1\n")
    assert not set("▁▂▃▄▅▆▇█") & set(shown.out)
    assert {line.count("\t") for line in shown.out.splitlines()} == {1}
    heads, *rows = call("info", "--csv").out.splitlines()
    assert heads == "step,epoch,seconds,train loss,val loss,best"
    assert [row.split(",")[0] for row in (rows[0], rows[-1])] == ["0", "20"] and rows[-1].endswith(",best")


def test_json_has_everything(inside, call):
    (record,) = call("info", "fox-1", "--json").records
    assert record["training"]["model"]["hidden"] == 16
    assert [each["step"] for each in (record["metrics"][0], record["metrics"][-1])] == [0, 20]
    assert record["symbols"] == 29 and record["parameters"]["readout.b_y"] == [29]
    assert record["state"] == "finished" and record["note"] == ""
    refused = call("info", "fox-1", "--json", "--as-toml")
    assert refused.code == 2 and "exclude each other" in refused.complaint


REPEATED = [
    ["--cell", "gru", "--reset-after", "--hidden", "6", "--steps", "2", "--split", "80/10/10", "--lr", "0.5"],
    ["--minutes", "1e-4", "--hidden", "8", "--workers", "1"],
    ["--minutes", "1e-4", "--cell", "rnn", "--hidden", "4", "--workers", "1", "--seed", "7"],
    [
        "--epochs",
        "0.01",
        "--hidden",
        "5",
        "--lines",
        "--encoding",
        "embedding",
        "--embedding-size",
        "5",
        "--tied",
    ],
]


@pytest.mark.parametrize("flags", REPEATED, ids=" ".join)
def test_the_command_and_the_file_of_a_run_repeat_it(elsewhere, call, flags):
    (elsewhere / "a text.txt").write_text("the quick brown fox.\n" * 400)
    assert call("train", "a text.txt", "--quiet", "--out", "runs/one", *flags).code == 0
    command = call("info", "one", "--as-command").out
    program, *arguments = shlex.split(command)
    assert program == "charlm" and command.count("\n") == 1 and arguments[1] == "a text.txt"
    assert call(*arguments, "--quiet", "--out", "runs/two").code == 0
    Path("run.toml").write_text(call("info", "one", "--as-toml").out)
    assert call("train", "--config", "run.toml", "--quiet", "--out", "runs/three").code == 0
    one, two, three = (Run.open(Path("runs", name)) for name in ("one", "two", "three"))
    # The measured speed only chooses the dropout, which the command names.
    measured = {"engine": dataclasses.replace(one.config.engine, gflops=None)}
    assert two.config == three.config == dataclasses.replace(one.config, **measured)
    assert one.corpus == two.corpus == three.corpus


def test_the_command_of_a_fine_tuned_run_names_the_weights_that_it_started_from(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", "--out", "runs/base", *tiny, "--lines", "--ngram", "2").code == 0
    fine_tune = ["train", "fox.txt", "--quiet", "--steps", "3", "--seed", "5", "--workers", "1"]
    assert call(*fine_tune, "--init-from", "base", "--weights", "last", "--out", "runs/one").code == 0
    shown = call("info", "one", "--as-command")
    named = "charlm train fox.txt --init-from runs/base --weights last --steps 3 --workers 1 --seed 5\n"
    assert (shown.out, shown.err) == (named, "")
    Path("run.toml").write_text(call("info", "one", "--as-toml").out)
    for name, line in (("two", shlex.split(named)[1:]), ("three", ["train", "--config", "run.toml"])):
        assert call(*line, "--quiet", "--out", f"runs/{name}").code == 0
        one, other = (Run.open(Path("runs", each)) for each in ("one", name))
        assert other.origin == one.origin and other.summarize().best == one.summarize().best | {
            "seconds": other.summarize().best["seconds"]
        }
    assert "Started\tfrom the last weights of base\n" in call("info", "one").out
    assert call("train", "--resume", "base", "--quiet", "--steps", "30").code == 0
    shown = call("info", "one", "--as-command")
    assert shown.out == named and "runs/base has other weights now than those" in shown.err
    shutil.rmtree("runs/base")
    shown = call("info", "one", "--as-command")
    assert "--init-from runs/base --weights last --steps 3 --hidden 16" in shown.out and "is gone" in shown.err


def test_a_run_of_an_earlier_format_may_have_started_from_another(call):
    shown = call("info", str(FIXTURES / "format-7/gru"), "--as-command")
    assert "--init-from" not in shown.out and "did not store whether it started from another run" in shown.err


def test_workers_and_their_split_are_said_where_they_would_be_others(elsewhere, call, monkeypatch):
    run = FIXTURES / "format-14" / "rnn"
    assert "--split-by" not in call("info", str(run), "--as-command").out
    for name in ("ROWS_FROM_UNITS", "ROWS_FROM_UNITS_IN_BLOCKS", "ROWS_FROM_WORKERS"):
        monkeypatch.setattr(f"charlm.engines.split.{name}", 1)
    assert " --split-by columns" in call("info", str(run), "--as-command").out


def test_what_follows_by_itself_is_left_out_of_the_command(elsewhere, call):
    assert call("train", "fox.txt", "--quiet", "--steps", "2", "--cell", "gru", "--out", "runs/one").code == 0
    assert repeat_settings(Run.open(Path("runs/one"))) == {"steps": 2, "cell": "gru"}


def test_runs_are_listed_the_newest_last(elsewhere, call, tiny):
    for name, steps in (("b", "20"), ("a", "40")):
        assert call("train", "fox.txt", "--quiet", "--out", f"runs/{name}", *tiny, "--steps", steps).code == 0
    records = call("runs", "--json").records
    assert [record["run"] for record in records] == ["b", "a"]
    assert records[0]["steps"] == 20 and records[0]["best_val"] > 0 and records[0]["state"] == "finished"
    for line in (["runs"], ["runs", "list"], ["list"], ["ls"], ["runs", "ls"]):
        shown = call(*line).out
        assert shown.index("\nb\t") < shown.index("\na\t")
    for order, names in (("name", "ab"), ("loss", "ab"), ("steps", "ba"), ("date", "ba")):
        rows = call("runs", "--sort", order).out.splitlines()[1:]
        assert [row[0] for row in rows] == list(names)


def test_an_interrupted_run_is_marked(copied, call, on_terminal):
    config = Path("runs/fox-1/config.json")
    config.write_text(config.read_text().replace('"steps": 20', '"steps": 30'))
    (record,) = call("runs", "--json").records
    assert record["state"] == "interrupted"
    shown = on_terminal("runs", folder=copied).decode()
    assert " int.\r\n" in shown and "charlm train --resume NAME" in shown
    with hold(Path("runs/fox-1/.lock")):
        assert call("runs", "--json").records[0]["state"] == "training"
        assert "training now" in call("info", "fox-1").out


def test_no_runs_is_no_failure(elsewhere, call):
    for line in (["runs"], ["runs", "--json"]):
        ended = call(*line)
        assert ended.code == 0 and ended.complaint.startswith("there is no run under runs/")


def test_a_damaged_run_is_told_and_does_not_hide_the_others(copied, call):
    shutil.copytree("runs/fox-1", "runs/bad")
    Path("runs/bad/config.json").write_text("{")
    ended = call("runs", "--json")
    assert ended.code == 1 and [json.loads(line)["run"] for line in ended.out.splitlines()] == ["fox-1"]
    assert ended.err.startswith("charlm: runs/bad/config.json is damaged") and ended.err.count("\n") == 1


def test_a_run_is_renamed_noted_and_deleted(copied, call):
    assert call("runs", "rename", "fox-1", "fox", "--yes").err == "runs/fox-1 is now runs/fox\n"
    assert call("runs", "note", "fox", "the first\n\x1b[31m").err == "runs/fox: note saved\n"
    assert call("runs", "note", "fox").out == "the first\n\x1b[31m\n"
    assert call("runs", "--json").records[0]["note"] == "the first\n\x1b[31m"
    assert "Note\tthe first\\n\\x1b[31m\n" in call("info", "fox").out
    assert call("runs", "note", "fox", "", "--yes").code == 0 and not Path("runs/fox/note.json").exists()
    Path("runs/fox/mine.txt").write_text("x")
    Path("runs/fox/tensorboard").mkdir()
    Path("runs/fox/tensorboard/events.out.tfevents.1.host").touch()
    deleted = call("runs", "rm", "fox", "--yes")
    assert deleted.err == "deleted runs/fox\nleft alone, as charlm did not write it: runs/fox/mine.txt\n"
    assert [path.name for path in Path("runs/fox").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "line", [["rename", "fox-1", "b"], ["delete", "fox-1"], ["note", "fox-1", "two"]], ids=" ".join
)
def test_it_asks_first_and_a_run_in_use_is_refused(copied, call, line):
    assert call("runs", "note", "fox-1", "one").code == 0
    before = sorted(path.name for path in Path("runs/fox-1").iterdir())
    asked = call("runs", *line)
    assert asked.code == 2 and asked.complaint.endswith("give --yes")
    with hold(Path("runs/fox-1/.lock")):
        refused = call("runs", *line, "--yes")
    assert refused.code == 1 and refused.complaint.startswith("runs/fox-1 is being trained: it is in use")
    assert sorted(path.name for path in Path("runs/fox-1").iterdir()) == before
    assert call("runs", "note", "fox-1").out == "one\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"y\n", 0)])
def test_the_answer_counts(copied, answer, code):
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "charlm", "runs", "delete", "fox-1"], stdin=slave, stderr=slave, stdout=slave
    )
    os.write(master, answer)
    assert process.wait(timeout=60) == code
    os.close(master)
    os.close(slave)
    assert Path("runs/fox-1").exists() == (code == 1)


def test_a_name_that_is_taken_or_none_is_refused(copied, call):
    shutil.copytree("runs/fox-1", "runs/b")
    for name, reason in (("b", "runs/b is there already"), ("x/y", "is no name of a run"), ("", "is no name")):
        refused = call("runs", "rename", "fox-1", name, "--yes")
        assert refused.code and reason in refused.complaint
    assert Path("runs/fox-1/config.json").exists()
    weights = call("runs", "delete", "runs/fox-1/last.safetensors", "--yes")
    assert weights.code == 2 and "names weights of a run" in weights.complaint


def test_a_run_that_holds_nothing_is_no_newest(copied, call):
    shutil.copytree("runs/fox-1", "runs/new")
    for name in ("model.safetensors", "last.safetensors"):
        Path("runs/new", name).unlink()
    Path("runs/new/config.json").touch()
    assert call("sample", "--len", "1").newest == "fox-1"
    assert [record["state"] for record in call("runs", "--json").records] == ["finished", "untrained"]
