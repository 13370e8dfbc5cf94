"""Find the lag where each cell stops learning the copy task, and draw it.

One of eight letters is to be repeated after a lag. The figure is what its copy costs a model, trained for a given
number of steps, on a text that it has not seen: 0 bits where it remembers, 3 where it guesses. The better of two
learning rates counts. Some 7 minutes of one core:

    python tests/bench/copy_lag.py corpora/copy_lag.svg
"""

import sys
import time
from itertools import product
from math import log

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import charlm
from charlm.data.synthetic.copy import Copy
from tests.data.synthetic.drawing import draw

CELLS = ("rnn", "gru", "lstm")
LAGS = (2, 4, 8, 16, 32, 64)
RATES = (0.01, 0.03)
STEPS = 3000
HELD_OUT_LINES = 1000
SETTINGS = {
    "hidden": 32, "steps": STEPS, "batch_size": 32, "val_fraction": 0.0, "dropout": 0.0, "workers": 1,
    "eval_every": STEPS, "sample_every": 0,
}  # fmt: skip


def copy_bits(cell, lag, lr):
    """What the copy of a letter costs, on average, after training."""
    source = Copy(lag=lag)
    line = lag + 2
    # A chunk of two lines' length holds a letter and its copy wherever it begins.
    training = draw(source, 8000 * line, np.random.default_rng(1)).characters
    held_out = draw(source, HELD_OUT_LINES * line, np.random.default_rng(2)).characters
    model = charlm.train(training, cell=cell, lr=lr, seq_len=2 * line, **SETTINGS)
    bits = model.score(held_out).costs_nats / log(2)
    return float(bits[lag - 1 :: line].mean())


def drawn(bits, path):
    """The curves as a picture."""
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    for cell, marker in zip(CELLS, "so^", strict=True):
        axes.plot(LAGS, [bits[cell, lag] for lag in LAGS], marker=marker, label=cell)
    axes.axhline(log(Copy().symbols, 2), color="grey", linestyle="--", label="a guess")
    axes.axhline(0, color="grey", linestyle=":", label="the source")
    axes.set_xscale("log", base=2)
    axes.set_xticks(LAGS, map(str, LAGS))
    axes.set(xlabel="lag in characters", ylabel="bits for the copied letter", ylim=(-0.1, None))
    axes.legend()
    # Neither a date nor random names: the same figures give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "charlm", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


def main(path):
    """Train every model, print a table, draw the picture."""
    bits = {}
    began = time.process_time()
    for cell, lag in product(CELLS, LAGS):
        found = {rate: copy_bits(cell, lag, rate) for rate in RATES}
        rate = min(found, key=found.get)
        bits[cell, lag] = found[rate]
        print(f"{cell:4} lag {lag:3}: {found[rate]:.3f} bits, at a rate of {rate}", flush=True)
    print(f"{time.process_time() - began:.0f} s of one core")
    drawn(bits, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
