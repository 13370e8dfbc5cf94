"""Runs side by side, and dynamic evaluation, from the command line."""

import csv

import pytest


@pytest.fixture
def two(elsewhere, call, tiny):
    for name, rate in (("slow", "0.001"), ("fast", "0.01")):
        assert call("train", "fox.txt", "--quiet", "--out", f"runs/{name}", *tiny, "--lr", rate).code == 0


def test_runs_are_compared_in_a_table_and_as_json(two, call):
    ended = call("compare", "slow", "runs/fast", "--dynamic", "--json")
    assert (ended.code, ended.err) == (0, "")
    slow, fast = ended.records
    assert (slow["run"], slow["settings"], fast["settings"]) == ("slow", {"lr": 0.001}, {"lr": 0.01})
    assert fast["bits_per_char"] < slow["bits_per_char"] and slow["steps"] == fast["steps"] == 20
    assert slow["dynamic_bits_per_char"] < slow["bits_per_char"]
    heads, *rows = csv.reader(call("compare", "slow", "fast", "--dynamic", "--csv").out.splitlines())
    assert [row[0] for row in rows] == ["slow", "fast"] and "batch_size" not in heads
    row = dict(zip(heads, rows[1], strict=True))
    assert (row["lr"], row["val bits/char"]) == ("0.01", str(fast["bits_per_char"]))
    assert row["dynamic val bits/byte"] == str(fast["dynamic_bits_per_byte"])
    assert float(row["val loss"]) == pytest.approx(fast["nats_per_char"])


def test_a_comparison_needs_runs(two, call):
    assert call("compare").code == 2
    missing = call("compare", "slow", "quick")
    assert missing.code == 1 and missing.complaint.startswith("there is no run 'quick'; under runs/ there are:")
    told = call("compare", "slow", "--split", "test")
    assert told.code == 2 and "slow is not measured: slow has no test split" in told.err
    assert "give a text file" not in told.err


def test_dynamic_evaluation_stands_beside_the_static_figure(two, call):
    (static,) = call("eval", "perplexity", "fast", "--json").records
    (both,) = call("eval", "perplexity", "fast", "--dynamic", "--dynamic-chunk", "10", "--json").records
    assert set(static.pop("notes")) < set(both["notes"])
    assert static.items() <= both.items() and not any(name.startswith("dynamic") for name in static)
    assert both["dynamic_bits_per_char"] < both["bits_per_char"]
    assert "fast, dynamic" in call("eval", "perplexity", "fast", "--dynamic").out
    refused = call("eval", "perplexity", "fast", "--dynamic-rate", "0.1")
    assert refused.code == 2
    assert refused.complaint == "--dynamic-rate belongs to --dynamic: give both, or leave it out"
