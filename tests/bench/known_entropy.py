"""See how close each cell comes to sources of known entropy, in bits a character.

Every model has 32 hidden units and 2,000 steps, and is measured on a text of its source that it has not seen; the
first column of figures is what that text costs the source itself. Some 100 seconds of one core:

    python tests/bench/known_entropy.py
"""

from math import log

import numpy as np

import charlm
from charlm.synthetic import SOURCES

CELLS = ("rnn", "gru", "lstm")
CHOSEN = {
    "markov": {"order": 3, "symbols": 4},
    "brackets": {"depth": 8, "kinds": 2, "opening": 0.5},
    "copy": {"lag": 10, "width": 1},
    "counting": {"longest": 10},
}
SETTINGS = {
    "hidden": 32, "steps": 2000, "lr": 0.01, "seq_len": 48, "batch_size": 32, "val_fraction": 0.0, "dropout": 0.0,
    "workers": 1, "eval_every": 2000, "sample_every": 0,
}  # fmt: skip


def main():
    """Train and measure every cell on every source; print a row of a Markdown table for each."""
    print("| source | entropy rate | the source |", " | ".join(CELLS), "|")
    for name, settings in CHOSEN.items():
        source = SOURCES.find(name)(**settings)
        training = source.text(500_000, np.random.default_rng(1)).characters
        held_out = source.text(50_000, np.random.default_rng(2))
        bits = [source.bits_per_char, held_out.bits[1:].mean()]
        for cell in CELLS:
            model = charlm.train(training, cell=cell, **SETTINGS)
            bits.append(model.score(held_out.characters).costs_nats.mean() / log(2))
        options = " ".join(f"--{option} {value}" for option, value in settings.items())
        print(f"| `{name} {options}` |", " | ".join(f"{each:.4f}" for each in bits), "|", flush=True)


if __name__ == "__main__":
    main()
