"""Encoders and decoders learn to copy a text and to reverse it, letter by letter.

These lines and steps are enough for 97%; 120,000 lines and 2,500 steps, with an average over 300, give 99.9%.
"""

import numpy as np
import pytest

import charlm
from charlm.runs.run import Run

LETTERS = list("abcdefgh")
SETTINGS = {"hidden": 48, "batch_size": 64, "lr": 0.03, "schedule": "linear", "dropout": 0.0, "average": 50}
QUIET = {"workers": 1, "sample_every": 0, "eval_every": 10_000}


def lines(count, longest=12, seed=0):
    rng = np.random.default_rng(seed)
    drawn = ("".join(rng.choice(LETTERS, rng.integers(1, longest + 1))) for _ in range(count))
    return list(dict.fromkeys(drawn))


@pytest.mark.parametrize("step", [1, -1], ids=["copy", "reverse"])
def test_a_text_is_copied_and_reversed(tmp_path, step):
    text = "".join(f"{line}\t{line[::step]}\n" for line in lines(16_000))
    settings = {"task": "translate", "attention": "general", "split": "90/10", "steps": 300, **SETTINGS, **QUIET}
    charlm.train(text, out=tmp_path / "run", **settings)
    best = [each for each in Run.open(tmp_path / "run").read_metrics() if each.get("is_best")][-1]
    assert best["val_wrong"] <= 0.03
