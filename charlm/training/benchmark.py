"""How fast this machine trains and samples, beside the fastest that it multiplies matrices.

Everything is timed on random text: what a step costs does not depend on what the text says. A training step is a
whole one: forward, backward, clipping and the update.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self, TextIO

import numpy as np

from charlm.config import SamplingConfig, TrainingConfig
from charlm.data.corpus import prepare_corpus
from charlm.data.reading.sources import make_text_source
from charlm.engines.numpy.process import Process
from charlm.engines.threads import ThreadPool
from charlm.inference.generate import all_filters, generate_ids
from charlm.models.architecture import flops_per_character
from charlm.models.char_rnn import Model
from charlm.training.presets import PRESETS, with_preset
from charlm.training.trainer import Trainer

SYMBOLS = 65  # as many as tiny-shakespeare has
BENCH_CHARACTERS = 200_000  # that are trained on
CEILING_SIZE = 2048  # rows and columns of the product that measures the ceiling
REPEATS = 5
SECONDS = 1.0  # that a training figure is measured over, each time


@dataclass(frozen=True)
class Size:
    """A network and its batches; those of a preset train with its noise and its average of the weights.

    >>> Size("lstm", hidden=512, layers=2).name
    'lstm H512 L2 B64 T64'
    """

    cell: str
    hidden: int
    layers: int = 1
    batch_size: int = 64
    seq_len: int = 64
    preset: str | None = None

    @classmethod
    def of_preset(cls, name: str) -> Self:
        """What a preset trains."""
        config = with_preset({"preset": name}, BENCH_CHARACTERS, SYMBOLS)
        model, batching = config.model, config.batching
        return cls(model.cell, model.hidden, model.layers, batching.batch_size, batching.seq_len, name)

    @property
    def name(self) -> str:
        """The size in one short phrase."""
        return f"{self.cell} H{self.hidden} L{self.layers} B{self.batch_size} T{self.seq_len}"

    def config(self) -> TrainingConfig:
        """The settings of a training that is timed."""
        timed = {"schedule": "constant", "lr": 1e-3, "val_fraction": 0.0}
        network = {name: getattr(self, name) for name in ("cell", "hidden", "layers", "batch_size", "seq_len")}
        recipe = {"steps": 1, "dropout": 0.0} if self.preset is None else {"preset": self.preset}
        return with_preset({**timed, **network, **recipe}, BENCH_CHARACTERS, SYMBOLS)

    def model(self) -> Model:
        """A fresh network of this size."""
        model = Model(self.config().model, SYMBOLS)
        model.initialize(np.random.default_rng(0))
        return model


SIZES = (
    *map(Size.of_preset, PRESETS),
    Size("lstm", 128, 2, 50, 50), Size("lstm", 256), Size("lstm", 512), Size("lstm", 512, 2),
)  # fmt: skip


@dataclass(frozen=True)
class Speed:
    """What was measured for a size; rates are medians.

    Attributes:
        training: characters a second.
        gflops: billions of operations a second that those are.
        sampling: characters a second of one stream.
        sampling_64: characters a second of 64 streams together.
        resident_bytes: what training holds in memory, in all its processes together; None where no system call
            tells it.
    """

    training: float
    gflops: float
    sampling: float
    sampling_64: float
    resident_bytes: int | None


class TrainingBench:
    """Training steps on random text, to be timed."""

    def __init__(self, size: Size, pool: ThreadPool, characters: int = BENCH_CHARACTERS) -> None:
        symbols = "".join(chr(0x41 + code) for code in range(SYMBOLS))
        ids = np.random.default_rng(0).integers(0, SYMBOLS, characters)
        text = "".join(symbols[code] for code in ids)
        config = size.config()
        self._trainer = Trainer(config, prepare_corpus(make_text_source(text), config), pool)
        self._trainer.step(0.0)

    def rate(self, seconds: float) -> float:
        """Characters a second over at least so much time."""
        began, targets = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds:
            targets += self._trainer.step(0.0)[1]
        return targets / spent

    def resident_bytes(self) -> int | None:
        """What the training holds in memory: all its buffers are allocated once, and stay."""
        return resident_bytes(self._trainer.worker_pids)


class SamplingBench:
    """Characters drawn from a fresh network, to be timed."""

    def __init__(self, size: Size, streams: int) -> None:
        self._streams = streams
        start = np.zeros(1, np.uint8)
        self._steps = generate_ids(size.model(), start, all_filters({}), SamplingConfig(num=streams))

    def rate(self, seconds: float) -> float:
        """Characters a second of all streams together, over at least so much time."""
        began, steps = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds:
            next(self._steps)
            steps += 1
        return steps * self._streams / spent


def ceiling_gflops(pool: ThreadPool) -> float:
    """The most operations a second that square products reach, one on each worker, in billions."""
    rng = np.random.default_rng(0)
    factors = [rng.standard_normal((CEILING_SIZE, CEILING_SIZE)).astype(np.float32) for _ in range(pool.workers)]
    products = [np.empty_like(factor) for factor in factors]

    def multiply(worker: int) -> None:
        np.matmul(factors[worker], factors[worker], out=products[worker])

    best = 0.0
    for _ in range(REPEATS):
        began = time.perf_counter()
        pool.run([lambda worker=worker: multiply(worker) for worker in range(pool.workers)])  # type: ignore[misc]
        best = max(best, pool.workers * 2 * CEILING_SIZE**3 / (time.perf_counter() - began) / 1e9)
    return best


def measure(size: Size, workers: int | None, seconds: float = SECONDS) -> Speed:
    """Measure one size; its memory is right only in a process that has done nothing else.

    Args:
        size: the network and its batches.
        workers: the processes that train; None for the cores.
        seconds: that a training figure is measured over, each time; sampling over half as many.
    """
    with ThreadPool(workers) as pool:
        bench = TrainingBench(size, pool)
        training = statistics.median(bench.rate(seconds) for _ in range(REPEATS))
        resident = bench.resident_bytes()
    one, many = (SamplingBench(size, streams) for streams in (1, 64))
    return Speed(
        training=training,
        gflops=training * flops_per_character(size.config().model, SYMBOLS) / 1e9,
        sampling=statistics.median(one.rate(seconds / 2) for _ in range(REPEATS)),
        sampling_64=statistics.median(many.rate(seconds / 2) for _ in range(REPEATS)),
        resident_bytes=resident,
    )


def measure_apart(size: Size, workers: int | None, seconds: float = SECONDS) -> Speed:
    """Measure one size in a process of its own, so that its memory is right.

    Raises:
        WorkerError: the process failed or was killed.
    """
    process = Process(__name__, advice="measure a smaller size if memory ran out")
    try:
        process.send({"size": asdict(size), "workers": workers, "seconds": seconds})
        return Speed(**process.answer())
    finally:
        process.dismiss()
        process.wait(patience=0)


def serve(orders: TextIO, answers: TextIO) -> None:
    """Measure what is ordered, in the process that ``measure_apart`` starts."""
    order = json.loads(orders.readline())
    speed = measure(Size(**order["size"]), order["workers"], order["seconds"])
    answers.write(json.dumps(asdict(speed)) + "\n")


def resident_bytes(pids: Sequence[int]) -> int | None:
    """What this process and its workers hold in memory, pages that they share counted once.

    Where the system does not tell that, it is the peak of this process times their number, which is too much;
    None where it tells neither.
    """
    try:
        reports = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in ("self", *pids)]
    except OSError:
        try:
            import resource
        except ImportError:  # Windows has none
            return None
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return (1 + len(pids)) * (peak if sys.platform == "darwin" else peak * 1024)
    return sum(1024 * int(re.findall(r"^Pss:\s+(\d+) kB", report, re.MULTILINE)[0]) for report in reports)
