"""Tagging as a user has it: trained, resumed, asked, and refused where it cannot serve."""

import re
import shutil
from collections import Counter
from contextlib import chdir

import numpy as np
import pytest

import charlm
from charlm.engines.threads import ThreadPool
from charlm.evaluate.answers import answer
from charlm.evaluate.labelled import labelled_cases_of
from charlm.runs.run import Run
from tests.cli.conftest import call_main

COMMON = (
    *("--hidden", "12", "--batch-size", "8", "--lr", "0.03", "--dropout", "0", "--workers", "1", "--warmup", "5"),
    "--quiet",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with case.tsv, of lines that begin in upper case, and a run on it, case-1."""
    made, rng = tmp_path_factory.mktemp("tagged"), np.random.default_rng(0)
    lines = [
        " ".join("".join(rng.choice(list("abcd"), 3)) for _ in range(rng.integers(1, 4))) for _ in range(120)
    ]
    (made / "text.txt").write_text("".join(f"  {line.capitalize()}\n\n" for line in lines))
    with chdir(made):
        assert call_main("corpus", "make", "case", "text.txt").out == "case.tsv: 120 lines\n"
        assert call_main("train", "case.tsv", "--task", "tag", "--steps", "120", *COMMON).code == 0
    return made


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def test_the_made_lines_have_a_tag_for_each_character(here, call):
    text, tags = (here / "case.tsv").read_text().splitlines()[0].split("\t")
    assert text == text.lower() and tags == "U" + "L" * (len(text) - 1)
    again = call("corpus", "make", "case", "text.txt")
    assert again.code == 2 and "case.tsv exists" in again.err


def test_lines_are_tagged_and_recased(here, call):
    assert call("tag", stdin=b"abc da\n\ndab\n").out == "U L L L L L\n\nU L L\n"
    assert call("tag", "--apply", stdin=b" ABC da \r\n\n").out == " Abc da \n\n"
    (record,) = call("tag", "--json", stdin=b"ax\n").records
    assert record["tags"] == ["U", "L"] and record["unknown"] == 1
    assert all(0.3 < share <= 1 for share in record["probabilities"])


def test_accuracy_of_tags_is_what_training_measured_beside_the_most_frequent_tags(here, call):
    best = [each for each in Run.open(here / "runs" / "case-1").read_metrics() if each.get("is_best")][-1]
    (record,) = call("eval", "accuracy", "--json").records
    assert record["accuracy"] == pytest.approx(best["val_accuracy"], abs=1e-12)
    assert record["nats_per_tag"] == pytest.approx(best["val_nats_per_tag"], rel=1e-5)
    assert record["accuracy_low"] <= record["accuracy"] <= record["accuracy_high"]
    (case,) = labelled_cases_of(["case-1"], "train", command="eval accuracy")
    pairs = [
        pair
        for text, tags in zip(case.part.texts, case.part.answers, strict=True)
        for pair in zip(text, tags, strict=True)
    ]
    (record,) = call("eval", "accuracy", "case-1", "--split", "train", "--json").records
    by_character, tag = record["baselines"]
    both, characters, tags = Counter(pairs), Counter(text for text, _ in pairs), Counter(own for _, own in pairs)
    share = {
        pair: (count + tags[pair[1]] / len(pairs)) / (characters[pair[0]] + 1) for pair, count in both.items()
    }
    assert by_character["nats_per_tag"] == pytest.approx(-np.mean([np.log(share[pair]) for pair in pairs]))
    assert tag["accuracy"] == pytest.approx(sum(own == "L" for _, own in pairs) / len(pairs))
    (upper,) = [each for each in record["tags"] if each["tag"] == "U"]
    assert upper["characters"] == sum(own == "U" for _, own in pairs) == sum(record["confusion"][1])
    with ThreadPool(1) as pool:
        found = answer(case, pool)
    shown = map(found.show, range(len(pairs)))
    assert "".join(each[each.index("[") + 1] for each in shown) == "".join(case.part.texts)
    assert tag["right_texts"] == 0  # every text begins with U, and L is the most frequent


def test_the_task_is_named_before_and_after_training(here, call):
    plan = dict(
        line.split("\t") for line in call("train", "case.tsv", "--task", "tag", "--dry-run").out.splitlines()
    )
    examples = (here / "case.tsv").read_text().splitlines()
    assert plan["Task"] == "tag" and re.match(r"train \d+, val \d+, test \d+ examples; ", plan["Splits"])
    assert sum(map(int, re.findall(r"(?:train|val|test) (\d+)", plan["Splits"]))) == len(set(examples))
    tested = ("--val-file", "case.tsv", "--test-file", "case.tsv", "--dry-run")
    said = call("train", "case.tsv", "--task", "tag", *tested).out
    assert "; test from case.tsv; " in said and "no test split" not in said
    facts = dict(line.split("\t") for line in call("info", "case-1").out.splitlines() if "\t" in line)
    assert facts["Model"].startswith("LSTM, 1 layer x 12, one-hot input, bidirectional: ")
    assert facts["Task"] == "tag" and facts["Data"].endswith("characters to train on · split 80/10/10")


def test_corpus_info_tells_tags_targets_and_numbers_from_labels(here, call):
    (here / "pairs.tsv").write_text("one\tun\ntwo\tdeux\ntwo\tdeux euros\n")
    (here / "stars.tsv").write_text("fine\t4.5\ndull\t1\n")
    said = [call("corpus", "info", f"{name}.tsv").out for name in ("case", "pairs", "stars")]
    assert "tags\t2 different, one for each character: for --task tag\n" in said[0] and "U\t" in said[0]
    symbols = "9 characters, or 3 words (--target-units words)"
    assert f"targets\t3 different, of {symbols}: for --task translate\n" in said[1]
    assert "texts with several targets\t1: at most 66.7% can be right\n" in said[1] and "label" not in said[1]
    assert "numbers\t2 different: for --task regress\n" in said[2]


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(here, call):
    for name, steps in (("whole", "16"), ("halves", "7")):
        command = ("train", "case.tsv", "--task", "tag", "--steps", steps, "--schedule", "constant")
        assert call(*command, "--out", f"runs/{name}", *COMMON).code == 0
    assert call("train", "--resume", "halves", "--steps", "16", "--quiet").code == 0
    runs = [Run.open(here / "runs" / name) for name in ("whole", "halves")]
    np.testing.assert_array_equal(*(run.load_model("last").params.flat for run in runs))
    assert 0 < runs[0].read_metrics()[-1]["val_accuracy"] <= 1
    for run in runs:
        shutil.rmtree(run.folder)


def test_words_as_tags_in_python():
    names = ("anna", "bob", "eve", "otto", "ada", "ian", "zoe", "max", "tom", "lea", "kim")
    lines = "".join(f"{name} x\t{' '.join(['B', *['I'] * (len(name) - 1), 'O', 'O'])}\n" for name in names)
    settings = {"hidden": 12, "batch_size": 4, "lr": 0.03, "warmup": 5, "workers": 1, "split": "80/20"}
    model = charlm.train(lines, task="tag", target_units="words", steps=80, **settings)
    assert model.tag(["eve x", ""]) == [["B", "I", "I", "O", "O"], []]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("abc\tLLL\nab\tLLL\n", "'bad.tsv', line 2 has 2 characters and 3 tags"),
        ("ab\tLL\nab\tLL\n", "bad has 1 different pair, and none is left to train on"),
        ("abc\tLLL\nab\n", "'bad.tsv', line 2 has no tab"),
    ],
)
def test_a_line_with_too_few_tags_is_refused(here, call, lines, message):
    (here / "bad.tsv").write_text(lines)
    ended = call("train", "bad.tsv", "--task", "tag", "--steps", "2", *COMMON)
    assert ended.code == 1 and message in ended.complaint
    if "tags" in message:
        assert message in call("eval", "accuracy", "case-1", "bad.tsv").complaint


def test_apply_needs_the_tags_of_case(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.tsv").write_text("".join(f"{'ab' * n}\t{'XY' * n}\n" for n in range(1, 8)))
    assert call("train", "x.tsv", "--task", "tag", "--steps", "2", *COMMON).code == 0
    assert call("tag", "--apply", stdin=b"ab\n").complaint.startswith("--apply is for the tags U and L")
