"""``charlm bench``: the figures as a table and as JSON, each size in a process of its own."""

from functools import partial

import pytest

from charlm.cli.commands import bench
from charlm.training.benchmark import SIZES, Speed, measure_apart


@pytest.fixture
def measured(monkeypatch):
    """The sizes that were asked for; nothing is measured."""
    sizes = []

    def record(size, workers, ceiling):
        sizes.append((size, workers))
        speed = Speed(1000.0, 50.0, 10.0, 200.0, 3_000_000)
        return {
            "preset": size.preset, "size": size.name, **vars(speed), "ceiling_gflops": ceiling,
            "share_of_ceiling": 0.5, "resident_megabytes": 3.0,
        }  # fmt: skip

    monkeypatch.setattr("charlm.training.benchmark.peak_gflops", lambda pool: 100.0)
    monkeypatch.setattr(bench, "_measure", record)
    return sizes


def test_left_out_every_standard_size_is_measured(call, measured):
    result = call("bench", "--json")
    assert [size.name for size, _ in measured] == [record["size"] for record in result.records]
    assert len(measured) == len(SIZES)
    assert [record["preset"] for record in result.records][:4] == ["tiny", "small", "base", "large"]


def test_a_size_of_ones_own(call, measured):
    result = call("bench", "--cell", "gru", "--hidden", "32", "--layers", "2", "--workers", "1")
    assert [(size.name, engine.workers) for size, engine in measured] == [("gru H32 L2 B64 T64", 1)]
    assert "gru H32 L2 B64 T64" in result.out and "\t0.5\t" in result.out


def test_the_whole_way_on_a_tiny_size(call, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "random.py").write_text("raise AssertionError('a file of the working folder was run')")
    monkeypatch.setattr("charlm.training.benchmark.PEAK_SIZE", 64)
    monkeypatch.setattr("charlm.training.benchmark.measure_apart", partial(measure_apart, seconds=0.02))
    result = call("bench", "--cell", "rnn", "--hidden", "4", "--batch-size", "4", "--seq-len", "8", "--json")
    (record,) = result.records
    for name in ("training", "gflops", "sampling", "sampling_64", "resident_megabytes", "share_of_ceiling"):
        assert record[name] > 0


def test_a_pyramid_is_timed_beside_the_plain_classifier(call):
    size = ("--hidden", "3", "--layers", "2", "--batch-size", "2", "--seq-len", "5", "--workers", "1")
    (record,) = call("bench", "--task", "classify", "--pyramid", *size, "--json").records
    assert record["seq_len"] == 5 and record["plain_ms"] > 0 < record["pyramid_ms"] and record["ratio"] > 0
    shown = call("bench", "--task", "classify", *size)
    assert "text length\tplain" in shown.out
    assert call("bench", "--pyramid").complaint.startswith("--pyramid belongs to --task classify")
