"""Prepare a file of a gigabyte in many scripts, train on it, and start a second time: speed, memory and seconds.

Run it as ``python tests/bench/prepare_speed.py [--megabytes 1000] [--folder FOLDER]``. The file is made of the
standard library's sources and of generated text. Every figure comes from a process of its own, with a cache that
is empty at first; anonymous resident memory (RssAnon: mapped files do not count) is sampled every 5 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

SCRIPTS = (
    (0x61, 26),
    (0x430, 32),
    (0x3B1, 24),
    (0x5D0, 27),
    (0x905, 50),
    (0x4E00, 3000),
    (0xAC00, 2000),
    (0x1F600, 64),
)
TRAIN = {"hidden": 64, "steps": 20, "batch_size": 16, "seq_len": 64, "sample_every": 0, "workers": 1}
VALIDATED = 20_000  # characters at each validation: scoring more takes time alone


def make_text(path: Path, megabytes: int) -> None:
    """Write about so many megabytes: sources and generated lines in turn."""
    from charlm.data.catalog.builtin import read_builtin

    rng, source = np.random.default_rng(0), read_builtin("python-source").encode()
    with path.open("wb") as file:
        while file.tell() < megabytes * 1_000_000:
            for first, count in SCRIPTS:
                points = rng.integers(first, first + count, 100_000).astype("<u4")
                points[rng.random(len(points)) < 0.15] = ord(" ")
                points[::80] = ord("\n")
                file.write(points.tobytes().decode("utf-32-le").encode())
            start = int(rng.integers(len(source) - 2_000_000))
            file.write(source[start : start + 2_000_000].decode("utf-8", "ignore").encode())


class PeakMemory:
    """The most anonymous memory that this process has had resident, in bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, anonymous_bytes())
            if self._is_over.wait(0.005):
                return


def anonymous_bytes() -> int:
    """RssAnon of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("this system does not tell RssAnon")


def prepare_once(path: str) -> dict[str, float]:
    """Prepare a file, or find it prepared."""
    from charlm.config import CorpusConfig
    from charlm.data.corpus import prepare
    from charlm.data.reading.sources import find_source

    with PeakMemory() as peak:
        began, worked = time.perf_counter(), time.process_time()
        prepared = prepare(find_source([path], ""), CorpusConfig())
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
    sizes = {"codes": len(prepared.ids), "symbols": len(prepared.alphabet)}
    return {"seconds": seconds, "processor": processor, "peak": peak.bytes, **sizes}


def train_once(path: str) -> dict[str, float]:
    """Train a few steps and validate, as ``charlm train`` does."""
    from charlm.data import corpus
    from charlm.data.reading.sources import find_source
    from charlm.training import loop
    from charlm.training.presets import resolve_settings
    from charlm.training.start import new_run, new_trainer

    corpus.VALIDATION_CHARACTERS = VALIDATED
    with PeakMemory() as peak, tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        trainer = new_trainer(find_source([path], ""), resolve_settings(TRAIN))
        with new_run(trainer, Path(folder) / "run") as run:
            started = time.perf_counter() - began
            for _ in loop.train(trainer, run):
                pass
    parameters = trainer.engine._model.params.flat.nbytes
    return {"seconds": started, "peak": peak.bytes, "parameters": parameters}


def in_a_process(task: str, path: Path, cache: Path) -> dict[str, float]:
    """What a task measures in a process of its own; ``total`` are the seconds with Python's own start."""
    began = time.perf_counter()
    command = [sys.executable, __file__, "--task", task, "--path", str(path)]
    environment = os.environ | {"CHARLM_CACHE_DIR": str(cache)}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return json.loads(output) | {"total": time.perf_counter() - began}


def main() -> None:
    """Make the file, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=None, help="where the file and the cache are made")
    parser.add_argument("--task", choices=("prepare", "train"))
    parser.add_argument("--path")
    given = parser.parse_args()
    if given.task:
        print(json.dumps({"prepare": prepare_once, "train": train_once}[given.task](given.path)))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        text, short, cache = (Path(folder) / name for name in ("text.txt", "short.txt", "cache"))
        make_text(text, given.megabytes)
        make_text(short, 1)
        for path in (text, short):
            os.utime(path, (1_000_000_000, 1_000_000_000))
        size = text.stat().st_size / 1e6
        small = in_a_process("train", short, cache)
        first, second = (in_a_process("prepare", text, cache) for _ in range(2))
        trained = in_a_process("train", text, cache)
    rate, steps = size / first["seconds"], TRAIN["steps"]
    print(f"{size:,.0f} MB, {first['codes']:,} characters, {first['symbols']:,} symbols")
    print(f"prepared in {first['seconds']:.1f} s: {rate:.0f} MB/s, peak RssAnon {first['peak'] / 1e6:.0f} MB")
    print(f"with a core to itself {first['processor']:.1f} s: {size / first['processor']:.0f} MB/s")
    print(f"found again in {second['seconds']:.3f} s, {second['total']:.2f} s with Python's start")
    print(f"training starts after {trained['seconds']:.2f} s; {trained['total']:.1f} s in all with {steps} steps")
    print(
        f"peak RssAnon in training {trained['peak'] / 1e6:.0f} MB; on a small text {small['peak'] / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    main()
