"""Regression as a user has it."""

from pathlib import Path

import numpy as np
import pytest

from charlm.runs.run import Run
from charlm.tasks.number_errors import measure_errors


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """Lines of letters with the number of a's in them, in another unit by a factor."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    lines = ["".join(rng.choice(list("abc"), rng.integers(1, 9))) for _ in range(200)]

    def write(name, factor=1.0):
        text = "".join(f"{line}\t{factor * line.count('a')}\n" for line in dict.fromkeys(lines))
        (tmp_path / name).write_text(text)

    return write


def test_numbers_come_out_in_the_data_s_unit(counted, call, tiny):
    counted("counts.tsv", factor=100.0)
    ended = call(
        "train", "counts.tsv", "--task", "regress", "--steps", "150", "--pooling", "last", *tiny, "--json"
    )
    assert ended.code == 0, ended.err
    assert ended.records[-1]["val_squared_error"] < 0.1 and "texts_per_second" in ended.records[-1]
    last = [each for each in Run.open(Path("runs/counts-1")).read_metrics() if "val_r2" in each][-1]
    assert last["val_r2"] > 0.9 and last["val_rmse"] < 40
    rows = [line.split("\t") for line in call("regress", stdin=b"aaa\nbcb\n").out.splitlines()]
    assert [row[1] for row in rows] == ["aaa", "bcb"]
    assert abs(float(rows[0][0]) - 300) < 80 and abs(float(rows[1][0])) < 80
    ended = call(
        "train", "counts.tsv", "--init-from", "counts-1", "--steps", "1", *tiny, "--lr", "1e-9", "--json"
    )
    best = Run.open(Path("runs/counts-1")).summarize().best["val_squared_error"]
    assert ended.records[-1]["val_squared_error"] == pytest.approx(best, rel=0.01)


def test_the_unit_of_the_data_changes_nothing(counted, call, tiny):
    weights = []
    for name, factor in (("one.tsv", 1.0), ("many.tsv", 1024.0)):
        counted(name, factor)
        assert call("train", name, "--task", "regress", "--steps", "10", *tiny).code == 0
        weights.append(Run.open(Path(f"runs/{name.removesuffix('.tsv')}-1")).load_model("last").params.flat)
    np.testing.assert_array_equal(*weights)


def test_what_is_no_number_is_refused_with_its_line(counted, call, tiny, tmp_path):
    (tmp_path / "n.tsv").write_text("a\t1\nb\tmany\n")
    ended = call("train", "n.tsv", "--task", "regress", "--steps", "1", *tiny)
    assert ended.complaint == "'n.tsv', line 2 has 'many' in the place of a number: write a finite number"


def test_errors_of_written_out_numbers():
    found = measure_errors(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 3.0, 7.0]))
    assert (found.rmse, found.mae) == (pytest.approx(2.5**0.5), 1.0)
    assert found.r2 == pytest.approx(1 - 2.5 / np.var([1, 3, 3, 7]))
