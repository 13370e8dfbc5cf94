"""Compare charlm's speed with PyTorch's on this machine, and write what was measured to a JSON file.

Run it by `make bench`. The two sides are processes of their own (this file, called with a side's name), each
asked in turn to train for a moment, so that both meet the same weather; medians and ratios are of that one run.
The PyTorch side is eager mode: nn.Embedding or one-hot input, nn.LSTM, nn.GRU or nn.RNN, nn.Linear, Adam and
gradient clipping, float32, with as many threads as charlm has workers. Memory is PyTorch's peak resident size,
and that of charlm's processes with the pages that they share counted once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy

SYMBOLS = 65
ROUNDS = 9
SECONDS = 2.0
SIZES = [(128, 2, 50, 50), (256, 1, 64, 64), (512, 1, 64, 64), (512, 2, 64, 64)]
CELLS = ["lstm", "gru", "rnn"]


def charlm_side(
    what: str, cell: str, hidden: int, layers: int, batch_size: int, seq_len: int, workers: int, engine: str
):
    from charlm.config import EngineConfig
    from charlm.training.benchmark import SamplingBench, Size, TrainingBench

    size = Size(cell, hidden, layers, batch_size, seq_len)
    if what == "training":
        bench = TrainingBench(size, EngineConfig(engine=engine, workers=workers))
        return bench.chars_per_second, bench.resident_bytes
    device = EngineConfig(engine=engine)
    return SamplingBench(size, int(what), device).chars_per_second, lambda: 0


def torch_side(
    what: str, cell: str, hidden: int, layers: int, batch_size: int, seq_len: int, workers: int, engine: str
):
    import torch
    from torch import nn

    torch.set_num_threads(workers)
    torch.manual_seed(0)
    kinds = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
    recurrent = kinds[cell](SYMBOLS, hidden, layers)
    readout = nn.Linear(hidden, SYMBOLS)
    parameters = [*recurrent.parameters(), *readout.parameters()]
    adam = torch.optim.Adam(parameters, lr=1e-3)
    ids = torch.randint(0, SYMBOLS, (seq_len + 1, batch_size))
    carried = None

    def detached(state):
        return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()

    def step():
        nonlocal carried
        x = nn.functional.one_hot(ids[:-1], SYMBOLS).float()
        h, state = recurrent(x, carried)
        carried = detached(state)
        loss = nn.functional.cross_entropy(readout(h).reshape(-1, SYMBOLS), ids[1:].reshape(-1))
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()

    def training(seconds: float) -> float:
        began, steps = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds:
            step()
            steps += 1
        return steps * batch_size * seq_len / spent

    @torch.no_grad()
    def sampling(seconds: float) -> float:
        streams = int(what)
        state, x = None, torch.zeros(streams, dtype=torch.long)
        began, steps = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds:
            h, state = recurrent(nn.functional.one_hot(x, SYMBOLS).float()[None], state)
            x = torch.multinomial(torch.softmax(readout(h[0]), dim=-1), 1)[:, 0]
            steps += 1
        return steps * streams / spent

    def peak_bytes() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    return training if what == "training" else sampling, peak_bytes


def answer(side: str, what: str, size: dict) -> None:
    """Answer one measurement a line of standard input, for so many seconds, until it ends."""
    measure, held_bytes = (charlm_side if side == "charlm" else torch_side)(what, **size)
    for line in sys.stdin:
        print(json.dumps([measure(float(line)), held_bytes()]), flush=True)


class Side:
    """A process that measures one thing of one side at one size."""

    def __init__(self, python: str, side: str, what: str, size: dict) -> None:
        command = [python, __file__, "--side", side, "--what", what, "--size", json.dumps(size)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, seconds: float) -> list[float]:
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def compare(size: dict, what: str, rounds: int, seconds: float, torch_python: str) -> dict:
    """Interleave the two sides at one size: medians, the ratio of medians, and peaks of memory."""
    pythons = {"charlm": torch_python if size["engine"] == "torch" else sys.executable, "torch": torch_python}
    sides = {name: Side(python, name, what, size) for name, python in pythons.items()}
    answers: dict[str, list] = {name: [] for name in sides}
    for round_number in range(rounds + 1):
        for name, side in sides.items():
            answered = side.ask(seconds)
            if round_number:  # the first round is warm-up
                answers[name].append(answered)
    for side in sides.values():
        side.close()
    medians = {name: statistics.median(speed for speed, _ in answered) for name, answered in answers.items()}
    peaks = {name: max(peak for _, peak in answered) for name, answered in answers.items()}
    return {
        **size, "what": what, "rounds": rounds,
        "chars_per_second": medians, "ratio": medians["charlm"] / medians["torch"],
        "peak_bytes": peaks, "memory_ratio": peaks["charlm"] / peaks["torch"],
    }  # fmt: skip


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        described = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    return re.findall(r"model name\s*: (.+)", described)[0]


def versions(torch_python: str) -> dict[str, str]:
    """What the two sides run on."""
    found = {"numpy": numpy.__version__}
    ask = [torch_python, "-c", "import torch; print(torch.__version__)"]
    found["torch"] = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side")
    parser.add_argument("--what")
    parser.add_argument("--size")
    parser.add_argument("--torch-python", help="an interpreter that has PyTorch 2.13")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    parser.add_argument("--engine", choices=("numpy", "torch"), default="numpy", help="charlm's")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    if options.side:
        return answer(options.side, options.what, json.loads(options.size))
    names = ("hidden", "layers", "batch_size", "seq_len")
    results, load = [], os.getloadavg()[0]
    for shape in SIZES:
        for cell in CELLS:
            size = dict(zip(names, shape, strict=True)) | {"cell": cell}
            size |= {"workers": options.workers, "engine": options.engine}
            questions = ["training", "1", "64"] if cell == "lstm" and shape == SIZES[2] else ["training"]
            for what in questions:
                found = compare(size, what, options.rounds, options.seconds, options.torch_python)
                results.append(found)
                rates = found["chars_per_second"]
                print(
                    f"{cell:4} H{shape[0]} L{shape[1]} B{shape[2]} T{shape[3]} {what:8} "
                    f"charlm {rates['charlm']:9,.0f}  torch {rates['torch']:9,.0f}  ratio {found['ratio']:.2f}  "
                    f"memory {found['memory_ratio']:.2f}",
                    flush=True,
                )
    machine = {"processor": processor(), "workers": options.workers} | versions(options.torch_python)
    machine |= {"load": load}
    options.out.write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")
    return None


if __name__ == "__main__":
    main()
