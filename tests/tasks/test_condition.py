"""A language model that is told the label first, as a user has it."""

import shutil

import numpy as np
import pytest

from charlm.runs.run import Run

ARGUMENTS = ("train", "words", "--lines", "--labels", "file", "--seq-len", "16", "--partition", "random")


@pytest.fixture(scope="module")
def conditioned(classified, call, tiny):
    """The folder with a run that writes words of either label, runs/told."""
    from contextlib import chdir

    with chdir(classified):
        assert call(*ARGUMENTS, "--steps", "120", "--out", "runs/told", *tiny).code == 0
    return classified


@pytest.fixture
def here(conditioned, monkeypatch):
    monkeypatch.chdir(conditioned)
    return conditioned


def test_samples_of_a_label_have_its_letters(here, call):
    for label, letters in (("north", "aeit"), ("south", "orsu")):
        texts = call("sample", "told", "--label", label, "--num", "40", "--json").records
        assert all(each["label"] == label for each in texts)
        joined = "".join(each["text"] for each in texts)
        assert sum(joined.count(letter) for letter in letters) > 0.9 * len(joined)
    labels = {each["label"] for each in call("sample", "told", "--num", "40", "--json").records}
    assert labels == {"north", "south"}


def test_bayes_rule_classifies_and_is_measured(here, call):
    rows = [line.split("\t") for line in call("classify", "told", stdin=b"tatie\norrus\n").out.splitlines()]
    assert [row[0] for row in rows] == ["north", "south"]
    (record,) = call("eval", "accuracy", "told", "--split", "test", "--json").records
    assert record["accuracy"] == 1.0 and record["examples"] == 12


def test_eval_perplexity_has_the_loss_by_label_whose_mean_is_the_whole(here, call):
    (record,) = call("eval", "perplexity", "told", "--json").records
    parts = record["by_label"]
    assert [each["label"] for each in parts] == ["north", "south"]
    total = sum(each["nats_per_char"] * each["characters"] for each in parts)
    assert total / sum(each["characters"] for each in parts) == pytest.approx(record["nats_per_char"], rel=1e-6)
    assert record["wrong_label_nats_per_char"] > record["nats_per_char"] + 1
    assert parts[0]["wrong_label_nats_per_char"] > parts[0]["nats_per_char"] + 1
    validated = [each for each in Run.open(here / "runs" / "told").read_metrics() if each.get("is_best")]
    assert validated[-1]["val_nats_per_char"] == pytest.approx(record["nats_per_char"], rel=1e-5)


def test_a_line_costs_more_under_the_wrong_label(here, call):
    costs = [
        call("score", "--run", "told", "--label", label, "--json", stdin=b"tatie\n").records[0]["nats"]
        for label in ("north", "south")
    ]
    assert costs[1] > costs[0] + 3


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(here, call, tiny):
    for name, steps in (("whole", "20"), ("halves", "9")):
        ended = call(*ARGUMENTS, "--steps", steps, "--schedule", "constant", "--out", f"runs/{name}", *tiny)
        assert ended.code == 0, ended.err
    assert call("train", "--resume", "halves", "--steps", "20", "--quiet").code == 0
    weights = [Run.open(here / "runs" / name).load_model("last").params.flat for name in ("whole", "halves")]
    np.testing.assert_array_equal(*weights)
    for name in ("whole", "halves"):
        shutil.rmtree(here / "runs" / name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "told", "--label", "nort"], "no label is called 'nort'; did you mean north?"),
        (["sample", "words-1", "--label", "north"], "words-1 is of --task classify: charlm classify words-1"),
        (["score", "--run", "told"], "told reads a label first: give --label, which is one of north, south"),
        (["eval", "context", "told"], "told is of --task predict with --labels: charlm eval perplexity told"),
        (["next", "told"], "told is of --task predict with --labels: charlm sample told"),
        (["train", "words", "--labels", "file"], "--labels are of separate examples: give --lines too"),
        (
            ["train", "words", "--task", "classify", "--init-from", "told"],
            "--init-from needs a run of --task classify",
        ),
    ],
)
def test_what_cannot_be_is_refused(here, call, arguments, message):
    ended = call(*arguments)
    assert ended.code in (1, 2) and ended.complaint.startswith(message)
