"""``charlm sweep``: several trainings, a table and a plot."""

import json

import pytest

from charlm.runs.run import Run

SMALL = ["--seq-len", "16", "--batch-size", "8", "--workers", "1", "--steps", "12"]


@pytest.fixture
def swept(elsewhere, call):
    """A function that sweeps over two cells and two seeds."""
    return lambda *more: call(
        "sweep", "fox.txt", "--cell", "rnn,gru", "--hidden", "6", "--seeds", "2", *SMALL, *more
    )


def test_every_combination_is_trained_compared_and_found_again(swept, elsewhere):
    first = swept("--json")
    assert first.code == 0 and "[1/4] fox-rnn-seed1\n" in first.err and "done before" not in first.err
    rnn, gru = first.records
    assert (rnn["settings"], rnn["runs"]) == ({"cell": "rnn"}, ["fox-rnn-seed1", "fox-rnn-seed2"])
    losses = [Run.open(elsewhere / "runs" / name).summarize().best_val_nats_per_char for name in gru["runs"]]
    assert gru["val_nats_per_char"] == pytest.approx(sum(losses) / 2, rel=1e-5)
    assert gru["deviation_nats"] == pytest.approx(abs(losses[0] - losses[1]) / 2**0.5, rel=1e-3)
    best, other = sorted((rnn, gru), key=lambda record: record["val_nats_per_char"])
    assert best["difference_nats"] is None and other["difference_low"] < other["difference_nats"]
    again = swept("--json")
    assert again.out == first.out and again.err.count("done before") == 4
    assert swept("--json", "-q").err == ""


def test_the_table_and_the_plot(swept, elsewhere, on_terminal):
    pytest.importorskip("matplotlib")
    ended = swept("--plot", "sweep.svg")
    assert ended.code == 0 and "wrote sweep.svg" in ended.err
    heading, *rows = [line.split("\t") for line in ended.out.splitlines()][:3]
    assert heading[:4] == ["cell", "runs", "val loss", "deviation"] and [row[0] for row in rows] == ["rnn", "gru"]
    svg = (elsewhere / "sweep.svg").read_text()
    assert "Validation loss: mean of seeds 1, 2; thin: each seed" in svg and "rnn seed 1" not in svg
    options = ["--cell", "rnn,gru", "--hidden", "6", "--seeds", "2", *SMALL]
    shown = on_terminal("sweep", "fox.txt", *options, folder=elsewhere, environment={"NO_COLOR": "1"}).decode()
    assert "mean of seeds 1, 2; thin: each seed" in shown and "• rnn   × gru" in shown
    assert "note: mean val loss over 2 seeds: " in " ".join(shown.split())


def test_a_list_is_for_numbers_and_choices_alone(elsewhere, call):
    ended = call("sweep", "fox.txt", "--lines", "--delimiter", ",", *SMALL)
    assert ended.code == 2
    wrong = call("sweep", "fox.txt", "--hidden", "6,x", *SMALL)
    assert wrong.code == 2 and "--hidden is 'x': it must be a whole number" in wrong.complaint
    assert "--seeds and --seed both say" in call("sweep", "fox.txt", "--seeds", "2", "--seed", "1").complaint


def test_one_training_alone_has_no_difference(elsewhere, call):
    ended = call("sweep", "fox.txt", "--hidden", "6", *SMALL, "--json")
    (record,) = ended.records
    assert record["settings"] == {} and record["deviation_nats"] is record["difference_nats"] is None
    assert json.loads(ended.out)["notes"]


def test_what_cannot_be_validated_is_not_swept(elsewhere, call):
    ended = call("sweep", "fox.txt", "--hidden", "6", "--val-fraction", "0", *SMALL)
    assert ended.code == 2 and "a sweep compares validation losses" in ended.err
    assert not (elsewhere / "runs").exists()
