"""The speed of this machine, from which a preset's regularization follows.

It is rounded, so that one machine gives one number, and stored with the run.
"""

from __future__ import annotations

import math
import time

import numpy as np

from charlm.engines.threads import ThreadPool

REFERENCE_GFLOPS = 100.0  # of the machine that the presets were tuned on, two cores, in training steps
TRAINING_SHARE = 0.77  # what a training step reaches of its matrix products' speed, there
GRAIN = 1.5  # speeds are rounded to the reference times a power of this
SECONDS = 0.25
ROWS, HIDDEN, GATES, PRODUCTS = 32, 256, 4, 8  # of one measurement: that of a small LSTM's step


def machine_gflops(workers: int) -> float:
    """Measure the training speed of this many workers, rounded, in 10^9 operations per second."""
    return round_gflops(TRAINING_SHARE * measure_gflops(workers, SECONDS))


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
