"""Measure ranks on this machine, and estimate many: a step, its exchange, and the noise of the gradient.

    PYTHONPATH=. PYTHON -m torch.distributed.run --standalone --nproc-per-node 2 tests/bench/scaling.py TEXT

PYTHON has PyTorch and matplotlib. Rank 0 writes scaling.json and scaling.svg; ``make readme`` writes the table.

The model: every rank keeps its own number of sequences, so the batch grows with the ranks, and a step of N ranks
takes step + 2 (N-1)/N bytes/bandwidth + 2 (N-1) latency, that of a ring. Bandwidth and latency are fitted to sums
of several sizes, measured here. A batch of B characters needs 1 + noise/B times the steps of an endless one
(McCandlish et al. 2018), where the gradient noise scale follows from the norms of each rank's gradient and of
their sum. Speed and noise together say how much sooner a training reaches a loss: that is "progress".
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from contextlib import closing
from itertools import count, pairwise
from pathlib import Path

import numpy as np

from charlm.base.tables import Curve
from charlm.config import EngineConfig, TrainingConfig
from charlm.data.corpus import prepare_corpus
from charlm.data.reading.sources import find_source
from charlm.engines.numpy.engine import NumpyEngine
from charlm.engines.ranks import ALONE, open_ranks, own_columns
from charlm.engines.threads import default_workers
from charlm.models.char_rnn import Model
from charlm.report.figures import save_curves

HERE = Path(__file__).parent
BATCH, SEQ_LEN = 64, 64
SIZES = (0.1, 0.4, 1.3, 4.9, 19.0)  # megabytes of a sum
RANKS = tuple(2**power for power in range(10))
BLOCK = 6  # steps that are timed in a row, before the other side has its turn


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
    """Bytes and the best seconds of sums of several sizes; the fitted bytes a second and latency of a ring."""
    points = []
    for megabytes in SIZES:
        values, best = np.ones(int(megabytes * 250_000), np.float32), math.inf
        for _ in range(20):
            began = time.perf_counter()
            ranks.sum_(values)
            values /= ranks.size
            best = min(best, time.perf_counter() - began)
        points.append((values.nbytes, best))
    sizes, seconds = np.array(points).T
    slope, start = np.polyfit(sizes, seconds, 1, w=1 / seconds)
    others = ranks.size - 1
    return points, 2 * others / ranks.size / float(slope), max(float(start), 0.0) / (2 * others)


class Training:
    """Timed steps of one engine on its columns of a text's batches."""

    def __init__(self, engine, hidden, corpus, batching, ranks, workers):
        own = own_columns(ranks, BATCH)
        config = TrainingConfig.from_settings(hidden=hidden, dropout=0.0, engine=engine)
        model = Model(config.model, len(corpus.vocabulary))
        model.initialize(np.random.default_rng(0))
        self.bytes = model.params.flat.nbytes
        columns, optimizer = own.stop - own.start, config.optimisation
        if engine == "numpy":
            self.engine = NumpyEngine(model, optimizer, SEQ_LEN, columns, workers, ranks)
        else:
            from charlm.engines.torch.engine import TorchEngine

            settings = EngineConfig(engine="torch", workers=workers)
            self.engine = TorchEngine(model, optimizer, columns, settings, ranks)
        batches = corpus.batches(batching).of_columns(own)
        self._batches = (batch for epoch in count() for batch in batches.epoch(np.random.default_rng(epoch)))
        self._steps = 0
        self.seconds = []

    def go(self, steps):
        for _ in range(steps):
            batch = next(self._batches)
            began = time.perf_counter()
            self._steps += 1
            self.engine.step(batch, np.random.default_rng(self._steps))
            self.engine.clip(0.0, 1.0)
            self.engine.update(2e-3, self._steps)
            self.seconds.append(time.perf_counter() - began)


def measure_training(ranks, engine, hidden, corpus, batching, steps):
    """A step of all ranks, of rank 0's workers alone with all sequences, the exchange and the noise scale."""
    timed, workers = TimedRanks(ranks), default_workers()
    training = Training(engine, hidden, corpus, batching, timed, workers)
    is_first = ranks.rank == 0
    alone = Training(engine, hidden, corpus, batching, ALONE, workers * ranks.size) if is_first else None
    with closing(training.engine):
        for _ in range(steps // BLOCK):
            training.go(BLOCK)
            if alone is not None and engine == "numpy":  # PyTorch's number of threads is that of a process
                alone.go(BLOCK)
            ranks.gather(b"")  # the others wait
    if alone is not None:
        alone.engine.close()
    own_square, whole_square = np.mean(timed.squares[steps // 2 :], axis=0)
    shares = [float(each) for each in ranks.gather(str(own_square).encode())]
    return {
        "step": statistics.median(training.seconds[BLOCK:]),
        "exchange": statistics.median(timed.seconds[BLOCK:]),
        "workers": statistics.median(alone.seconds[BLOCK:]) if alone is not None and alone.seconds else None,
        "bytes": training.bytes,
        "noise": noise_scale(shares, whole_square, BATCH * SEQ_LEN),
    }


def noise_scale(shares, whole_square, characters):
    """The simple noise scale, from the squared norms of the ranks' parts of a mean gradient and of the whole.

    >>> round(noise_scale([0.5, 0.5], 1.5, 100))
    50
    """
    ranks = len(shares)
    small_square, small = ranks**2 * float(np.mean(shares)), characters / ranks
    noise = (small_square - whole_square) / (1 / small - 1 / characters)
    signal = (characters * whole_square - small * small_square) / (characters - small)
    return noise / signal if signal > 0 else math.inf


def estimate(found, size, ranks):
    """How many times more N ranks do than one, in characters per second and in progress.

    >>> ideal = {"ranks": 2, "latency": 0.0, "bytes_per_second": 1e30}
    >>> estimate(ideal, {"step": 1.0, "exchange": 0.0, "bytes": 8, "noise": 3 * 2048}, 2)
    (2.0, 1.6)
    """
    one = size["step"] - size["exchange"]
    exchange = 2 * (ranks - 1) / ranks * size["bytes"] / found["bytes_per_second"]
    speed = ranks * one / (one + exchange + 2 * (ranks - 1) * found["latency"])
    characters = BATCH // found["ranks"] * SEQ_LEN
    steps = (1 + size["noise"] / characters) / (1 + size["noise"] / (ranks * characters))
    return speed, speed / ranks * steps


def last_worthwhile(found, size):
    """The most ranks, a power of two, whose last doubling still gave at least a quarter more progress."""
    progress = [estimate(found, size, ranks)[1] for ranks in RANKS]
    gains = [after / before for before, after in pairwise(progress)]
    return RANKS[next((number for number, gain in enumerate(gains) if gain < 1.25), len(gains))]


def curves(found):
    """The sums with their fit, and each size's speed and progress by the number of ranks; dots are measured."""
    sizes, seconds = zip(*found["sums"], strict=True)
    others = found["ranks"] - 1
    fit = [
        1e3 * (2 * others / found["ranks"] * size / found["bytes_per_second"] + 2 * others * found["latency"])
        for size in sizes
    ]
    megabytes = [size / 1e6 for size in sizes]
    model = f"{found['bytes_per_second'] / 1e9:.1f} GB/s, latency {1e6 * found['latency']:.0f} µs"
    yield Curve(
        title=f"Sum of a gradient over {found['ranks']} ranks of this machine",
        x_label="MB",
        y_label="milliseconds",
        series={
            f"{found['bytes_per_second'] / 1e9:.1f} GB/s, latency {1e6 * found['latency']:.0f} µs": (
                megabytes,
                fit,
            ),
            "measured": (megabytes, [1e3 * each for each in seconds]),
        },
        faint={model},
        scattered=["measured"],
    )
    series, groups = {"as many times as ranks": (range(len(RANKS)), RANKS)}, {}
    for hidden, size in found["sizes"].items():
        speeds, progress = zip(*(estimate(found, size, ranks) for ranks in RANKS), strict=True)
        measured = found["ranks"] * (size["step"] - size["exchange"]) / size["step"]
        name = f"{hidden} units, characters/s"
        series[name] = range(len(RANKS)), speeds
        series[f"{name}, measured"] = [0, math.log2(found["ranks"])], [1.0, measured]
        series[f"{hidden} units, progress"] = range(len(RANKS)), progress
        groups[f"{name}, measured"] = name
    measured = [name for name in series if name.endswith("measured")]
    yield Curve(
        title=f"{BATCH // found['ranks']} sequences of {SEQ_LEN} characters a rank",
        x_label="ranks, as a power of 2",
        y_label="times one rank",
        series=series,
        groups=groups,
        faint=series.keys() - measured,
        scattered=measured,
        is_log=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("text")
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--engine", choices=("numpy", "torch"), default="numpy")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--out", type=Path, default=HERE / "scaling.json", help="the picture lies beside it")
    options = parser.parse_args()
    config = TrainingConfig.from_settings(batch_size=BATCH, seq_len=SEQ_LEN)
    corpus = prepare_corpus(find_source([options.text], config.corpus.glob), config)
    load = os.getloadavg()[0]
    with closing(open_ranks(600)) as ranks:
        assert ranks.size > 1, "start several ranks by torchrun"
        points, bytes_per_second, latency = measure_sums(ranks)
        found = {
            "ranks": ranks.size,
            "engine": options.engine,
            "steps": options.steps,
            "load": load,
            "sums": points,
        }
        found |= {"bytes_per_second": bytes_per_second, "latency": latency, "sizes": {}}
        for hidden in options.hidden:
            size = measure_training(ranks, options.engine, hidden, corpus, config.batching, options.steps)
            found["sizes"][hidden] = size
            if ranks.rank == 0:
                print(f"LSTM H{hidden}, {ranks.size} ranks: {json.dumps(size)}", flush=True)
        if ranks.rank == 0:
            options.out.write_text(json.dumps(found, indent=2) + "\n")
            save_curves(list(curves(found)), options.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
