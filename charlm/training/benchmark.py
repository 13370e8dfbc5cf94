"""Measure the speed of training and sampling, and of matrix products."""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self, TextIO

import numpy as np

from charlm.base.errors import WorkerError, hinting
from charlm.config import DeviceConfig, EngineConfig, SamplingConfig, TrainingConfig
from charlm.data.corpus import prepare_corpus
from charlm.data.reading.sources import make_text_source
from charlm.engines.devices import NUMPY, open_network
from charlm.engines.numpy.process import Process
from charlm.engines.split import settle_split
from charlm.engines.threads import ThreadPool
from charlm.inference.generate import all_filters, generate_ids
from charlm.models.architecture import flops_per_character
from charlm.models.char_rnn import Model
from charlm.training.presets import PRESETS, resolve_settings
from charlm.training.start import make_trainer

VOCAB_SIZE = 65  # that of tiny-shakespeare
BENCH_CHARACTERS = 200_000
PEAK_SIZE = 2048  # rows and columns of the product that measures the peak throughput
REPEATS, SECONDS = 5, 1.0  # of a training measurement


@dataclass(frozen=True)
class Size:
    """A network and its batches, or a preset with its dropout and EMA.

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
        """The size of a preset."""
        config = resolve_settings({"preset": name}).for_corpus(BENCH_CHARACTERS, VOCAB_SIZE)
        model, batching = config.model, config.batching
        return cls(model.cell, model.hidden, model.layers, batching.batch_size, batching.seq_len, name)

    @property
    def name(self) -> str:
        """The size as a short phrase."""
        return f"{self.cell} H{self.hidden} L{self.layers} B{self.batch_size} T{self.seq_len}"

    def config(self) -> TrainingConfig:
        """The settings of the timed run."""
        timed = {"schedule": "constant", "lr": 1e-3, "val_fraction": 0.0}
        network = {name: getattr(self, name) for name in ("cell", "hidden", "layers", "batch_size", "seq_len")}
        recipe = {"steps": 1, "dropout": 0.0} if self.preset is None else {"preset": self.preset}
        return resolve_settings({**timed, **network, **recipe}).for_corpus(BENCH_CHARACTERS, VOCAB_SIZE)

    def model(self) -> Model:
        """A new network of this size."""
        model = Model(self.config().model, VOCAB_SIZE)
        model.initialize(np.random.default_rng(0))
        return model


SIZES = (
    *map(Size.of_preset, PRESETS),
    Size("lstm", 128, 2, 50, 50), Size("lstm", 256), Size("lstm", 512), Size("lstm", 512, 2),
)  # fmt: skip


@dataclass(frozen=True)
class Speed:
    """A size's measurements, as medians."""

    training: float
    gflops: float
    sampling: float
    sampling_64: float
    resident_bytes: int | None


class TrainingBench:
    """Timed training steps on random text."""

    def __init__(self, size: Size, engine: EngineConfig, characters: int = BENCH_CHARACTERS) -> None:
        symbols = "".join(chr(0x41 + index) for index in range(VOCAB_SIZE))
        text = "".join(symbols[index] for index in np.random.default_rng(0).integers(0, VOCAB_SIZE, characters))
        config = size.config()
        config = replace(config, engine=engine)
        config = replace(config, engine=settle_split(config))
        self._trainer = make_trainer(config, prepare_corpus(make_text_source(text), config))
        self._step()

    def _step(self) -> int:
        """Take a step; give its characters."""
        self._trainer.state, _, targets = self._trainer.step(0.0)
        return targets

    def close(self) -> None:
        """End the workers."""
        self._trainer.close()

    def chars_per_second(self, seconds: float) -> float:
        """The speed over at least this time."""
        return _chars_per_second(self._step, seconds)

    def resident_bytes(self) -> int | None:
        """Memory of all training processes."""
        return resident_bytes(self._trainer.engine.pids)


class SamplingBench:
    """Timed sampling from a new network."""

    def __init__(self, size: Size, sequences: int, device: DeviceConfig = NUMPY) -> None:
        settings, network = SamplingConfig(num=sequences), open_network(size.model(), config=device)
        self._steps = generate_ids(network, np.zeros(1, np.uint8), all_filters({}), settings)

    def chars_per_second(self, seconds: float) -> float:
        """The speed of all sequences together."""
        return _chars_per_second(lambda: len(next(self._steps)), seconds)


def _chars_per_second(step: Callable[[], int], seconds: float) -> float:
    """The speed of a step that returns its number of characters."""
    began, characters = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        characters += step()
    return characters / spent


def peak_gflops(pool: ThreadPool) -> float:
    """Peak of square matrix products on all workers, in 10^9 operations per second."""
    rng = np.random.default_rng(0)
    factors = [rng.standard_normal((PEAK_SIZE, PEAK_SIZE)).astype(np.float32) for _ in range(pool.workers)]
    products = [np.empty_like(factor) for factor in factors]

    def multiply(worker: int) -> None:
        np.matmul(factors[worker], factors[worker], out=products[worker])

    best = 0.0
    for _ in range(REPEATS):
        began = time.perf_counter()
        pool.run([lambda worker=worker: multiply(worker) for worker in range(pool.workers)])  # type: ignore[misc]
        best = max(best, pool.workers * 2 * PEAK_SIZE**3 / (time.perf_counter() - began) / 1e9)
    return best


def measure(size: Size, engine: EngineConfig, seconds: float = SECONDS) -> Speed:
    """Measure a size for about ten times ``seconds``; memory needs a new process."""
    with closing(TrainingBench(size, engine)) as bench:
        training = statistics.median(bench.chars_per_second(seconds) for _ in range(REPEATS))
        resident = bench.resident_bytes()
    one, many = (SamplingBench(size, sequences, engine) for sequences in (1, 64))
    return Speed(
        training=training,
        gflops=training * flops_per_character(size.config().model, VOCAB_SIZE) / 1e9,
        sampling=statistics.median(one.chars_per_second(seconds / 2) for _ in range(REPEATS)),
        sampling_64=statistics.median(many.chars_per_second(seconds / 2) for _ in range(REPEATS)),
        resident_bytes=resident,
    )


def measure_apart(size: Size, engine: EngineConfig, seconds: float = SECONDS) -> Speed:
    """Measure a size in its own process.

    Raises:
        WorkerError: the process failed or was killed.
    """
    process = Process(__name__)
    try:
        process.send({"size": asdict(size), "engine": engine.to_json(), "seconds": seconds})
        with hinting("measure a smaller size if memory ran out", WorkerError):
            return Speed(**process.answer())
    finally:
        process.dismiss()
        process.wait(patience=0)


def serve(requests: TextIO, answers: TextIO) -> None:
    """Measure the requested size for ``measure_apart``."""
    request = json.loads(requests.readline())
    speed = measure(Size(**request["size"]), EngineConfig(**request["engine"]), request["seconds"])
    answers.write(json.dumps(asdict(speed)) + "\n")


def resident_bytes(pids: Sequence[int]) -> int | None:
    """Memory of this process and its workers (PSS); else an upper bound, or None."""
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
