"""Measure ranks on this machine, and estimate many: the costs of a step and of its exchange.

    torchrun --standalone --nproc-per-node 2 tests/bench/scaling.py --hidden 256 512 --out scaling.json

Rank 0 writes for each size the seconds of a step and of the sum of its gradient, and a model of N ranks: each has
its share of the sequences, and a ring adds 2 (N-1)/N bytes/bandwidth + 2 (N-1) latency. Bandwidth and latency are
fitted to sums of several sizes that are measured here; other networks have others. The gradient noise scale
(McCandlish et al. 2018), in characters of a batch, says where larger batches, and so more ranks, stop paying: it
follows from the norms of each rank's gradient and of their sum.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from charlm.config import EngineConfig, ModelConfig, OptimizerConfig
from charlm.data.windows import SequentialBatcher
from charlm.engines.numpy.engine import NumpyEngine
from charlm.engines.ranks import open_ranks, own_columns
from charlm.engines.threads import default_workers
from charlm.engines.torch.engine import TorchEngine
from charlm.models.char_rnn import Model

SYMBOLS, SEQ_LEN, BATCH = 65, 64, 64
SIZES = (0.1, 0.4, 1.3, 4.9, 19.0)  # megabytes of a sum
RANKS = (1, 2, 8, 64, 512)


class TimedRanks:
    """Ranks that note the seconds and the norms of each sum."""

    def __init__(self, ranks):
        self._ranks, self.rank, self.size = ranks, ranks.rank, ranks.size
        self.seconds, self.squares = [], []

    def sum_(self, buffer):
        values = buffer if isinstance(buffer, np.ndarray) else buffer.numpy()
        own = float(values @ values)
        began = time.perf_counter()
        self._ranks.sum_(buffer)
        self.seconds.append(time.perf_counter() - began)
        self.squares.append((own, float(values @ values)))


def measure_sums(ranks):
    """Bytes and the best seconds of sums of several sizes; the fitted bandwidth and latency."""
    points = []
    for megabytes in SIZES:
        values, best = np.ones(int(megabytes * 250_000), np.float32), np.inf
        for _ in range(20):
            began = time.perf_counter()
            ranks.sum_(values)
            values /= ranks.size
            best = min(best, time.perf_counter() - began)
        points.append((values.nbytes, best))
    slope, latency = np.polyfit(*zip(*points, strict=True), 1) if ranks.size > 1 else (0.0, 0.0)
    return points, max(float(slope), 1e-12), max(float(latency), 0.0)


def measure_steps(ranks, engine, hidden, text, steps=12):
    """The median seconds of a step, of its sum, the bytes of the gradient, and the noise scale in characters."""
    timed = TimedRanks(ranks)
    own = own_columns(ranks, BATCH)
    model = Model(ModelConfig(cell="lstm", hidden=hidden), SYMBOLS)
    model.initialize(np.random.default_rng(0))
    settings, columns = OptimizerConfig(dropout=0.0), own.stop - own.start
    if engine == "numpy":
        made = NumpyEngine(model, settings, SEQ_LEN, columns, default_workers(), timed)
    else:
        config = EngineConfig(engine="torch", workers=default_workers())
        made = TorchEngine(model, settings, columns, config, timed)
    batches = SequentialBatcher(text, SEQ_LEN, BATCH).of_columns(own).epoch(np.random.default_rng(0))
    seconds = []
    with closing(made):
        for t, batch in zip(range(1, steps + 4), batches, strict=False):
            began = time.perf_counter()
            made.step(batch, np.random.default_rng(t))
            made.clip(0.0, 1.0)
            made.update(1e-3, t)
            seconds.append(time.perf_counter() - began)
    own_square, whole_square = np.mean(timed.squares[3:], axis=0)
    shares = [float(each) for each in ranks.gather(str(own_square).encode())]
    found = statistics.median(seconds[3:]), statistics.median(timed.seconds[3:]), model.params.flat.nbytes
    return *found, noise_scale(shares, whole_square, BATCH * SEQ_LEN)


def noise_scale(shares, whole_square, characters):
    """The simple noise scale, from the squared norms of the ranks' parts of a mean gradient and of the whole.

    >>> round(noise_scale([0.5, 0.5], 1.5, 100))
    33
    """
    ranks = len(shares)
    if ranks == 1:
        return None
    small_square, small = ranks**2 * float(np.mean(shares)), characters / ranks
    noise = (small_square - whole_square) / (1 / small - 1 / characters)
    signal = (characters * whole_square - small * small_square) / (characters - small)
    return noise / signal if signal > 0 else None


def model_ranks(step, exchange, size, slope, latency, ranks):
    """Seconds of a step on N ranks, if each had this machine's speed of a rank and its network."""
    work = (step - exchange) * ranks  # of one rank that has all sequences
    return {
        count: work / count + 2 * (count - 1) / count * size * slope + 2 * (count - 1) * latency
        for count in RANKS
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--engine", choices=("numpy", "torch"), default="numpy")
    parser.add_argument("--out", type=Path, default=Path("scaling.json"))
    options = parser.parse_args()
    text = np.random.default_rng(0).integers(0, SYMBOLS, 200_000).astype(np.uint8)
    with closing(open_ranks(120)) as ranks:
        points, slope, latency = measure_sums(ranks)
        found = {"ranks": ranks.size, "engine": options.engine, "sums": points, "latency": latency, "sizes": {}}
        found["bytes_per_second"] = 1 / slope
        for hidden in options.hidden:
            step, exchange, size, noise = measure_steps(ranks, options.engine, hidden, text)
            many = model_ranks(step, exchange, size, slope, latency, ranks.size)
            record = {"step": step, "exchange": exchange, "bytes": size, "noise_scale": noise, "model": many}
            found["sizes"][hidden] = record
            if ranks.rank == 0:
                print(f"LSTM H{hidden}, {ranks.size} ranks: {json.dumps(record)}", flush=True)
        if ranks.rank == 0:
            options.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
