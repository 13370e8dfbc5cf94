"""The tag is the character k steps later: learned with both directions, and left to chance with one."""

import numpy as np
import pytest

import charlm
from charlm.runs.run import Run

LATER = 2
SETTINGS = {"hidden": 16, "steps": 600, "lr": 0.02, "batch_size": 32, "dropout": 0.0, "workers": 1,
            "sample_every": 0, "eval_every": 600, "split": "80/20", "schedule": "linear"}  # fmt: skip


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_character_some_steps_later(tmp_path, bidirectional):
    rng = np.random.default_rng(0)
    drawn = {"".join(rng.choice(list("abcd"), rng.integers(6, 15))) for _ in range(600)}
    lines = "".join(f"{line}\t{line[LATER:]}{'.' * LATER}\n" for line in sorted(drawn))
    charlm.train(lines, task="tag", out=tmp_path / "run", bidirectional=bidirectional, **SETTINGS)
    accuracy = max(each["val_accuracy"] for each in Run.open(tmp_path / "run").read_metrics())
    if bidirectional:
        assert accuracy == 1.0
    else:  # a fourth of what is no end, and some of the ends
        assert accuracy < 0.45
