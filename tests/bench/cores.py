"""Measure how training speeds up with workers, by columns and by rows: tests/bench/cores.sh calls it.

Each number of workers and split is a separate training. All run in turn for a moment, so that they meet the same
load. Printed are medians of chars/s, and their ratio to two workers by columns. More workers than cores show what
that costs. ``--busy`` adds a process that keeps one core busy. ``--shares`` instead prints
the processor time of one worker's share of a step, which other work disturbs least, and which needs one core,
but leaves out waiting.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing

import numpy as np
from threadpoolctl import threadpool_limits

from charlm.base.arrays import FlatVector
from charlm.config import EngineConfig
from charlm.data.batches import Batch
from charlm.engines.threads import usable_cores
from charlm.nn.dropout import NO_REGULARIZATION
from charlm.nn.unit_share import UnitShare
from charlm.training.benchmark import Size, TrainingBench
from tests.bench.compare_torch import Side, processor

SIZES = {"128": (128, 1, 64, 64), "2x128": (128, 2, 50, 50), "256": (256, 1, 64, 64), "512": (512, 1, 64, 64)}
SPLITS = ("columns", "rows")
BUSY = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {int(sys.argv[1])})
while True:
    pass
"""


def measure(
    size: Size, workers: list[int], rounds: int, seconds: float, torch_python: str | None
) -> dict[str, list]:
    """The chars/s of each kind of training, a list by its name."""
    with ExitStack() as stack:
        asked = {}
        for number in workers:
            for split in SPLITS if number > 1 else SPLITS[:1]:
                bench = TrainingBench(size, EngineConfig(workers=number, split_by=split))
                asked[f"{number} {split}"] = stack.enter_context(closing(bench)).chars_per_second
            if torch_python:
                names = ("cell", "hidden", "layers", "batch_size", "seq_len")
                shape = {name: getattr(size, name) for name in names} | {"workers": number, "engine": "numpy"}
                side = stack.enter_context(closing(Side(torch_python, "torch", "training", shape)))
                asked[f"{number} torch"] = lambda moment, side=side: side.ask(moment)[0]
        found = {name: [] for name in asked}
        for round_number in range(rounds + 1):
            for name, ask in asked.items():
                speed = ask(seconds)
                if round_number:  # the first round is warm-up
                    found[name].append(speed)
    return found


def share(size: Size, workers: int, split: str):
    """One worker's part of a step, with zeros for the values of the others."""
    model, rng = size.model(), np.random.default_rng(0)
    columns = size.batch_size // workers if split == "columns" else size.batch_size
    ids_TB = rng.integers(0, model.vocab_size, (size.seq_len + 1, columns), np.uint8)
    batch = Batch({"x_TB": ids_TB[:-1], "y_TB": ids_TB[1:]}, size.seq_len * size.batch_size, False)
    buffers, state = model.buffers(size.seq_len, columns), model.zero_state(columns)
    if split == "rows":
        units = UnitShare(size.hidden, 0, workers, np.zeros, lambda: None)
        buffers = model.shared_buffers(size.seq_len, columns, NO_REGULARIZATION, units)
        state = tuple(tuple(variable_BH[:, units.own] for variable_BH in layer) for layer in state)
    grads = FlatVector(model.shapes, model.dtype)
    return lambda: model.loss_and_gradient(batch, state, buffers, grads)


def print_shares(size: Size, workers: list[int], rounds: int) -> None:
    """Print the least milliseconds of a worker's share, and the ratio."""
    for number in workers:
        steps = {split: share(size, number, split) for split in SPLITS}
        least = dict.fromkeys(SPLITS, np.inf)
        for _ in range(rounds + 1):
            for split, step in steps.items():
                began = time.process_time()
                step()
                least[split] = min(least[split], 1000 * (time.process_time() - began))
        columns, rows = least.values()
        ratio = columns / rows
        print(f"{size.name}  {number:2} workers: columns {columns:6.1f} ms  rows {rows:6.1f} ms  {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["256", "512"])
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 4, 8, 16])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.7)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--shares", action="store_true")
    parser.add_argument("--torch-python")
    options = parser.parse_args()
    print(f"{processor()}, {usable_cores()} cores, {options.cell}{', one of them busy' if options.busy else ''}")
    for name in options.sizes:
        size = Size(options.cell, *SIZES[name])
        if options.shares:
            with threadpool_limits(1, user_api="blas"):
                print_shares(size, options.workers, options.rounds)
            continue
        core = str(max(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "0"
        busy = subprocess.Popen([sys.executable, "-c", BUSY, core]) if options.busy else None
        try:
            found = measure(size, options.workers, options.rounds, options.seconds, options.torch_python)
        finally:
            if busy is not None:
                busy.kill()
                busy.wait()
        base = found.get("2 columns") or next(iter(found.values()))
        for kind, speeds in found.items():
            ratio = statistics.median(mine / other for mine, other in zip(speeds, base, strict=True))
            print(f"{size.name}  {kind:10} {statistics.median(speeds):9,.0f} chars/s  {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
