"""Measure what each ingredient of the recipe changes: one is added to a plain LSTM, or taken from it, at a time.

Run it as ``python tests/bench/ingredients.py tinyshakespeare.txt``, for one corpus after another: what was
measured is kept in ingredients.json, and a trial that stands there with the same settings is not run again. Every
trial has the same time on one core; two run side by side where there are two cores. The first 80% of the text are
trained on and the next 10% validated on; the last 10% are never read.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_suffix(".json")
MINUTES = 2.0

TRIALS: dict[str, dict[str, Any]] = {
    "plain": {},
    "plain, seed 2": {"seed": 2},
    "averaged weights": {"average": 100},
    "gru": {"cell": "gru"},
    "lnlstm": {"cell": "lnlstm"},
    "mlstm": {"cell": "mlstm", "lr": 4.8e-3},
    "two layers": {"layers": 2, "hidden": 176},
    "two layers, residual": {"layers": 2, "hidden": 176, "residual": True},
    "two layers, mingru": {"layers": 2, "cell": "mingru"},
    "weight-drop": {"weight_drop": 0.1},
    "dropout of inputs": {"input_dropout": 0.05},
    "dropout": {"dropout": 0.1},
    "locked dropout": {"dropout": 0.1, "locked_dropout": True},
    "varied chunks": {"partition": "varied"},
    "weight decay": {"optimizer": "adamw", "weight_decay": 0.05},
    "learned state": {"learned_state": True},
    "embedding": {"encoding": "embedding", "embedding_size": 256},
    "tied embedding": {"encoding": "embedding", "embedding_size": 256, "tied": True},
    "forget bias 0": {"forget_bias": 0.0},
    "no warm-up": {"warmup": 0},
    "constant rate": {"schedule": "constant"},
    "no clipping": {"clip": 0.0},
    "Xavier inputs": {"one_hot_deviation": 0.125},
    "Xavier W_hh": {"orthogonal": False},
    "several at once": {
        "forget_bias": 0.0,
        "partition": "varied",
        "average": 150,
        "dropout": 0.17,
        "weight_drop": 0.06,
    },
}
PLAIN = {
    "cell": "lstm", "layers": 1, "hidden": 256, "encoding": "one-hot", "forget_bias": 1.0, "seq_len": 64,
    "batch_size": 64, "partition": "sequential", "optimizer": "adam", "lr": 1.6e-2, "schedule": "cosine",
    "warmup": 50, "clip": 1.0, "dropout": 0.0,
}  # fmt: skip


def train(corpus: str, settings: dict[str, Any], minutes: float) -> None:
    """One trial, in this process; its summary goes to standard output."""
    import charlm.nn.cell
    import charlm.nn.embedding
    from charlm.cli.app import main
    from charlm.nn.init import xavier_

    # The initialisation is no setting of charlm's: what it gains is measured by doing without it.
    usual = charlm.nn.embedding.ONE_HOT_DEVIATION
    charlm.nn.embedding.ONE_HOT_DEVIATION = settings.pop("one_hot_deviation", usual)
    if not settings.pop("orthogonal", True):
        charlm.nn.cell.orthogonal_ = xavier_
    flags = [f"--minutes={minutes}", "--split=80/10/10", "--workers=1", "--sample-every=0", "--json", "--quiet"]
    for name, value in (PLAIN | settings).items():
        dashed = name.replace("_", "-")
        flags.append(f"--{'' if value else 'no-'}{dashed}" if isinstance(value, bool) else f"--{dashed}={value}")
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["charlm", "train", corpus, f"--out={folder}/run", *flags]
        main()


def run(corpus: Path, name: str, core: int, minutes: float) -> dict[str, Any]:
    """One trial, in a process of its own that keeps to one core.

    Raises:
        subprocess.CalledProcessError: it failed; what it said has been passed on.
    """
    command = [sys.executable, __file__, str(corpus), "--only", name, f"--minutes={minutes}", f"--core={core}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    summary = json.loads(done.stdout.splitlines()[-1])
    figures = ("steps", "parameters", "train_nats_per_char", "val_nats_per_char")
    return {"minutes": minutes, "set": TRIALS[name], **{figure: summary[figure] for figure in figures}}


def measure(corpus: Path, minutes: float) -> None:
    """Every trial that is not in the results yet, as many at a time as there are cores."""
    lock = threading.Lock()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    mine = results.setdefault(corpus.stem, {})

    def stands(name: str) -> bool:
        return name in mine and (mine[name]["minutes"], mine[name]["set"]) == (minutes, TRIALS[name])

    left: Iterator[str] = iter([name for name in TRIALS if not stands(name)])

    def work(core: int) -> None:
        while (name := next(left, None)) is not None:
            found = run(corpus, name, core, minutes)
            with lock:
                mine[name] = found
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
                print(name, found, flush=True)

    workers = [threading.Thread(target=work, args=(core,)) for core in sorted(os.sched_getaffinity(0))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def command() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--only", choices=TRIALS, help="run this trial here, and print its summary")
    parser.add_argument("--core", type=int, help="keep to this core")
    asked = parser.parse_args()
    if asked.only is None:
        measure(asked.corpus, asked.minutes)
    else:
        if asked.core is not None:
            os.sched_setaffinity(0, {asked.core})
        train(str(asked.corpus), dict(TRIALS[asked.only]), asked.minutes)


if __name__ == "__main__":
    command()
