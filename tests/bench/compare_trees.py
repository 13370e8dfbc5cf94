"""Compare the speed of two versions of charlm: this folder, and another such as a worktree of an earlier commit.

Each is a process of its own, asked in turn, so that both meet the same load. Printed are the median and the
quartiles of the ratios of all rounds, above 1 where this folder is faster. Without an argument this folder is
compared with itself, which shows the noise.

    python tests/bench/compare_trees.py ../before --what share --cells lstm gru

``share`` is forward and backward of one worker's half of a batch in processor time, which other work on the
machine disturbs least; ``step`` is a whole training step of two workers; ``sample`` draws from a network of 512
units; ``score`` reads 3,000 lines with one of 256.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parents[2]
SIZES = {"2x128": (128, 2, 50, 50), "256": (256, 1, 64, 64), "512": (512, 1, 64, 64), "2x512": (512, 2, 64, 64)}
SHORT_LINES, CHARACTERS_A_LINE = 3_000, 34


def share(cell: str, hidden: int, layers: int, batch_size: int, seq_len: int) -> Callable[[], object]:
    import numpy as np
    from threadpoolctl import threadpool_limits

    from charlm.base.arrays import FlatVector
    from charlm.data.batches import Batch
    from charlm.training.benchmark import Size

    threadpool_limits(1, user_api="blas")
    model, rng = Size(cell, hidden, layers, batch_size, seq_len).model(), np.random.default_rng(0)
    ids_TB = rng.integers(0, model.vocab_size, (seq_len + 1, batch_size // 2), np.uint8)
    batch = Batch({"x_TB": ids_TB[:-1], "y_TB": ids_TB[1:]}, ids_TB[1:].size, False)
    buffers, state = model.buffers(seq_len, batch_size // 2), model.zero_state(batch_size // 2)
    grads = FlatVector(model.shapes, model.dtype)
    return lambda: model.loss_and_gradient(batch, state, buffers, grads)


def step(cell: str, hidden: int, layers: int, batch_size: int, seq_len: int) -> Callable[[], object]:
    from charlm.config import EngineConfig
    from charlm.training.benchmark import Size, TrainingBench

    bench = TrainingBench(Size(cell, hidden, layers, batch_size, seq_len), EngineConfig(workers=2))
    return bench._step


def sample(cell: str, sequences: int) -> Callable[[], object]:
    from charlm.training.benchmark import SamplingBench, Size

    bench = SamplingBench(Size(cell, 512), sequences)
    return lambda: next(bench._steps)


def score(cell: str) -> Callable[[], object]:
    import numpy as np

    from charlm.engines.numpy.network import open_network
    from charlm.engines.threads import ThreadPool
    from charlm.inference.lines import _costs
    from charlm.training.benchmark import Size

    model, rng = Size(cell, 256).model(), np.random.default_rng(0)
    lengths = rng.integers(CHARACTERS_A_LINE // 2, CHARACTERS_A_LINE * 3 // 2, SHORT_LINES)
    ids_K = rng.integers(0, model.vocab_size, lengths.sum(), np.uint8)
    pool = ThreadPool(2)
    return lambda: _costs(open_network(model, pool), ids_K, 0, lengths)


def answer(what: str, arguments: list) -> None:
    """Repeat the work as often as each line of standard input says; print the seconds."""
    work = {"share": share, "step": step, "sample": sample, "score": score}[what](*arguments)
    clock = time.process_time if what == "share" else time.perf_counter
    for line in sys.stdin:
        began = clock()
        for _ in range(int(line)):
            work()
        print(clock() - began, flush=True)


class Side:
    """A process that measures one version."""

    def __init__(self, folder: Path, what: str, arguments: list) -> None:
        command = [sys.executable, "-P", __file__, "--side", what, "--arguments", json.dumps(arguments)]
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, times: int) -> float:
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def compare(other: Path, what: str, arguments: list, rounds: int, seconds: float) -> str:
    """Ask both sides in turn; return a line with the ratios of the rounds."""
    sides = [Side(HERE, what, arguments), Side(other, what, arguments)]
    times = max(1, round(seconds / max(side.ask(2) / 2 for side in sides)))
    found = []
    for number in range(rounds):
        order = sides if number % 2 else sides[::-1]  # neither is always the first
        spent = {side: side.ask(times) for side in order}
        found.append([spent[side] / times for side in sides])
    for side in sides:
        side.close()
    ratios = [theirs / own for own, theirs in found]
    low, middle, high = statistics.quantiles(ratios, n=4)
    own, theirs = (1000 * statistics.median(column) for column in zip(*found, strict=True))
    return f"{own:8.2f} ms, other {theirs:8.2f} ms, ratio {middle:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, nargs="?", default=HERE, help="folder of the other version")
    parser.add_argument("--what", choices=("share", "step", "sample", "score"), default="share")
    parser.add_argument("--cells", nargs="+", default=["lstm"])
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES), help="of share and step")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each side in a round")
    parser.add_argument("--side")
    parser.add_argument("--arguments")
    options = parser.parse_args()
    if options.side:
        return answer(options.side, json.loads(options.arguments))
    for cell in options.cells:
        questions = {"sample": {"1": [cell, 1], "64": [cell, 64]}, "score": {"": [cell]}}.get(options.what)
        for name, arguments in (questions or {size: [cell, *SIZES[size]] for size in options.sizes}).items():
            found = compare(options.other.resolve(), options.what, arguments, options.rounds, options.seconds)
            print(f"{options.what} {cell:5} {name:6} {found}", flush=True)
    return None


if __name__ == "__main__":
    main()
