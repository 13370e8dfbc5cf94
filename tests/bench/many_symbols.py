"""The training speed of output layers on a text with many symbols, in turn: many_symbols.py TEXT."""

import statistics
import sys
import time
from contextlib import closing

from charlm.data.reading.sources import find_text
from charlm.training.presets import FOR_MANY_SYMBOLS, resolve_settings
from charlm.training.start import make_trainer, settle

NETWORKS = {
    "one-hot input, an output layer of its own": {"encoding": "one-hot"},
    "tied embedding of 128": {**FOR_MANY_SYMBOLS, "adaptive_softmax": False},
    "tied embedding of 128, adaptive softmax": FOR_MANY_SYMBOLS,
}
ROUNDS, STEPS, FIRST = 3, 20, 4  # the first steps of a round are not counted


def measure(text, settings):
    """The median speed of a round's steps, in chars/s."""
    resolved = resolve_settings({"preset": "small", "gflops": 100.0, "val_fraction": 0.0, **settings})
    config, corpus = settle(find_text(text), resolved)
    speeds = []
    with closing(make_trainer(config, corpus)) as trainer:
        for _ in range(STEPS):
            began = time.perf_counter()
            trainer.state, _, targets = trainer.step(0.1)
            speeds.append(targets / (time.perf_counter() - began))
    return statistics.median(speeds[FIRST:])


def main():
    (text,) = sys.argv[1:]
    found = {name: [] for name in NETWORKS}
    for _ in range(ROUNDS):
        for name, settings in NETWORKS.items():
            found[name].append(measure(text, settings))
    for name, speeds in found.items():
        print(
            f"{name}: {statistics.median(speeds):,.0f} chars/s ({', '.join(f'{each:,.0f}' for each in speeds)})"
        )


if __name__ == "__main__":
    main()
