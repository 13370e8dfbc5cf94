"""Runs side by side: what differs, what they took, and the figures of the measurements themselves."""

import json
import math

import pytest

from charlm.base.errors import RunError, UsageError
from charlm.base.tables import WIDE
from charlm.evaluate.compare import _figure_columns, compare_runs
from charlm.evaluate.measures import MEASUREMENTS
from charlm.evaluate.settings_table import setting_column
from charlm.evaluate.subjects import subjects_of

DYNAMIC = {"dynamic_bits_per_char", "dynamic_bits_per_byte"}


def nothing(done, total):
    pass


@pytest.fixture
def compare(pool):
    def compared(*targets, split="val", dynamic=False):
        return compare_runs(targets, split, dynamic, pool, nothing)[0]

    return compared


def cells(findings):
    (table,) = findings.tables
    headings = [column.heading for column in table.columns]
    return [dict(zip(headings, row, strict=True)) for row in table.rows]


def test_only_the_settings_that_differ_are_shown(keep, compare):
    keep("one")
    keep("two", hidden=5, lr=0.25)
    findings = compare("one", "runs/two")
    assert [record["settings"] for record in findings.records] == [
        {"hidden": 4, "lr": 0.016},
        {"hidden": 5, "lr": 0.25},
    ]
    assert [(row["run"], row["hidden units"], row["learning rate"]) for row in cells(findings)] == [
        ("one", 4, 0.016),
        ("two", 5, 0.25),
    ]
    assert compare("one").records[0]["settings"] == {}


def test_no_two_columns_have_one_heading(keep, compare):
    keep("one", steps=1)
    keep("two", steps=2)
    findings = compare("one", "two", dynamic=True)
    headings = [column.heading for column in findings.tables[0].columns]
    assert len(set(headings)) == len(headings)
    assert [(row["steps"], row["steps taken"]) for row in cells(findings)] == [(1, 1), (2, 2)]


def test_a_learning_rate_that_follows_from_the_cell_is_told(keep, compare):
    keep("rnn", cell="rnn")
    keep("gru", cell="gru")
    keep("slow", cell="gru", lr=0.001)

    def remark(*targets):
        (column,) = (each for each in compare(*targets).tables[0].columns if each.heading == "learning rate")
        return column.remark

    assert remark("rnn", "gru") == "differs by cell default"
    assert remark("rnn", "slow") == remark("gru", "slow") == ""


def test_the_course_is_the_run_s_own(keep, compare):
    run = keep("one", hidden=3)
    (record,) = compare("one").records
    last, costs = run.read_metrics()[-1], [each["val_nats_per_char"] for each in run.read_metrics()]
    assert (record["steps"], record["seconds"]) == (last["step"], last["seconds"])
    assert record["best_val_bits_per_char"] == pytest.approx(min(costs) / math.log(2))
    assert record["parameters"] == run.load_model().params.flat.size


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_figures_are_those_of_the_perplexity_measurement(keep, compare, pool, split):
    keep("one", split="60/20/20")
    findings = compare("one", split=split, dynamic=True)
    (record,) = findings.records
    perplexity = MEASUREMENTS.find("perplexity")(resamples=100, dynamic=True)
    (expected,) = perplexity.measure(subjects_of(["one"], split), pool, nothing).records
    shared = {"text", "nats_per_char", "bits_per_char", "bits_per_byte", "characters", "unknown", *DYNAMIC}
    assert {name: record[name] for name in shared} == {name: expected[name] for name in shared}
    assert record["text"] == f"corpus, {split}" and record["dynamic_bits_per_char"] != record["bits_per_char"]
    (row,) = cells(findings)
    for kind in ("", "dynamic "):
        name = kind.replace(" ", "_")
        assert row[f"{kind}{split} bits/char"] == record[f"{name}bits_per_char"]
        assert row[f"{kind}{split} loss"] == pytest.approx(record[f"{name}bits_per_char"] * math.log(2))
        assert row[f"{kind}{split} bits/byte"] == record[f"{name}bits_per_byte"]
    assert row["val bits/char"] == pytest.approx(record["best_val_bits_per_char"], rel=0.2)
    assert json.dumps(record)


def test_dynamic_evaluation_is_for_those_who_ask(keep, compare):
    keep("one")
    findings = compare("one")
    assert not DYNAMIC & set(findings.records[0]) and not any("dynamic" in name for name in cells(findings)[0])


def test_different_texts_are_told(keep, compare, here):
    (here / "other.txt").write_text("edcba \n" * 70)
    keep("one")
    keep("two", "other.txt")
    assert any("different texts: compare bits/byte" in note for note in compare("one", "two").notes)
    keep("three", seed=2)
    (said,) = compare("one", "three").notes
    assert "better" in said or "no clear difference" in said


def test_the_difference_to_the_best_has_an_interval(keep, compare):
    keep("one")
    keep("two", steps=60, lr=0.05)
    findings = compare("one", "two")
    one, two = findings.records
    gap = (one["bits_per_char"] - two["bits_per_char"]) * math.log(2)
    assert one["difference_nats"] == pytest.approx(gap) and gap > 0
    assert 0 < one["difference_low"] < gap < one["difference_high"]
    assert [two[f"difference_{part}"] for part in ("nats", "low", "high")] == [None] * 3
    assert findings.notes == ["two is better than one"]
    assert cells(findings)[0]["to best, 95% CI"] == (one["difference_low"], one["difference_high"])


def test_runs_of_different_texts_have_no_difference(keep, compare, here):
    (here / "other.txt").write_text("edcba \n" * 70)
    keep("one")
    keep("two", "other.txt")
    assert all(record["difference_nats"] is None for record in compare("one", "two").records)


def test_different_units_are_told(keep, compare, here):
    (here / "accents.txt").write_text("la carte, déjà vu\n" * 40)
    keep("one", "accents.txt", val_file="accents.txt")
    keep("two", "accents.txt", val_file="accents.txt", bytes=True)
    findings = compare("one", "two")
    assert findings.notes == ["the runs read the text in different units: compare bits/byte"]
    one, two = findings.records
    assert one["bytes"] == two["bytes"] and one["characters"] < two["characters"]


def test_a_corpus_that_is_gone_does_not_hide_the_other_runs(keep, compare, here):
    (here / "other.txt").write_text("edcba \n" * 70)
    keep("one")
    keep("two", "other.txt")
    (here / "other.txt").unlink()
    findings = compare("one", "two")
    one, two = findings.records
    assert one["bits_per_char"] is not None and one["unmeasured"] is None
    assert two["bits_per_char"] is None and two["parameters"] and "no file" in two["unmeasured"]
    assert any(note.startswith("two is not measured: ") for note in findings.notes)
    assert one.keys() - {"characters"} >= two.keys()


def test_a_run_twice_or_none_is_refused(keep, compare):
    keep("one")
    with pytest.raises(UsageError, match="two of the runs are called one: rename the folder of one"):
        compare("one", "runs/one")
    with pytest.raises(RunError, match=r"there is no run 'corpus\.txt'"):
        compare("one", "corpus.txt")


@pytest.mark.parametrize("split", ["val", "test"])
def test_settings_are_left_out_before_figures(split):
    shown = [column.rank for column in _figure_columns(split, True, True) if column.rank < WIDE]
    assert max(shown) < setting_column("hidden", []).rank < WIDE
