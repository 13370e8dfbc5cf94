"""The speed of this machine, from which a preset's regularization follows.

It is rounded, so that one machine gives one number, and stored with the run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import closing

import numpy as np

from charlm.config import TrainingConfig
from charlm.data.batches import Batch
from charlm.engines.ranks import ALONE, Ranks, own_columns
from charlm.engines.split import settle_split
from charlm.engines.threads import ThreadPool
from charlm.models.architecture import count_flops
from charlm.models.char_rnn import Model

REFERENCE_GFLOPS = 100.0  # of the machine that the presets were tuned on, two cores, in training steps
TRAINING_SHARE = 0.77  # what a training step reaches of its matrix products' speed, there
GRAIN = 1.5  # speeds are rounded to the reference times a power of this
FIXED_SECONDS = 5e-6  # per character there, besides the products, for 128 to 512 hidden units
SECONDS = 0.25
SYMBOLS = 65  # of the network that PyTorch's steps are measured on
ROWS, HIDDEN, GATES, PRODUCTS = 32, 256, 4, 8  # of one measurement: that of a small LSTM's step


def machine_gflops(config: TrainingConfig, ranks: Ranks = ALONE) -> float:
    """Measure the training speed of the settings' engine on all ranks, rounded, in 10^9 operations per second.

    PyTorch's speed depends on the network, so it is measured on the run's own: the reference speed times the
    ratio of the seconds per character.
    """
    if config.engine.engine == "numpy":
        gflops = TRAINING_SHARE * measure_gflops(settle_split(config).workers or 1, SECONDS)
    else:
        gflops = measure_engine(config, ranks, SECONDS)
    return ranks.size * round_gflops(gflops)


def reference_seconds(shapes: Mapping[str, tuple[int, ...]]) -> float:
    """The reference machine's seconds per character for a network with parameters of these shapes."""
    stacks = sum(name.endswith("layers.0.b_h") for name in shapes)
    return count_flops(shapes) / (1e9 * REFERENCE_GFLOPS) + stacks * FIXED_SECONDS


def round_gflops(gflops: float) -> float:
    """The nearest speed among the reference times powers of 1.5, to three digits.

    >>> [round_gflops(gflops) for gflops in (82, 122, 123, 1000)]
    [100.0, 100.0, 150.0, 1140.0]
    """
    power = round(math.log(gflops / REFERENCE_GFLOPS, GRAIN))
    return float(f"{REFERENCE_GFLOPS * GRAIN**power:.3g}")


def measure_gflops(workers: int, seconds: float) -> float:
    """The speed of matrix products on all workers at once.

    It is each worker's best in many short trials: other programs slow most of them, but hardly all.
    """
    rng = np.random.default_rng(0)
    states = [rng.standard_normal((ROWS, HIDDEN), dtype=np.float32) for _ in range(workers)]
    weights = [rng.standard_normal((HIDDEN, GATES * HIDDEN), dtype=np.float32) for _ in range(workers)]
    products = [np.empty((ROWS, GATES * HIDDEN), np.float32) for _ in range(workers)]

    def multiply(worker: int) -> float:
        began = time.perf_counter()
        for _ in range(PRODUCTS):
            np.matmul(states[worker], weights[worker], out=products[worker])
        return time.perf_counter() - began

    best = [math.inf] * workers
    until = time.perf_counter() + seconds
    with ThreadPool(workers) as pool:
        while time.perf_counter() < until or math.inf in best:
            spent = pool.run([lambda worker=worker: multiply(worker) for worker in range(workers)])  # type: ignore[misc]
            best = [min(pair) for pair in zip(best, spent, strict=True)]
    operations = PRODUCTS * 2 * ROWS * HIDDEN * GATES * HIDDEN
    return sum(operations / own for own in best) / 1e9


def measure_engine(config: TrainingConfig, ranks: Ranks, seconds: float) -> float:
    """The speed of PyTorch's training steps on a rank's share of a batch: the best after the first."""
    from charlm.engines.torch.engine import TorchEngine

    rng, own = np.random.default_rng(0), own_columns(ranks, config.batching.batch_size)
    model = Model(config.model, SYMBOLS)
    model.initialize(rng)
    x_TB = rng.integers(0, SYMBOLS, (config.batching.seq_len, own.stop - own.start)).astype(np.uint8)
    batch = Batch({"x_TB": x_TB, "y_TB": x_TB}, x_TB.size, resets_state=False)
    best, steps, until = math.inf, 0, math.inf
    with closing(TorchEngine(model, config.optimisation, x_TB.shape[1], config.engine)) as engine:
        while steps < 2 or time.perf_counter() < until:
            began = time.perf_counter()
            engine.step(batch, rng)
            engine.update(0.0, steps + 1)
            steps += 1
            if steps == 1:  # the first step also starts the device
                until = time.perf_counter() + seconds
            else:
                best = min(best, time.perf_counter() - began)
    return REFERENCE_GFLOPS * reference_seconds(model.shapes) * x_TB.size / best
