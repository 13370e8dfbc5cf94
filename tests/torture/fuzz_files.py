"""Runs with one file changed at random: each is read, or refused in one line, and nothing else happens.

    python tests/torture/fuzz_files.py --count 100000

prints how many files of each kind were refused and read, and by how much the process grew; it fails on any other
exception, on a file that takes SECONDS of work or BLOCKED seconds in all, and where memory grows. The suite tries
the first thousand (tests/runs/test_fuzz.py).
"""

import argparse
import gc
import re
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[2]))

from charlm.base.errors import CharlmError, RunError
from charlm.config import TrainingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.inference.language_model import load_run
from charlm.models.char_rnn import Model
from charlm.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from charlm.runs.corpus_record import CorpusIdentity
from charlm.runs.ngram_file import save_ngram
from charlm.runs.run import Run
from charlm.training.state import TrainerState
from tests.torture.hostile_files import make_mixture
from tests.torture.mutations import mutated_bytes, mutated_header, mutated_json, mutated_lines

KINDS = [
    *(("model.safetensors", mutated_bytes), ("model.safetensors", mutated_header)),
    *(("last.safetensors", mutated_bytes), ("last.safetensors", mutated_header)),
    *(("ngram.safetensors", mutated_bytes), ("ngram.safetensors", mutated_header)),
    *(("config.json", mutated_bytes), ("config.json", mutated_json)),
    *(("vocab.json", mutated_bytes), ("vocab.json", mutated_json)),
    *(("metrics.jsonl", mutated_bytes), ("metrics.jsonl", mutated_lines)),
]
EXTRAS = {"state.0.h": (2, 3)}
SECONDS = 5
BLOCKED = 120
LONGEST_MESSAGE = 1000
WARM_UP = 2000
GROWTH_MB = 8
PEAK_MB = 100
MOST_SHOWN = 10


class Finding(Exception):
    """A changed file did something else than to be read or refused."""


class Fuzzer:
    """A run in a folder, one file of which is changed at a time."""

    def __init__(self, folder, seed=0):
        self._seed = seed
        config = TrainingConfig.from_settings(cell="gru", hidden=3)
        corpus = CorpusIdentity("letters", "text", (), "0" * 64, 20, 18)
        self._run = run = Run.create(folder, config, Vocabulary.of("abc\n"), corpus)
        model = Model(config.model, len(run.vocabulary))
        model.initialize(np.random.default_rng(0))
        save_checkpoint(run.best_path, Checkpoint(model.params), config.model)
        extras = {name: np.ones(shape, "float32") for name, shape in EXTRAS.items()}
        save_checkpoint(run.last_path, Checkpoint(model.params, extras, TrainerState().to_json()), config.model)
        save_ngram(run.ngram_path, make_mixture(len(run.vocabulary)), {"characters": 12})
        for step in range(4):
            run.append_metrics({"step": step, "val_nats_per_char": 1.5, "is_best": True})
        self._whole = {name: (folder / name).read_bytes() for name, _ in KINDS}

    def try_case(self, number):
        """Change a file as a number says, and read the run: whether it was refused.

        Raises:
            Finding: something else happened.
        """
        name, mutate = KINDS[number % len(KINDS)]
        changed = mutate(np.random.default_rng([self._seed, number]), self._whole[name])
        path = self._run.folder / name
        path.write_bytes(changed)
        try:
            self._read()
        except RunError as error:
            message = str(error)
            if not message.isprintable() or not 0 < len(message) < LONGEST_MESSAGE:
                raise Finding(f"{name}: an odd message: {message!r:.200}") from None
            return True
        except Exception as error:
            raise Finding(f"{name}: {type(error).__name__}: {error}") from error
        finally:
            path.write_bytes(self._whole[name])
        return False

    def _read(self):
        """Read everything that there is, as resuming and sampling do."""
        run = Run.open(self._run.folder)
        run.read_metrics()
        last = load_checkpoint(run.last_path, run.network, EXTRAS)
        TrainerState.from_json(last.scalars, str(run.last_path), last.version)
        model = load_run(run, mix=None)
        try:
            model.sample(2)
        except CharlmError as error:
            raise RunError(str(error)) from None


def memory(what):
    """What this process has of memory (VmRSS) or has had at most (VmHWM), in megabytes."""
    return int(re.search(rf"{what}:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def hang(signum, frame):
    raise Finding("it takes too long")


def set_timers(seconds, blocked):
    """Raise a Finding after so much work, or so much time on a machine that may be busy; zeros turn this off."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, blocked)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="try this case alone")
    given = parser.parse_args()
    for alarm in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(alarm, hang)
    outcomes, findings, before = Counter(), [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(Path(folder) / "run", given.seed)
        numbers = range(given.count) if given.only is None else [given.only]
        for number in tqdm(numbers, unit=" files", mininterval=1):
            if number == WARM_UP:
                gc.collect()
                before = memory("VmRSS")
            set_timers(SECONDS, BLOCKED)
            try:
                outcomes[KINDS[number % len(KINDS)][0], fuzzer.try_case(number)] += 1
            except Finding as finding:
                findings.append(f"case {number}: {finding}")
            set_timers(0, 0)
    gc.collect()
    for name in dict.fromkeys(name for name, _ in KINDS):
        print(f"{name:18} refused {outcomes[name, True]:7,}  read {outcomes[name, False]:7,}")
    print(f"{outcomes.total():,} files as they should; {len(findings)} with another exception, or too slow")
    for finding in findings[:MOST_SHOWN]:
        print(finding)
    if before:
        growth, peak = memory("VmRSS") - before, memory("VmHWM") - before
        print(f"memory: grew by {growth:.1f} MB, and by {peak:.1f} MB at most, after the first {WARM_UP:,} files")
        findings += ["memory grows"] * (growth > GROWTH_MB or peak > PEAK_MB)
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
