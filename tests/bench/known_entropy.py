"""See how close models come to sources of known entropy, in bits a character.

Every cell with 32 hidden units and 2,000 steps, on a text of each source that it has not seen, beside what that
text costs the source itself. Some 100 seconds of one core:

    python tests/bench/known_entropy.py

Or one source and the time that charlm has, with all else as it comes: the commands that are run are printed. The
final weights are measured, on the held-out tenth. A text and a run that the folder has are not made again:

    python tests/bench/known_entropy.py --source markov --minutes 2 --workers 1 --folder entropy
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import subprocess
import sys
import tempfile
from itertools import islice
from math import log
from pathlib import Path

import numpy as np

import charlm
from charlm.data.reload import CorpusSearch, reload_corpus
from charlm.data.synthetic import SOURCES
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import load_run
from charlm.runs.find import find_run
from tests.data.synthetic.drawing import draw

CELLS = ("rnn", "gru", "lstm")
CHOSEN = {
    "markov": {"order": 3, "symbols": 4},
    "brackets": {"depth": 8, "kinds": 2, "opening": 0.5},
    "copy": {"lag": 10, "width": 1},
    "counting": {"longest": 10},
}
SETTINGS = {
    "hidden": 32, "steps": 2000, "lr": 0.01, "seq_len": 48, "batch_size": 32, "val_fraction": 0.0, "dropout": 0.0,
    "workers": 1, "eval_every": 2000, "sample_every": 0,
}  # fmt: skip
IN_MINUTES = {"markov": CHOSEN["markov"] | {"concentration": 0.5}, "brackets": CHOSEN["brackets"]}


def compare_cells() -> None:
    """Train and measure every cell on every source; print a row of a Markdown table for each."""
    print("| source | entropy rate | the source |", " | ".join(CELLS), "|")
    for name, settings in CHOSEN.items():
        source = SOURCES.find(name)(**settings)
        training = draw(source, 500_000, np.random.default_rng(1)).characters
        held_out = draw(source, 50_000, np.random.default_rng(2))
        bits = [source.bits_per_char, held_out.bits[1:].mean()]
        for cell in CELLS:
            model = charlm.train(training, cell=cell, **SETTINGS)
            bits.append(model.score(held_out.characters).costs_nats.mean() / log(2))
        options = " ".join(f"--{option} {value}" for option, value in settings.items())
        print(f"| `{name} {options}` |", " | ".join(f"{each:.4f}" for each in bits), "|", flush=True)


def call(*command: object) -> None:
    """Run a command of charlm, and say which."""
    words = [str(word) for word in command]
    print("charlm", shlex.join(words), flush=True)
    subprocess.run([sys.executable, "-m", "charlm", *words], check=True)


def measure(name: str, run_folder: Path) -> None:
    """Print what the held-out tenth costs a run's final weights, and what its source."""
    source, run = SOURCES.find(name)(**IN_MINUTES[name]), find_run(str(run_folder))
    held_out = reload_corpus(run.corpus, run.config, run.vocabulary, CorpusSearch(run.folder)).validation
    # The first character is no target. Drawing again gives the same text, and what each character cost.
    first, length = run.corpus.characters - len(held_out) + 1, run.corpus.characters
    characters, probabilities = zip(*islice(source.draws(np.random.default_rng(0)), first, length), strict=True)
    if "".join(characters) != held_out.text[1:]:
        raise SystemExit(f"{run.name} was trained on another text than this source's")
    model = dataclasses.replace(load_run(run), network=run.load_model("last"))
    with ThreadPool() as pool:
        bits = model.score_with(pool, held_out).costs_nats.mean() / log(2)
    own, rate = -np.log2(probabilities).mean(), source.bits_per_char
    print("| source | entropy rate | the source | charlm | over the source | over the entropy rate |")
    print(f"| {name} | {rate:.4f} | {own:.4f} | {bits:.4f} | {bits / own - 1:+.2%} | {bits / rate - 1:+.2%} |")


def train_and_measure(name: str, minutes: float, workers: int | None, length: int, folder: Path) -> None:
    """Make a source's text, train on it for so long, and measure; what is there already is left as it is."""
    text, run_folder = folder / f"{name}.txt", folder / name
    folder.mkdir(parents=True, exist_ok=True)
    if not text.exists():
        options = [word for option, value in IN_MINUTES[name].items() for word in (f"--{option}", value)]
        call("corpus", "make", name, *options, "--length", length, "--out", text)
    if not run_folder.exists():
        shared = [] if workers is None else ["--workers", workers]
        call("train", text, "--minutes", minutes, *shared, "--out", run_folder)
    measure(name, run_folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", choices=IN_MINUTES)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--length", type=int, default=5_000_000, help="characters of the text")
    parser.add_argument("--folder", type=Path, help="where the text and the run are kept")
    asked = parser.parse_args()
    if asked.source is None:
        compare_cells()
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        train_and_measure(asked.source, asked.minutes, asked.workers, asked.length, folder)


if __name__ == "__main__":
    main()
