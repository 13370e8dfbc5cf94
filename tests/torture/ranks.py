"""Kill and stop random ranks of trainings at random instants; each must end in the bits of an unhurt one.

    python tests/torture/ranks.py --kills 20 --stops 3

It needs PyTorch. A killed rank is restarted by torchrun. A stopped rank is found by the group's timeout, and then
torchrun kills it; where its restart fails, the same command goes on from the last checkpoint.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from charlm.runs.run import Run

STEPS, TIMEOUT = 400, 15  # of a training; seconds until a rank that is stopped is missed
WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "the", "dog", "ran", "fast"]
SETTINGS = (
    f"--steps {STEPS} --save-every 20 --eval-every 100 --hidden 32 --batch-size 16 --workers 1 --seed 3 "
    f"--dropout 0.2 --rank-timeout {TIMEOUT} --quiet"
).split()


def command(folder, text, engine, restarts):
    launcher = ["--standalone", "--no-python", "--nproc-per-node", "2"]
    charlm = [sys.executable, "-m", "charlm", "train", str(text), "--out", str(folder), "--or-resume"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", *launcher, f"--max-restarts={restarts}"]
    return [*torchrun, *charlm, *SETTINGS, "--engine", engine]


def start(folder, text, engine, restarts=2):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(
        command(folder, text, engine, restarts), env={**os.environ, "OMP_NUM_THREADS": "1"}, **quiet
    )


def ranks_of(process):
    """The processes that torchrun started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if b"charlm" in Path(f"/proc/{child}/cmdline").read_bytes()]


def hurt(folder, text, engine, number, rng):
    """Train, with a signal to a rank once there is a checkpoint; how often the command had to be given."""
    process = start(folder, text, engine)
    while not (folder / "config.json").exists() and process.poll() is None:
        time.sleep(0.1)
    time.sleep(rng.uniform(0.0, 3.0))
    if process.poll() is None and (ranks := ranks_of(process)):
        os.kill(rng.choice(ranks), number)
    given = 1
    while process.wait(600):
        given += 1
        assert given < 5, "the same command does not go on"
        process = start(folder, text, engine)
    return given


def weights(folder):
    return Run.open(folder).load_model("last").params.flat


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--stops", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("skipped: PyTorch is not installed")
        return
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        text = Path(name, "text.txt")
        text.write_text("\n".join(" ".join(rng.choices(WORDS, k=9)) for _ in range(300)))
        whole = {}
        for engine in ("numpy", "torch"):
            assert start(Path(name, engine), text, engine).wait(600) == 0, "an unhurt training failed"
            whole[engine] = weights(Path(name, engine))
        for trial in range(options.kills + options.stops):
            number = signal.SIGKILL if trial < options.kills else signal.SIGSTOP
            engine, folder, began = ("numpy", "torch")[trial % 2], Path(name, f"trial-{trial}"), time.monotonic()
            given = hurt(folder, text, engine, number, rng)
            assert np.array_equal(weights(folder), whole[engine]), (
                f"other bits after {number.name} in trial {trial}"
            )
            times = "" if given == 1 else f", the command given {given} times"
            print(
                f"{number.name} of a rank, {engine}: same bits after {time.monotonic() - began:.0f} s{times}",
                flush=True,
            )


if __name__ == "__main__":
    main()
