"""Translation as a user has it: trained, resumed, used, shown, and refused where it cannot serve."""

import json
import shutil
from contextlib import chdir
from dataclasses import replace

import numpy as np
import pytest

import charlm
from charlm.data.reading.sources import find_source
from charlm.runs.run import Run
from charlm.training.presets import choose_dropout, resolve_settings
from charlm.training.start import settle

WORDS = [a + b + c for a in "ptk" for b in "aeio" for c in "nsmt"]
LINES = b"pen\nkot\n\n"


def spell(word):
    """How a made-up word is said."""
    return " ".join({"k": "K", "a": "AA", "e": "EH", "i": "IH", "o": "OW"}.get(each, each) for each in word)


@pytest.fixture(scope="module")
def spelled(tmp_path_factory, call, tiny):
    """A folder with pairs.tsv, and a run that says how words are said, runs/pairs-1."""
    folder = tmp_path_factory.mktemp("spelled")
    (folder / "pairs.tsv").write_text("".join(f"{word}\t{spell(word)}\n" for word in WORDS))
    (folder / "test.tsv").write_text("pop\tp OW p\nkan\tK AA n\nman\tm EH nn\n")
    with chdir(folder):
        settings = ("--task", "translate", "--target-units", "words", "--test-file", "test.tsv")
        ended = call("train", "pairs.tsv", *settings, "--steps", "120", *tiny)
        assert ended.code == 0, ended.err
    return folder


@pytest.fixture
def inside(spelled, monkeypatch):
    monkeypatch.chdir(spelled)
    return spelled


def test_each_line_in_is_an_answer_out_and_an_empty_one_an_empty_one(inside, call):
    ended = call("translate", stdin=LINES)
    assert ended.out == f"{spell('pen')}\n{spell('kot')}\n\n" and ended.newest == "pairs-1"
    assert call("translate", "pairs-1", "--beam", "1", stdin=b" pen \r\n").out == f"{spell('pen')}\n"


def test_several_answers_come_with_log_probabilities_the_best_first(inside, call):
    rows = [line.split("\t") for line in call("translate", "--nbest", "3", stdin=b"pen\n").out.splitlines()]
    assert rows[0][0] == spell("pen") and [row[2] for row in rows] == ["pen"] * 3
    numbers = [float(row[1]) for row in rows]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] < 0
    (record,) = call("translate", "--nbest", "2", "--json", stdin="pén\n".encode()).records
    assert (
        record["line"] == "pén" and record["unknown"] == 1 and record["answer"] == record["answers"][0]["answer"]
    )
    assert record["finished"] is True and record["log_prob_nats"] == record["answers"][0]["log_prob_nats"]


def test_eval_gives_what_training_measured(inside, call):
    best = [each for each in Run.open(inside / "runs" / "pairs-1").read_metrics() if each.get("is_best")][-1]
    (record,) = call("eval", "error-rate", "pairs-1", "--beam", "1", "--json").records
    assert record["nats_per_symbol"] == pytest.approx(best["val_nats_per_symbol"], rel=1e-5)
    assert (record["wrong"], record["symbol_error_rate"]) == (best["val_wrong"], best["val_symbol_error_rate"])


def test_attention_is_shown_and_drawn(inside, call):
    ended = call("translate", "--show", "pen", "--plot", "pen.svg")
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["p", "e", "n"] in rows and [row[0] for row in rows[4:8]] == ["p", "EH", "n", "end"]
    assert "answer" in (inside / "pen.svg").read_text()
    (record,) = call("translate", "--show", "pen", "--json").records
    np.testing.assert_allclose(np.sum(record["weights"], axis=1), 1, atol=1e-6)
    assert record["answer"] == ["p", "EH", "n", "end"]


def test_the_record_has_what_the_task_is_judged_by(inside):
    run = Run.open(inside / "runs" / "pairs-1")
    first, best = run.read_metrics()[0], [record for record in run.read_metrics() if record.get("is_best")][-1]
    assert (
        first["val_wrong"] == 1
        and best["val_wrong"] == 0
        and best["val_symbol_error_rate"] == 0
        and best["val_nats_per_symbol"] < 0.2
    )
    assert run.vocabulary.target == tuple(sorted({symbol for word in WORDS for symbol in spell(word).split()}))
    assert json.loads((run.folder / "config.json").read_text())["training"]["task"] == {
        "task": "translate", "labels": None, "target_units": "words", "bidirectional": True, "pyramid": False,
        "decoder_hidden": None, "attention": "dot",
    }  # fmt: skip


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit_and_two_workers_are_as_one(inside, call, tiny):
    common = ("train", "pairs.tsv", "--task", "translate", "--attention", "none", "--schedule", "constant")
    for name, steps in (("whole", "9"), ("halves", "4"), ("two", "9")):
        workers = ("--workers", "2") if name == "two" else ()
        settings = ("--steps", steps, "--dtype", "float64", "--out", f"runs/{name}")
        ended = call(*common, *settings, *tiny, *workers)
        assert ended.code == 0, ended.err
    assert call("train", "--resume", "halves", "--steps", "9", "--quiet").code == 0
    runs = [Run.open(inside / "runs" / name) for name in ("whole", "halves", "two")]
    whole, halves, two = (run.load_model("last").params.flat for run in runs)
    np.testing.assert_array_equal(whole, halves)
    np.testing.assert_allclose(whole, two, rtol=0, atol=1e-9)
    for run in runs:
        shutil.rmtree(run.folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "pairs-1"], "pairs-1 is of --task translate: charlm translate pairs-1"),
        (["translate", "--nbest", "5"], "--nbest 5 needs as many hypotheses: give --beam 5 or more"),
        (["translate", "--plot", "a.png"], "--plot draws the attention to one text: give it with --show TEXT"),
        (["train", "pairs.tsv", "--attention", "none"], "--attention belongs to --task translate: leave it out"),
        (
            ["train", "pairs.tsv", "--task", "translate", "--bytes"],
            "--bytes belongs to other tasks: leave it out with --task translate",
        ),
        (
            ["train", "pairs.tsv", "--task", "translate", "--hidden", "8", "--decoder-hidden", "12"],
            "--attention dot needs equal widths, and the decoder's outputs have 12 numbers, the encoder's 16",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(inside, call, arguments, message):
    ended = call(*arguments)
    assert ended.code in (1, 2) and ended.complaint.startswith(message)
    assert [each.name for each in (inside / "runs").iterdir()] == ["pairs-1"]


def test_python_translates_lines_of_any_length(inside):
    model = charlm.load("pairs-1")
    texts = ["pen" * 200, "kot", "pen" * 30, "pen"]
    assert model.translate(texts)[1::2] == [spell("kot"), spell("pen")]
    assert model.translate(["pen", "kot", ""]) == [spell("pen"), spell("kot"), ""]


def test_a_new_run_starts_from_another_s_weights_symbol_by_symbol(inside, call, tiny):
    (inside / "more.tsv").write_text(
        "".join(f"{word}\t{spell(word).lower()} Z\n" for word in WORDS[:12]) + "x\tn t\n"
    )
    settings = {"workers": 1, "steps": 1, "lr": 1e-9, "val_fraction": 0.0}
    model = charlm.train(inside / "more.tsv", init_from="pairs-1", **settings)
    assert {"Z", "aa", "n", "t"} < {*model.coder.symbols} and model.coder.units == "words"
    old, new = Run.open(inside / "runs" / "pairs-1").load_model(), model.network
    for symbol in ("n", "t"):
        before = charlm.load("pairs-1").coder.symbols.index(symbol)
        after = model.coder.symbols.index(symbol)
        for name, axis in (("readout.W_hy", 1), ("decoder.layers.0.W_xh", 0)):
            kept = np.take(old.params[name], before, axis), np.take(new.params[name], after, axis)
            np.testing.assert_allclose(*kept, rtol=0, atol=1e-6)


def test_eval_error_rate_has_greedy_and_beam_and_says_what_training_has_seen(inside, call):
    (record,) = call("eval", "error-rate", "pairs-1", "--split", "test", "--json").records
    assert (record["examples"], record["decoding"]) == (3, "beam 4")
    assert [each["decoding"] for each in record["decodings"]] == ["greedy", "beam 4"]
    # pop is new, kan is known or held out, and man has two symbols that training never saw or heard.
    assert record["wrong"] == pytest.approx(1 / 3) or record["wrong"] == pytest.approx(2 / 3)
    assert record["symbol_error_rate"] < 0.6 and record["unfinished"] == 0
    assert sum(each["examples"] for each in record["by_length"]) == 3
    assert {"edit": "substitution", "right": "(unseen)", "given": "n", "count": 1} in record["edits"]
    assert any("1 target with a symbol that training never saw" in note for note in record["notes"])
    whole = call("eval", "error-rate", "pairs-1", "--split", "train", "--json").records[0]
    assert whole["wrong"] == 0 and whole["nats_per_symbol"] < 0.2 and whole["edits"] == []


def test_a_corpus_that_is_published_in_splits_is_split_so(inside):
    split = {"val_file": str(inside / "test.tsv"), "test_file": str(inside / "test.tsv")}
    source = replace(find_source(["pairs.tsv"], ""), own_split=split)
    for given, val_file in (({}, split["val_file"]), ({"split": "80/20"}, None)):
        settings = {"task": "translate", "steps": 1, "target_units": "words", **given}
        config, examples = settle(source, resolve_settings(settings))
        assert config.batching.val_file == val_file and (len(examples.validation) == 3) is not bool(given)


def test_a_preset_counts_the_epochs_of_steps_by_the_batches_of_its_examples(inside):
    settings = resolve_settings({"task": "translate", "preset": "small", "steps": 8, "batch_size": 24})
    config, examples = settle(find_source(["pairs.tsv"], ""), settings)
    assert examples.batches(config.batching).batches_per_epoch == 2
    assert config.optimisation.dropout == choose_dropout(4, "lstm")["dropout"] > 0
