"""Classifiers as a user has them: trained, resumed, used, and refused where they cannot serve."""

import json
import shutil

import numpy as np
import pytest

from charlm.config import TrainingConfig
from charlm.data.reading.sources import find_source
from charlm.runs.run import Run
from charlm.tasks.task import make_task

LINES = b"tatie\norrus\n\n"


def test_each_line_in_is_a_line_out_the_empty_one_too(inside, call):
    ended = call("classify", stdin=LINES)
    assert ended.err == "words-1, the newest run with labels\n"
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[0] for row in rows[:2]] == ["north", "south"]
    assert [row[2] for row in rows] == ["tatie", "orrus", ""]
    assert all(0.5 <= float(row[1]) <= 1 for row in rows)


def test_the_top_labels_and_json_have_probabilities_that_sum_to_one(inside, call):
    (row,) = (
        line.split("\t") for line in call("classify", "words-1", "--top", "2", stdin=b"tea\n").out.splitlines()
    )
    assert row[0::2][:2] == ["north", "south"] and abs(float(row[1]) + float(row[3]) - 1) < 2e-4
    record, _ = call("classify", "words-1", "--json", stdin=b"tea\nt-a\n").records
    assert (record["run"], record["label"], record["line"], record["unknown"]) == ("words-1", "north", "tea", 0)
    assert abs(sum(record["probabilities"].values()) - 1) < 1e-6
    assert record["probability"] == record["probabilities"]["north"]


def test_white_space_at_the_ends_does_not_count_and_unknown_characters_are_said(inside, call):
    plain, spaced, strange = call(
        "classify", "words-1", "--json", stdin=b"tea\n tea \r\nt\xe2\x98\x83a\n"
    ).records
    assert plain["probabilities"] == spaced["probabilities"] and strange["unknown"] == 1
    ended = call("classify", "words-1", stdin="t☃a\n".encode())
    assert ended.err == "training never saw 1 character of these lines: read as unknown\n"


def test_the_record_has_the_loss_by_label_and_what_the_task_is_judged_by(inside):
    records = Run.open(inside / "runs" / "words-1").read_metrics()
    last = [record for record in records if "val_nats_per_label" in record][-1]
    assert last["val_accuracy"] == 1.0 and last["val_macro_f1"] == 1.0 and last["val_nats_per_label"] < 0.3
    assert not any("nats_per_char" in name for record in records for name in record)
    config = json.loads((inside / "runs" / "words-1" / "config.json").read_text())["training"]
    assert config["task"] == {
        "task": "classify", "labels": "file", "bidirectional": True, "pyramid": False, "pooling": "max",
        "balance": "none",
    }  # fmt: skip
    assert config["batching"]["split"] == "80/10/10"


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(inside, call, tiny):
    for name, steps in (("whole", "40"), ("halves", "17")):
        assert call("train", "words", "--task", "classify", "--steps", steps, "--schedule", "constant", "--out",
                    f"runs/{name}", *tiny).code == 0  # fmt: skip
    assert call("train", "--resume", "halves", "--steps", "40", "--quiet").code == 0
    weights = [Run.open(inside / "runs" / name).load_model("last").params.flat for name in ("whole", "halves")]
    np.testing.assert_array_equal(*weights)
    for name in ("whole", "halves"):
        shutil.rmtree(inside / "runs" / name)


def test_two_workers_train_as_one(inside, call, tiny):
    losses = []
    for workers in ("1", "2"):
        ended = call("train", "words", "--task", "classify", "--steps", "5", "--dtype", "float64", *tiny[:-3],
                     "--workers", workers, "--json", "--quiet")  # fmt: skip
        losses.append(ended.records[-1]["val_nats_per_label"])
        shutil.rmtree(inside / "runs" / "words-2")
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


def test_a_run_starts_from_another_whose_characters_and_labels_keep_their_weights(inside, call, tiny):
    words = inside / "more"
    words.mkdir()
    shutil.copy(inside / "words" / "south.txt", words / "south.txt")
    (words / "east.txt").write_text("".join(f"zyz{number}\n" for number in range(20)))
    ended = call("train", "more", "--init-from", "words-1", "--steps", "1", *tiny, "--lr", "1e-9")
    assert ended.code == 0, ended.err
    before, after = (Run.open(inside / "runs" / name) for name in ("words-1", "more-1"))
    read = [{symbol: place for place, symbol in enumerate(run.vocabulary.symbols)} for run in (before, after)]
    old, new = before.load_model().params, after.load_model("last").params
    for name in ("encoder.layers.0.W_xh", "encoder.reverse.layers.0.W_xh"):
        for symbol in read[0].keys() & read[1].keys():
            np.testing.assert_allclose(new[name][read[1][symbol]], old[name][read[0][symbol]], atol=1e-6)
    assert before.vocabulary.labels == ("north", "south") and after.vocabulary.labels == ("east", "south")
    np.testing.assert_allclose(new["readout.W_hy"][:, 1], old["readout.W_hy"][:, 1], atol=1e-6)
    assert np.abs(new["readout.W_hy"][:, 0] - old["readout.W_hy"][:, 0]).max() > 1e-3
    shutil.rmtree(inside / "runs" / "more-1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "words-1"], "words-1 is of --task classify: charlm classify words-1"),
        (["score", "--run", "words-1"], "words-1 is of --task classify: charlm classify words-1"),
        (["eval", "perplexity", "words-1"], "words-1 is of --task classify: charlm eval accuracy words-1"),
        (["regress", "words-1"], "words-1 is of --task classify: charlm classify words-1"),
        (["sample"], "no run under runs/ is for charlm sample: name one, or train one with --task"),
        (
            ["train", "words", "--pooling", "mean"],
            "--pooling belongs to --task classify or regress: leave it out with --task predict",
        ),
        (
            ["train", "words", "--task", "classify", "--lines"],
            "--lines belongs to --task predict: leave it out with --task classify",
        ),
        (
            ["train", "words", "--task", "classify", "--labels", "number"],
            "--labels number belongs to --task regress: leave it out with --task classify",
        ),
        (
            ["train", "words", "--task", "regress", "--init-from", "words-1"],
            "--init-from needs a run of --task regress, and this one is of --task classify: name another",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_right_command(inside, call, arguments, message):
    ended = call(*arguments)
    assert ended.code in (1, 2) and ended.complaint.startswith(message)
    assert [each.name for each in (inside / "runs").iterdir()] == ["words-1"]


def test_with_no_run_each_command_takes_the_newest_that_it_can_use(inside, call):
    text, small = inside / "fox.txt", ("--hidden", "4", "--seq-len", "8", "--batch-size", "4", "--workers", "1")
    text.write_text("the quick brown fox\n" * 30)
    assert call("train", "fox.txt", "--steps", "2", *small, "--quiet").code == 0
    assert call("classify", stdin=b"tea\n").err.startswith("words-1")
    assert call("sample", "--len", "5").code == 0
    shutil.rmtree(inside / "runs" / "fox-1")


def test_two_classifiers_are_compared_in_their_own_unit(inside, call):
    shutil.copytree(inside / "runs" / "words-1", inside / "runs" / "copy")
    shown = call("compare", "words-1", "copy")
    assert "val_nats_per_label" in shown.out and "val_accuracy" in shown.out
    first, second = call("compare", "words-1", "copy", "--json").records
    assert first["val_accuracy"] == second["val_accuracy"] == 1.0 and first["settings"] == {}
    shutil.rmtree(inside / "runs" / "copy")


def test_a_sweep_compares_means_over_seeds_in_their_own_unit(inside, call, tiny):
    ended = call("sweep", "words", "--task", "classify", "--pooling", "last,max", "--seeds", "2", "--steps", "1",
                 *tiny, "--json")  # fmt: skip
    assert ended.code == 0, ended.err
    assert [record["settings"] for record in ended.records] == [{"pooling": "last"}, {"pooling": "max"}]
    names = ended.records[0]["runs"]
    losses = [Run.open(inside / "runs" / name).summarize().best["val_nats_per_label"] for name in names]
    assert ended.records[0]["val_nats_per_label"] == pytest.approx(sum(losses) / 2)
    for name in (*names, *ended.records[1]["runs"]):
        shutil.rmtree(inside / "runs" / name)


def test_plot_info_and_runs_show_it_in_its_own_unit(inside, call):
    assert "nats/label" in call("plot", "words-1", "--unit", "nats").out
    assert call("info", "words-1").code == 0 and "words-1" in call("runs").out


def test_it_is_packed_for_somebody_else_and_not_exported_as_a_script(inside, call, tmp_path):
    packed, copy = str(tmp_path / "words.zip"), str(tmp_path / "copy")
    assert call("export", "words-1", packed).code == 0
    imported = call("import", packed, "--out", copy)
    assert imported.code == 0 and imported.err.rstrip().endswith(f"try: charlm classify {copy}")
    assert call("classify", copy, stdin=b"lanoma\n").out == call("classify", "words-1", stdin=b"lanoma\n").out
    refused = call("export", "words-1", "--to", "numpy", str(tmp_path / "model.py"))
    assert refused.code == 1 and "is of --task classify" in refused.complaint


def test_corpus_info_counts_labelled_examples(inside, call):
    (record,) = call("corpus", "info", "words", "--labels", "file", "--json").records
    assert record["labelled"]["labels"].keys() == {"north", "south"} and record["labelled"]["mode"] == "file"
    assert "--labels is 'fil" in call("corpus", "info", "words", "--labels", "filee").complaint
    assert "Labelled" not in call("corpus", "info", "words").out


@pytest.mark.parametrize(("balance", "ratio"), [("none", 1), ("sqrt", 2), ("full", 4)])
def test_rare_labels_weigh_more_in_training_by_the_root_or_the_whole_of_their_rarity(tmp_path, balance, ratio):
    lines = [*(f"a{n}\tmany\n" for n in range(40)), *(f"b{n}\tfew\n" for n in range(10))]
    (tmp_path / "t.tsv").write_text("".join(lines))
    config = TrainingConfig.from_settings(task="classify", labels="tab", balance=balance, val_fraction=0.0)
    examples = make_task(config).read(find_source([str(tmp_path / "t.tsv")], ""))
    few, many = examples.weight_L
    assert few / many == pytest.approx(ratio)
    assert examples.weight_L[examples.train.targets_D].mean() == pytest.approx(1)
    # What is validated and measured has no weights.
    (_, batch), *_ = examples.train.batches(50).in_order()
    assert (batch["weight_B"] == 1).all()
