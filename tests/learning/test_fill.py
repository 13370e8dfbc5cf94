"""Lines whose second half mirrors the first: from both sides a missing letter is learned to its known entropy."""

import math

import numpy as np

import charlm
from charlm.data.encoded import EncodedText
from charlm.data.synthetic.mirror import Mirror
from tests.data.synthetic.drawing import draw

SOURCE = Mirror(width=2, symbols=4, noise=0.1)
SETTINGS = {"hidden": 32, "seq_len": 24, "batch_size": 32, "lr": 0.02, "dropout": 0.0, "val_fraction": 0.0,
            "eval_every": 1000, "sample_every": 0, "workers": 1, "schedule": "linear"}  # fmt: skip


def test_a_missing_letter_costs_its_known_entropy_which_one_direction_cannot_reach():
    training, held_out = (draw(SOURCE, 60_000, np.random.default_rng(seed)).characters for seed in (1, 2))
    filler = charlm.train(training, task="fill", steps=500, **SETTINGS)
    found = filler.model.cloze(EncodedText.of_text(held_out, filler.model.corpus))
    known = SOURCE.bits_per_missing * math.log(2)
    error = 3 * found.costs_nats.std() / len(found.costs_nats) ** 0.5
    assert known - error < found.nats < 1.02 * known + error
    assert 2 * known < SOURCE.bits_per_char * math.log(2)
