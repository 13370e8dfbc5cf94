"""What training without back-propagation reaches in 20 seconds of one core: evolution strategies, a swarm.

    python tests/bench/trainers.py [--seconds 20]

A vanilla RNN of 12 units (231 parameters) on lines of n a's and n b's. Seconds are processor time, so that other
work does not count.
"""

import argparse
import math
import time
from contextlib import closing
from itertools import islice

import numpy as np

from charlm.data.reading.sources import make_text_source
from charlm.data.synthetic.counting import Counting
from charlm.training.presets import resolve_settings
from charlm.training.start import make_trainer, settle

SETTINGS = {"cell": "rnn", "hidden": 12, "seq_len": 32, "batch_size": 64, "dropout": 0.0, "schedule": "linear",
            "epochs": 100.0, "workers": 1, "seed": 1}  # fmt: skip
OPTIMIZERS = {"adam": "back-propagation, Adam", "es": "evolution strategies", "pso": "particle swarm"}
CHARACTERS = 500_000


def reached(text, optimizer, seconds):
    """The validation loss after this much processor time, and the steps."""
    settings = resolve_settings({**SETTINGS, "optimizer": optimizer})
    with closing(make_trainer(*settle(make_text_source(text), settings))) as trainer:
        began = time.process_time()
        while (spent := time.process_time() - began) < seconds:
            trainer.state, *_ = trainer.step(spent / seconds)
        return trainer.validate().loss, trainer.state.step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    source = Counting()
    text = "".join(character for character, _ in islice(source.draws(np.random.default_rng(0)), CHARACTERS))
    print(f"entropy {source.bits_per_char * math.log(2):.3f} nats/char")
    for optimizer, name in OPTIMIZERS.items():
        loss, steps = reached(text, optimizer, seconds)
        print(f"{name}: {loss:.3f} nats/char after {steps:,} steps")


if __name__ == "__main__":
    main()
