"""Whole texts are learned: how many a's a line has, and a label that is its first or its last character."""

import numpy as np
import pytest

import charlm
from charlm.runs.run import Run

SETTINGS = {"batch_size": 32, "dropout": 0.0, "workers": 1, "sample_every": 0, "split": "80/10/10"}


def lines(count, longest, seed=0):
    rng = np.random.default_rng(seed)
    drawn = ("".join(rng.choice(list("abcd"), rng.integers(1, longest + 1))) for _ in range(count))
    return list(dict.fromkeys(drawn))


def best_record(folder):
    return [each for each in Run.open(folder).read_metrics() if each.get("is_best")][-1]


def test_how_many_a_s_are_in_a_line_is_learned(tmp_path):
    text = "".join(f"{line}\t{line.count('a')}\n" for line in lines(10_000, 40))
    settings = {"hidden": 16, "steps": 4000, "lr": 0.02, "pooling": "last", "schedule": "linear"}
    charlm.train(text, task="regress", out=tmp_path / "run", bidirectional=False, **SETTINGS, **settings)
    assert best_record(tmp_path / "run")["val_r2"] > 0.999


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("place", [0, -1])
def test_a_label_that_is_the_first_or_the_last_character_is_learned(tmp_path, place, bidirectional):
    text = "".join(f"{line}\t{line[place]}\n" for line in lines(600, 12))
    settings = {"hidden": 16, "steps": 250, "lr": 0.02, "pooling": "last", "bidirectional": bidirectional}
    charlm.train(text, task="classify", labels="tab", out=tmp_path / "run", **SETTINGS, **settings)
    assert best_record(tmp_path / "run")["val_accuracy"] == 1.0
