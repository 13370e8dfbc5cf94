"""Kill training again and again, inside a save and anywhere else, and resume it each time to the same final bits.

    python tests/torture/kills.py --count 200

Every run is compared with one of the same settings that nobody killed: its weights, moments, carried state,
counters, its curve and the saves that it keeps. After each kill, the last save must be a whole one.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # this process forks

import numpy as np

from charlm.base.errors import RunError
from charlm.cli.app import main as charlm
from charlm.runs.folder import holds_run
from charlm.runs.run import Run

COMMON = "--hidden 12 --seq-len 8 --batch-size 4 --eval-every 7 --sample-every 20 --save-every 3 --keep 2 --quiet"
RUNS = [
    "--steps 60 --cell lstm --optimizer adam --workers 1",
    "--epochs 2.5 --cell gru --optimizer rmsprop --partition random --workers 1 --layers 2",
    "--steps 60 --cell rnn --optimizer sgd --dtype float64 --encoding embedding --workers 1",
    "--steps 60 --cell lstm --optimizer adamw --workers 2 --split-by rows",
]
INSIDE = ("before", "after", "torn")
MOST_CALLS = 60  # of fsync and rename, among which one is chosen to die at
TIMES = {
    *("seconds", "validated_at", "training_seconds", "validation_seconds", "saving_seconds"),
    *("slowest_validation", "slowest_save"),
}


def train(folder, settings, manner=None, calls=0, delay=0.0):
    """Begin or resume a run in a process of its own, and kill it; whether it was killed.

    Args:
        folder: the run's.
        settings: of a new run.
        manner: how to kill: one of INSIDE, or "anywhere"; None lets it live.
        calls: at which call of fsync or rename, where it is inside a save.
        delay: after how many seconds, where it is anywhere.
    """
    new = ["corpus.txt", "--out", str(folder), *COMMON.split(), *settings.split()]
    arguments = ["--resume", str(folder), "--quiet"] if holds_run(folder) else new
    child = os.fork()
    if child == 0:
        if manner in INSIDE:
            plant(manner, calls)
        sys.argv = ["charlm", "train", *arguments]
        try:
            charlm()
        except SystemExit as ended:
            os._exit(ended.code or 0)
        os._exit(99)
    if manner == "anywhere":
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    # A run that was killed after its last save has finished, which resuming it tells.
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) not in (0, RunError.exit_code):
        sys.exit(f"training failed with exit code {os.WEXITSTATUS(status)}: {arguments}")
    return os.WIFSIGNALED(status)


def plant(manner, calls):
    """Have this process die at the given call of what a save is made of."""
    left = [calls]

    def dying(call):
        def counted(*arguments, **keywords):
            left[0] -= 1
            if left[0] == 0 and manner == "torn" and isinstance(arguments[0], int):
                tear(arguments[0])
            if left[0] == 0 and manner != "after":
                os.kill(os.getpid(), signal.SIGKILL)
            call(*arguments, **keywords)
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        return counted

    os.fsync, os.replace = dying(os.fsync), dying(os.replace)


def tear(descriptor):
    """Cut an open file in half, as if the rest had not been written yet; a folder stays."""
    with suppress(OSError):
        os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)


def fingerprint(folder):
    """Everything that a finished run holds but its times."""
    run = Run.open(folder)
    curve = [
        {key: record[key] for key in record if key != "seconds"}
        for record in run.read_metrics() + run.read_training_losses()
    ]
    held = {path.name: tensors_of(path) for path in folder.glob("*.safetensors")}
    return {"curve": curve, "names": sorted(path.name for path in folder.iterdir()), **held}


def tensors_of(path):
    """A file's tensors as bytes by name, and its counters."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        counters = json.loads(file.metadata()["charlm"])
        tensors = {name: np.asarray(file.get_tensor(name)).tobytes() for name in file.keys()}  # noqa: SIM118
    return tensors, {name: value for name, value in counters.items() if name not in TIMES}


def differences(one, other):
    """The names under which two fingerprints differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def torture(count, seed):
    """Kill so many times; how often in each manner, and how many runs that took."""
    rng, kills, runs = random.Random(seed), Counter(), 0
    wholes, seconds = {}, {}
    while kills.total() < count:
        settings = RUNS[runs % len(RUNS)]
        if settings not in wholes:
            began = time.monotonic()
            train(Path(f"whole-{runs}"), settings)
            wholes[settings], seconds[settings] = fingerprint(Path(f"whole-{runs}")), time.monotonic() - began
        folder = Path(f"run-{runs}")
        while True:
            manner = rng.choice([*INSIDE, "anywhere"]) if kills.total() < count else None
            killed = train(
                folder, settings, manner, rng.randint(1, MOST_CALLS), rng.uniform(0, seconds[settings])
            )
            if not killed:
                break
            kills[manner] += 1
            if holds_run(folder):
                Run.open(folder).load_model("last")
        if odd := differences(fingerprint(folder), wholes[settings]):
            sys.exit(
                f"{folder}, after {dict(kills)}: {odd} differ from the run's that was not killed: {settings}"
            )
        runs += 1
    return kills, runs


def main():
    """Parse the command line, torture, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="how many kills")
    parser.add_argument("--seed", type=int, default=1, help="of what is random")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("corpus.txt").write_text("".join(rng.choice(list("abcdefgh \n"), 900)))
        kills, runs = torture(options.count, options.seed)
        os.chdir("/")
    told = {"before": "before an fsync or rename", "after": "after one", "torn": "with a file half written"}
    for manner, number in sorted(kills.items()):
        print(f"{number:6d} kills {told.get(manner, 'at a random time')}")
    print(f"{kills.total()} kills in {runs} runs: every run was resumed to the same final bits")


if __name__ == "__main__":
    main()
