"""Find where a packed batch is faster than segments for documents that start inside a window: PACKED_SHARE.

    python -m tests.bench.restarts --device cpu --hidden 256 512

It needs PyTorch. For each size and length of documents, training steps of both ways in turn; medians, of
processor time on a CPU.
``threshold`` is the share of steps with a restart where the two are equally fast, the mean over sizes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np

from charlm.config import EngineConfig, ModelConfig, OptimizerConfig
from charlm.data.batches import Batch
from charlm.models.char_rnn import Model

SYMBOLS, STEPS, BATCH = 65, 64, 64
DOCUMENTS = (7, 30, 60, 100, 200, 500, 1000, 4000)  # characters of a document, on average
WAYS = {"segments": 2.0, "pieces": -1.0}  # a value of PACKED_SHARE that always chooses this way


def draw_batches(document, count=2):
    rng = np.random.default_rng(document)
    for number in range(count):
        x_TB, y_TB = rng.integers(0, SYMBOLS, (2, STEPS, BATCH)).astype(np.uint8)
        carry_TB = rng.random(x_TB.shape) >= 1 / document
        carry_TB[STEPS // 2, 0] = False  # a window with no restart says nothing
        yield Batch({"x_TB": x_TB, "y_TB": y_TB, "carry_TB": carry_TB}, x_TB.size, number == 0)


def compare_ways(engine, document, rounds):
    """The share of steps with a restart, and each way's characters a second."""
    from charlm.engines.torch.resets import PACKED_SHARE

    device = engine._device.type
    clock = time.process_time if device == "cpu" else time.perf_counter
    batches, usual = list(draw_batches(document)), PACKED_SHARE[device]
    seconds = {way: [] for way in WAYS}
    try:
        for number in range(rounds + 1):
            for way, share in WAYS.items():
                PACKED_SHARE[device] = share
                began = clock()
                for t, batch in enumerate(batches):
                    engine.step(batch, np.random.default_rng(t))
                if number:  # the first round is warm-up
                    seconds[way].append((clock() - began) / len(batches))
    finally:
        PACKED_SHARE[device] = usual
    share = np.mean([(~batch["carry_TB"]).any(axis=1).mean() for batch in batches])
    return float(share), {way: BATCH * STEPS / statistics.median(spent) for way, spent in seconds.items()}


def find_threshold(rows):
    """The share of steps where pieces become as fast as segments, between two rows, by their ratios.

    >>> find_threshold([(0.2, {"segments": 4, "pieces": 2}), (0.4, {"segments": 2, "pieces": 4})])
    0.3
    """
    points = [(share, np.log(speeds["pieces"] / speeds["segments"])) for share, speeds in sorted(rows)]
    if points[0][1] >= 0:
        return 0.0
    for (low, before), (high, after) in pairwise(points):
        if after >= 0:
            return round(float(low + (high - low) * before / (before - after)), 2)
    return 1.0


def measure_restarts(device, sizes, rounds=3, threads=1):
    """Both ways at each size and length of documents, and the threshold that PACKED_SHARE should have."""
    from charlm.engines.torch.engine import TorchEngine

    found = {"device": device, "sizes": {}}
    for hidden in sizes:
        model = Model(ModelConfig(cell="lstm", hidden=hidden), SYMBOLS)
        model.initialize(np.random.default_rng(0))
        config = EngineConfig(engine="torch", device=device, workers=threads)
        with closing(TorchEngine(model, OptimizerConfig(dropout=0.0), BATCH, config)) as engine:
            rows = []
            for document in DOCUMENTS:
                rows.append(compare_ways(engine, document, rounds))
                share, speeds = rows[-1]
                said = ", ".join(f"{way} {speed:,.0f}" for way, speed in speeds.items())
                print(
                    f"LSTM H{hidden}, documents of {document}: {share:.0%} of steps, {said} chars/s", flush=True
                )
        found["sizes"][hidden] = {"threshold": find_threshold(rows), "rows": rows}
    found["threshold"] = round(statistics.mean(size["threshold"] for size in found["sizes"].values()), 2)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("restarts.json"))
    options = parser.parse_args()
    found = measure_restarts(options.device, options.hidden, options.rounds, options.threads)
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    print(f"{options.device}: PACKED_SHARE should be {found['threshold']}")


if __name__ == "__main__":
    main()
