import io
import json
import re
import signal
import sys
from contextlib import ExitStack
from subprocess import PIPE, Popen, TimeoutExpired

import pytest

from charlm.runs.run import Run

RESULT = {
    *("run", "steps", "seconds", "chars_per_second", "validation_share", "saving_share", "parameters"),
    *("train_nats_per_char", "val_nats_per_char", "best_val_nats_per_char"),
    *("stopped", "stopped_early"),
}
ENDLESS = ["--steps", "1000000", "--hidden", "16", "--seq-len", "16", "--batch-size", "8", "--sample-every", "0"]


def test_json_is_all_there_is_on_standard_output_and_ends_with_the_result(elsewhere, call, tiny):
    ended = call("train", "fox.txt", "--json", *tiny)
    assert ended.code == 0
    *course, result = ended.records
    assert set(result) >= RESULT
    assert result["run"] == "runs/fox-1" and result["steps"] == 20
    assert course[0]["step"] == 0 and course[-1]["step"] == 20
    assert result["best_val_nats_per_char"] == min(record["val_nats_per_char"] for record in course)
    assert "Saved to runs/fox-1. Next:\n  charlm sample fox-1 --temperature 0.7\n" in ended.err


def test_without_a_terminal_progress_is_plain_lines_on_standard_error(elsewhere, call, tiny):
    ended = call("train", "fox.txt", "--eval-every", "10", "--sample-every", "10", *tiny)
    assert ended.out == ""
    assert "\r" not in ended.err and "%|" not in ended.err
    lines = ended.err.splitlines()
    assert lines[:3] == [
        "Read fox.txt: 2,700 characters, 29 different",
        "  train 2,430 · val 270 (last 10%)",
        "LSTM, 1 layer x 16, 3,437 parameters   (--verbose: all)",
    ]
    heading = lines.index("   step   epoch        time  train loss  val loss  val bits/char")
    assert [line.split()[0] for line in lines[heading:] if line[:7].strip().isdecimal()] == ["0", "10", "20"]
    assert "sample at step 10:\n  | " in ended.err


def test_quiet_says_the_run_s_folder_alone(elsewhere, call, tiny):
    ended = call("train", "fox.txt", "--quiet", *tiny)
    assert (ended.code, ended.out, ended.err) == (0, "runs/fox-1\n", "")


def test_verbose_says_all_settings(elsewhere, call, tiny):
    (line,) = (
        line
        for line in call("train", "fox.txt", "--verbose", *tiny).err.splitlines()
        if line.startswith("  all settings: ")
    )
    assert " --hidden 16 " in line and " --workers 1 " in line and " --seed 1" in line and "None" not in line


def test_standard_input_is_a_corpus(elsewhere, call, tiny):
    ended = call("train", "-", "--json", *tiny, stdin=(elsewhere / "fox.txt").read_bytes())
    assert ended.records[-1]["run"] == "runs/stdin-1"


def test_with_no_corpus_the_built_in_default_is_used(elsewhere, call):
    ended = call("train", "--steps", "1", "--hidden", "2", "--json", "--quiet")
    assert ended.records[-1]["run"] == "runs/python-docs-1"


def test_settings_reach_the_run(elsewhere, call):
    given = {"cell": "gru", "layers": 2, "hidden": 5, "encoding": "embedding", "reset_after": True}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not True]
    assert call("train", "fox.txt", "--steps", "1", "--reset-after", "--clip-value", "0.5", *flags).code == 0
    config = Run.open(elsewhere / "runs" / "fox-1").config
    assert given.items() <= config.model.to_json().items() and config.optimisation.clip_value == 0.5


def test_the_preset_that_fits_the_length_is_told_and_stored(elsewhere, call):
    (elsewhere / "long.txt").write_text("the quick brown fox.\n" * 300)
    ended = call("train", "long.txt", "--minutes", "1e-4")
    assert ended.code == 0 and "\nPreset tiny (~1 min): GRU, 1 layer x 128, " in ended.err
    config = Run.open(elsewhere / "runs" / "long-1").config
    assert config.budget.preset == "tiny" and config.optimisation.average > 0
    beside = call("train", "long.txt", "--minutes", "1e-4", "--hidden", "8").err
    assert "Preset tiny (~1 min): GRU, 1 layer x 8, " in beside
    assert "\n  changed from the preset: --hidden 8 instead of 128\n" in beside
    assert "changed" not in ended.err


def test_a_learning_rate_that_follows_the_cell_is_told(elsewhere, call):
    (elsewhere / "long.txt").write_text("the quick brown fox.\n" * 300)
    shown = call("train", "long.txt", "--minutes", "1e-4", "--cell", "rnn", "--hidden", "8").err
    rate = "--lr 0.016 (the default of rnn with adam) instead of 0.02"
    assert f"--cell rnn instead of gru, --hidden 8 instead of 128, {rate}\n" in shown


def test_a_text_that_is_small_for_its_network_is_told(elsewhere, call, tiny):
    large = call("train", "fox.txt", *tiny, "--hidden", "128").err
    assert "A small text: 84,637 weights for 2,430 characters, which will be learned by heart" in large
    assert "small text" not in call("train", "fox.txt", *tiny).err


def test_fine_tuning_picks_no_preset(elsewhere, call, tiny):
    assert call("train", "fox.txt", *tiny, "--quiet").code == 0
    tuned = call("train", "fox.txt", "--init-from", "fox-1", "--minutes", "1e-4", "--batch-size", "8")
    assert tuned.code == 0 and "preset" not in tuned.err
    assert Run.open(elsewhere / "runs" / "fox-2").config.budget.preset is None


def test_validation_that_says_nothing_is_told(elsewhere, call):
    (elsewhere / "ab.txt").write_text("ab" * 60 + "QZ")
    small = ["--hidden", "16", "--steps", "150", "--lr", "0.03", "--batch-size", "2", "--seq-len", "16"]
    ended = call("train", "ab.txt", "--val-fraction", "0.02", *small)
    assert ended.code == 0
    assert "\nNo validation loss: most of what is held out is unknown; the last weights" in ended.err
    assert set(call("sample", "ab-1", "--len", "40", "--temperature", "0").out.strip()) == {"a", "b"}
    assert "No validation loss" not in call("train", "fox.txt", "--steps", "1", "--hidden", "2").err


def test_a_run_that_is_there_is_not_replaced(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", "--out", "mine", *tiny).code == 0
    weights = (elsewhere / "mine" / "last.safetensors").read_bytes()
    refused = call("train", "fox.txt", "--out", "mine", "--hidden", "4", "--steps", "1")
    assert refused.code == 1
    assert refused.complaint == "mine holds a run: give another folder, or continue that run with --resume"
    assert (elsewhere / "mine" / "last.safetensors").read_bytes() == weights


def test_a_run_is_resumed_and_can_be_made_longer(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", *tiny).code == 0
    result = call("train", "--resume", "fox-1", "--steps", "25", "--json").records[-1]
    assert result["run"] == "runs/fox-1" and result["steps"] == 25
    refused = call("train", "--resume", "fox-1", "--hidden", "32")
    assert refused.code == 2 and refused.complaint.startswith("--hidden cannot change when a run is resumed")


def test_a_run_at_its_end_is_not_resumed_in_silence_and_loses_nothing(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", *tiny).code == 0
    files = {path: path.read_bytes() for path in (elsewhere / "runs/fox-1").iterdir() if path.suffix}
    longer = "To train longer: charlm train --resume runs/fox-1 --steps 80"
    for flags, said in (
        ([], "runs/fox-1 has finished (20 steps)"),
        (["--steps", "20"], "runs/fox-1 has finished (20 steps)"),
        (["--steps", "5"], "runs/fox-1 is past that (step 20 of 5)"),
    ):
        refused = call("train", "--resume", "fox-1", *flags)
        assert (refused.code, refused.complaint) == (1, f"{said}. {longer}")
    assert {path: path.read_bytes() for path in files} == files
    refused = call("train", "--resume", "fox-1", "--minutes", "1e-9")
    assert refused.code == 1 and re.search(r"minute \S+ of 1e-09", refused.complaint)
    assert "epoch" in call("train", "--resume", "fox-1", "--epochs", "0.01").complaint


def test_a_run_out_of_patience_is_not_at_its_end(elsewhere, call, tiny):
    lazy = ["--patience", "1", "--eval-every", "1", "--lr", "1e-30"]
    assert call("train", "fox.txt", "--quiet", *tiny, *lazy).code == 0
    on = call("train", "--resume", "fox-1", "--patience", "0", "--json").records
    assert on[-1]["steps"] == 20


def test_a_run_starts_from_anothers_weights_and_takes_its_model(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", *tiny, "--lr", "0.025").code == 0
    (elsewhere / "fix.txt").write_text("the fix of a fux.\n" * 60 + "\n")
    ended = call("train", "fix.txt", "--init-from", "fox-1", "--steps", "1", "--seq-len", "16")
    assert ended.code == 0
    assert ended.err.startswith("Vocabulary: 12 shared, new 0 '', unused 17 'bcdgjklmnpqrsvwyz'")
    config = Run.open(elsewhere / "runs" / "fix-1").config
    assert config.model.hidden == 16 and config.optimisation.lr == 0.025
    assert (
        call("train", "fix.txt", "--init-from", "fix-1", "--steps", "1", "--lr", "0.5", "--seq-len", "16").code
        == 0
    )
    assert Run.open(elsewhere / "runs" / "fix-2").config.optimisation.lr == 0.5


def test_a_loss_that_is_no_number_is_told_in_one_line_without_warnings(elsewhere, call):
    wild = ["--lr", "1e6", "--optimizer", "sgd", "--clip", "0", "--warmup", "0", "--cell", "rnn"]
    ended = call("train", "fox.txt", "--steps", "50", "--hidden", "16", "--nonlinearity", "relu", *wild)
    assert ended.code == 1 and "Warning" not in ended.err
    last = ended.err.splitlines()[-1]
    assert last.startswith("charlm: the loss at step") and "smaller --lr" in last


def test_ctrl_c_saves_says_how_to_go_on_and_that_works(elsewhere, call, start):
    process = start("train", "fox.txt", "--json", *ENDLESS, cwd=elsewhere)
    assert json.loads(process.stdout.readline())["step"] == 0
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130 and b"Traceback" not in err
    assert err.decode().endswith("Saved to runs/fox-1. Continue with:\n  charlm train --resume fox-1\n")
    stopped = json.loads(out.splitlines()[-1])
    resumed = call("train", "--resume", "runs/fox-1", "--steps", str(stopped["steps"] + 3), "--json").records
    assert resumed[-1]["steps"] == stopped["steps"] + 3


class Interrupted(io.BytesIO):
    """Standard input, at which somebody presses Ctrl-C."""

    def read(self, *size):
        signal.raise_signal(signal.SIGINT)
        return super().read(*size)


def test_ctrl_c_before_there_is_a_run_leaves_at_once_and_none(elsewhere, call, tiny):
    ended = call("train", "-", *tiny, stdin=Interrupted((elsewhere / "fox.txt").read_bytes()))
    assert (ended.code, ended.out, ended.err) == (130, "", "")
    assert not (elsewhere / "runs").exists()


def test_on_a_terminal_a_bar_tells_loss_speed_and_time_left(elsewhere, on_terminal, tiny):
    shown = on_terminal("train", "fox.txt", *tiny, "--steps", "400", "--eval-every", "200", folder=elsewhere)
    bar = r"% [░█]+ step [0-9]+ · loss [0-9]\.[0-9]{3} · [0-9.]+[kM]? chars/s · [0-9.]+ s left"
    assert re.search(bar, shown.decode())
    assert b"\r    200 " in shown


def test_a_run_that_is_being_trained_is_not_trained_twice_and_can_be_read(elsewhere, call, start):
    once = ["--save-every", "1000000"]  # at its begin, however long the commands below take
    process = start("train", "fox.txt", "--json", "--out", "mine", *ENDLESS, *once, cwd=elsewhere)
    assert json.loads(process.stdout.readline())["step"] == 0
    for line in (["--resume", "mine", "--steps", "1"], ["fox.txt", "--out", "mine", "--steps", "1"]):
        refused = call("train", *line)
        assert refused.code == 1
        assert refused.complaint == (
            f"mine is being trained: it is in use by process {process.pid}; wait for that training, or stop it"
        )
    assert call("info", "mine").code == call("sample", "mine", "--len", "3").code == 0
    process.kill()
    process.communicate()
    assert call("train", "--resume", "mine", "--steps", "3", "--quiet").code == 0


STUCK = """
import sys, time
from charlm.training.trainer import Trainer
take = Trainer.step
def stuck(self, progress):
    if self.state.step == 3:
        print("stuck", flush=True)
        time.sleep(60)
    return take(self, progress)
Trainer.step = stuck
from charlm.cli.app import main
sys.argv = ["charlm", "train", "fox.txt", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_second_signal_stops_at_once(elsewhere, call, number):
    command = [sys.executable, "-c", STUCK, "--save-every", "2", *ENDLESS]
    with Popen(command, cwd=elsewhere, stdout=PIPE, stderr=PIPE) as process, ExitStack() as ending:
        ending.callback(process.kill)
        assert process.stdout.readline() == b"stuck\n"
        process.send_signal(number)
        with pytest.raises(TimeoutExpired):
            process.wait(1)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        again = b"Continue with: charlm train --resume runs/fox-1\n"
        assert out == b"" and re.search(rb"\nStopped at once; last checkpoint at step \d+. " + again + b"$", err)
        assert process.returncode == 130
    assert call("train", "--resume", "fox-1", "--steps", "5", "--quiet").code == 0


def test_a_disk_that_refuses_is_told_in_one_line_and_an_end_that_cannot_be_saved_fails(elsewhere, start):
    line = ["train", "fox.txt", "--json", "--eval-every", "1", *ENDLESS]
    process = start(*line, cwd=elsewhere)
    assert json.loads(process.stdout.readline())["step"] == 0
    curve = elsewhere / "runs" / "fox-1" / "metrics.jsonl"
    curve.rename(elsewhere / "curve")
    curve.mkdir()
    while "event" not in (record := json.loads(process.stdout.readline())):
        pass
    assert record["event"] == "fault" and not record["is_over"]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1 and b"fault" not in out and b"Traceback" not in err
    first, last = [line for line in err.decode().splitlines() if "metrics.jsonl" in line]
    assert first.endswith(
        "metrics.jsonl cannot be written: Is a directory; see to the disk and its permissions; "
        "training goes on in memory, and tries again"
    )
    assert (
        last.startswith("charlm: the save after step ")
        and " failed for the curve: runs/fox-1/metrics.jsonl" in last
    )


def test_going_back_is_told_in_one_line_and_one_object(elsewhere, call):
    wild = ["--lr", "1e6", "--clip", "0", "--warmup", "0", "--cell", "rnn", "--nonlinearity", "relu"]
    ended = call("train", "fox.txt", "--json", "--steps", "50", "--hidden", "16", *wild)
    back = next(record for record in ended.records if record.get("event") == "rollback")
    assert back["lr_factor"] == 0.5 and back["back_to"] < back["step"] + 1
    assert f"step {back['step']}: {back['reason']}: back to step {back['back_to']}, with 0.5 of the" in ended.err


def test_a_folder_of_something_else_gets_not_even_a_lock(elsewhere, call, tiny):
    (elsewhere / "thesis").mkdir()
    (elsewhere / "thesis" / "thesis.txt").touch()
    refused = call("train", "fox.txt", "--out", "thesis", *tiny)
    assert refused.code == 1 and refused.complaint == "thesis is not empty and holds no run: give another folder"
    assert [path.name for path in (elsewhere / "thesis").iterdir()] == ["thesis.txt"]


def test_settings_come_from_a_file_and_flags_win(elsewhere, call):
    (elsewhere / "run.toml").write_text('corpus = "fox.txt"\nhidden = 8\nseq-len = 16\nlr = 0.5\nminutes = 60\n')
    ended = call("train", "--config", "run.toml", "--lr", "0.25", "--steps", "1", "--quiet", "--out", "run")
    assert ended.code == 0 and ended.err == ""
    stored = call("info", "run", "--json").records[0]
    assert stored["training"]["model"]["hidden"] == 8 and stored["training"]["optimisation"]["lr"] == 0.25
    assert stored["training"]["budget"]["steps"] == 1 and stored["training"]["budget"]["minutes"] is None
    assert stored["corpus"]["name"] == "fox"
    (elsewhere / "wolf.txt").write_text("the quick brown wolf " * 60)
    assert call("train", "wolf.txt", "--config", "run.toml", "--steps", "1", "-q", "-o", "other").code == 0
    assert call("info", "other", "--json").records[0]["corpus"]["name"] == "wolf"


def test_a_file_of_settings_that_is_wrong_is_refused_before_anything_is_read(elsewhere, call):
    (elsewhere / "run.toml").write_text("hiden = 8\n")
    refused = call("train", "nothing.txt", "--config", "run.toml")
    assert refused.code == 2
    assert refused.complaint == "run.toml: no setting is called hiden; did you mean hidden?"
    (elsewhere / "run.toml").write_text('corpus = "fox.txt"\n')
    assert "leave out CORPUS" in call("train", "--config", "run.toml", "--resume", "run").complaint


def test_a_dry_run_shows_facts_and_writes_nothing(elsewhere, call, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(elsewhere / "cache"))
    ended = call("train", "fox.txt", "--dry-run", "--minutes", "1")
    remark = "A small text: 64,413 weights for 2,430 characters, which will be learned by heart: give more text"
    said = f"{remark}, or a smaller --hidden.\ndry run: nothing was trained or saved\n"
    assert ended.code == 0 and ended.err == said
    facts = dict(line.split("\t") for line in ended.out.splitlines())
    assert list(facts) == [
        "Files",
        "Splits",
        "Symbols",
        "Model",
        "Parameters",
        "Memory",
        "Length",
        "Preset",
        "Settings",
    ]
    assert facts["Files"] == str(elsewhere / "fox.txt") and facts["Model"] == "gru, 1 layer x 128"
    assert facts["Splits"] == "train 2,430, val 270 characters; no test split"
    assert (
        facts["Memory"].endswith(" MB in 2 processes by columns, without the text")
        or "1 process" in facts["Memory"]
    )
    assert re.fullmatch(r"1 min: about .* epochs, .* steps on this machine when idle", facts["Length"])
    assert facts["Preset"] == "tiny" and facts["Settings"].startswith("--cell gru")
    bent = call("train", "fox.txt", "--dry-run", "--minutes", "1", "--hidden", "16").out
    assert "Changed\t--hidden 16 instead of 128\n" in bent
    (record,) = call("train", "fox.txt", "--dry-run", "--steps", "5", "--json").records
    assert record["steps"] == 5 and record["splits"] == {"train": 2430, "val": 270, "test": 0}
    assert record["config"]["model"]["cell"] == "lstm" and record["memory_bytes"] > 50e6
    assert [path.name for path in elsewhere.iterdir()] == ["fox.txt"]


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["--resume", "fox-1"], 2, "--dry-run is about a new run: leave out --resume, or see charlm info fox-1"),
        (["fox.txt", "--out", "runs/fox-1"], 1, "runs/fox-1 holds a run: give another folder"),
        (["fox.txt", "--out", "runs"], 1, "runs is not empty and holds no run: give another folder"),
        (["wolf.txt"], 1, "there is no file 'wolf.txt'"),
    ],
)
def test_a_dry_run_refuses_what_cannot_be_trained(inside, call, line, code, words):
    refused = call("train", "--dry-run", *line)
    assert refused.code == code and refused.complaint.startswith(words)


def test_a_dry_run_of_fine_tuning_has_the_network_of_the_run(inside, call):
    (record,) = call("train", "fox.txt", "--init-from", "fox-1", "--dry-run", "--json").records
    assert record["config"]["model"]["hidden"] == 16
