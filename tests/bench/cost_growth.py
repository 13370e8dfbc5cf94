"""Whether the cost of a character stays what it is: from a corpus of 1 MB to one of 100 MB, and from short
chunks to long ones.

The corpora are random text in temporary files. All sizes are measured in turn in one process, so that they
meet the same weather; medians and ratios to the first are of that one run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

ROUNDS = 9
SECONDS = 1.0
MEGABYTES = (1, 10, 100)
SEQ_LENS = (32, 64, 128, 256, 512)


def trainer_of(path: Path, seq_len: int):
    from charlm.config import DataConfig, ModelConfig, OptimizerConfig, TrainingConfig
    from charlm.data.corpus import prepare_corpus
    from charlm.data.reading.sources import find_source
    from charlm.training.start import make_trainer

    config = TrainingConfig(
        ModelConfig(hidden=256),
        DataConfig(seq_len=seq_len),
        OptimizerConfig(dropout=0.0, schedule="constant", lr=1e-3),
    )
    return make_trainer(config, prepare_corpus(find_source([str(path)], ""), config))


def rate(trainer, seconds: float) -> float:
    began, targets = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        trainer.state, _, count = trainer.step(0.0)
        targets += count
    return targets / spent


def measure(trainers: dict[str, object], rounds: int, seconds: float) -> list[dict]:
    """Medians by name, and their ratios to the first."""
    rates: dict[str, list[float]] = {name: [] for name in trainers}
    for round_number in range(rounds + 1):
        for name, trainer in trainers.items():
            found = rate(trainer, seconds)
            if round_number:  # the first round is warm-up
                rates[name].append(found)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    first = next(iter(medians.values()))
    return [
        {"size": name, "chars_per_second": median, "ratio": median / first} for name, median in medians.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHARLM_CACHE_DIR"] = folder
        symbols = np.frombuffer(bytes(range(0x20, 0x20 + 65)), np.uint8)
        rng = np.random.default_rng(0)
        paths = {size: Path(folder, f"{size}MB.txt") for size in MEGABYTES}
        for size, path in paths.items():
            path.write_bytes(symbols[rng.integers(0, 65, size * 1_000_000)].tobytes())
        by_corpus = {f"{size} MB": trainer_of(path, 64) for size, path in paths.items()}
        results = {"corpus": measure(by_corpus, options.rounds, options.seconds)}
        by_length = {f"T {seq_len}": trainer_of(paths[10], seq_len) for seq_len in SEQ_LENS}
        results["seq_len"] = measure(by_length, options.rounds, options.seconds)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
