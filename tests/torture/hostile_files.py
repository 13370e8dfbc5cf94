"""Runs whose files a stranger has made to do harm, and what refusing each costs: seconds and megabytes.

    python -m tests.torture.hostile_files

prints a line for each case, measured in a process of its own, and fails where one is not refused. The suite tries
the same cases (tests/runs/test_hostile.py).
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from charlm.base.errors import RunError
from charlm.config import TrainingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.inference.language_model import load_run
from charlm.models.char_rnn import Model
from charlm.models.ngram.counts import count_levels
from charlm.models.ngram.mixture import TENTHS, NgramMixture
from charlm.models.ngram.trie import NgramTrie
from charlm.runs.checkpoint import Checkpoint, save_checkpoint
from charlm.runs.corpus_record import CorpusIdentity
from charlm.runs.format_version import stamp
from charlm.runs.ngram_file import save_ngram
from charlm.runs.run import Run

CONFIG, VOCAB, BEST, METRICS = "config.json", "vocab.json", "model.safetensors", "metrics.jsonl"
NGRAM = "ngram.safetensors"
MB = 1_000_000
TERABYTES = 8 * 2**40


def make_run(folder):
    """A whole run of a tiny model."""
    corpus = CorpusIdentity("letters", "text", (), "0" * 64, 20, 18)
    config = TrainingConfig.from_settings(cell="lstm", hidden=4)
    run = Run.create(folder, config, Vocabulary.of("abc\n"), corpus)
    model = Model(config.model, len(run.vocabulary))
    model.initialize(np.random.default_rng(0))
    for path in (run.best_path, run.last_path):
        save_checkpoint(path, Checkpoint(model.params), config.model)
    save_ngram(run.ngram_path, make_mixture(len(run.vocabulary)), {})
    run.append_metrics({"step": 3, "val_nats_per_char": 1.5})
    return run


def make_mixture(vocab_size):
    """The n-grams of a short text, mixed in halves."""
    levels = count_levels(np.array([0, 1, 2, 0, 1, 3, 0, 1, 2, 1, 1, 0], np.uint8) % vocab_size, vocab_size, 3)
    return NgramMixture(NgramTrie.from_levels(levels), np.full((TENTHS, TENTHS), 0.5))


def load(folder):
    """Read everything that a run's folder holds."""
    run = Run.open(folder)
    load_run(run, mix=None)
    run.read_metrics()
    return run


def whole(name, make):
    """A case: another content of a file; ``make`` gives it when it is wanted."""
    return lambda folder: (folder / name).write_bytes(make())


def settings(**changed):
    """A case: settings of the model, by name."""

    def spoil(folder):
        values = json.loads((folder / CONFIG).read_text())
        values["training"]["model"] |= changed
        (folder / CONFIG).write_text(json.dumps(values))

    return spoil


def header(make, name=BEST):
    """A case: a file's tensors under another header; ``make`` gives it from the right one."""

    def spoil(folder):
        data = (folder / name).read_bytes()
        end = 8 + int.from_bytes(data[:8], "little")
        text = make(json.loads(data[8:end]))
        text = text if isinstance(text, bytes) else json.dumps(text).encode()
        (folder / name).write_bytes(len(text).to_bytes(8, "little") + text + data[end:])

    return spoil


def with_hole(name, spoil=None):
    """A case: a file with a hole of terabytes at its end, after it was spoilt in another way."""

    def stretch(folder):
        if spoil is not None:
            spoil(folder)
        os.truncate(folder / name, TERABYTES)

    return stretch


def replaced(name, put):
    """A case: something else in a file's place."""

    def spoil(folder):
        (folder / name).unlink()
        put(folder / name)

    return spoil


def without_numbers(folder):
    """A case: every weight is NaN."""
    data = (folder / BEST).read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    (folder / BEST).write_bytes(data[:end] + np.full((len(data) - end) // 4, np.nan, "<f4").tobytes())


def claiming_terabytes(values):
    return values | {"rnn.weight_hh_l0": {"dtype": "F32", "shape": [2**40, 2], "data_offsets": [0, TERABYTES]}}


def claiming_ngrams(values):
    names = [name for name in values if name != "__metadata__"]
    place = TERABYTES - sum(values[name]["data_offsets"][1] for name in names)
    for name in ("symbols", "counts"):
        size = {"U8": 1, "U32": 4}[values[name]["dtype"]] * 10**9
        values[name] |= {"shape": [10**9], "data_offsets": [place, place + size]}
    return values


def vocabulary(symbols):
    """A vocabulary whose symbols are this JSON."""
    rest = json.dumps({**stamp(), "units": "characters", "start": 0, "has_end": False, "rare": []}).encode()
    return rest[:-1] + b',"symbols":' + symbols + b"}"


def characters(count):
    """JSON of as many characters, in code-point order."""
    points = [point for point in range(32, count + 4096) if not 0xD800 <= point < 0xE000][:count]
    return json.dumps([chr(point) for point in points], ensure_ascii=False, separators=(",", ":")).encode()


def filled(size, start, body, end):
    """Bytes of about this size: ``body`` over and over between a start and an end."""
    return start + body * ((size - len(start) - len(end)) // len(body)) + end


def many_keys(size):
    return b"{" + b",".join(b'"%x":0' % number for number in range(size // 9)) + b"}"


CASES = {
    "header: its length is exabytes": whole(BEST, lambda: (2**62).to_bytes(8, "little") + b"{}"),
    "header: as long as a file of terabytes": with_hole(
        BEST, whole(BEST, lambda: (TERABYTES - 8).to_bytes(8, "little"))
    ),
    "header: a tensor of terabytes": header(claiming_terabytes),
    "header: a tensor of a hole of terabytes": with_hole(BEST, header(claiming_terabytes)),
    "header: nested deeply": header(lambda values: b"[" * 19_000 + b"]" * 19_000),
    "header: only opened": header(lambda values: b"[" * MB),
    "header: only closed": header(lambda values: b"]" * MB),
    "header: a key twice": header(lambda values: b'{"a":0,"a":0}'),
    "header: 100,000 keys": header(lambda values: many_keys(MB - 50_000)),
    "header: 20,000 mappings": header(lambda values: filled(60_000, b'{"a":[', b"{},", b"{}]}")),
    "header: a text without end": header(lambda values: filled(MB, b'{"', rb"\"", b"")),
    "header: backslashes": header(lambda values: filled(MB, b'{"', rb"\\", b"")),
    "header: a number of a million digits": header(lambda values: filled(MB, b'{"a":', b"9", b"}")),
    "header: an exponent": header(lambda values: b'{"a":1e999999999}'),
    "header: a name that drives terminals": header(lambda values: values | {"\x1b[2J": 1}),
    "weights: a hole of terabytes": with_hole(BEST),
    "weights: no numbers": without_numbers,
    "ngrams: a hole of terabytes": with_hole(NGRAM),
    "ngrams: a billion in a hole": with_hole(NGRAM, header(claiming_ngrams, NGRAM)),
    "config: 10^6 hidden units": settings(hidden=10**6),
    "config: 65,536 hidden units": settings(hidden=65_536),
    "config: 64 layers of 65,536 in float64": settings(hidden=65_536, layers=64, dtype="float64"),
    "config: a wide embedding": settings(encoding="embedding", embedding_size=65_536),
    "config: a number beyond its limits": settings(forget_bias=10**19),
    "config: a text of 900 kB for a number": settings(hidden="x" * 900_000),
    "config: a list of 900 kB for a number": settings(hidden=[0] * 300_000),
    "config: 60,000 more settings": settings(**{f"{number:x}": 0 for number in range(60_000)}),
    "config: a text without end": whole(CONFIG, lambda: filled(MB, b'{"', rb"\"", b"")),
    "config: terabytes": with_hole(CONFIG),
    "config: of a later charlm": whole(CONFIG, lambda: b'{"format": 9999, "charlm": "99.0"}'),
    "vocabulary: 280,000 characters": whole(VOCAB, lambda: vocabulary(characters(280_000))),
    "vocabulary: every character there is": whole(VOCAB, lambda: vocabulary(characters(1_112_000))),
    "vocabulary: 2 MB of short texts": whole(
        VOCAB, lambda: vocabulary(filled(2 * MB - 200, b'["a"', b',"ab"', b"]"))
    ),
    "vocabulary: 2 MB of numbers": whole(VOCAB, lambda: vocabulary(filled(2 * MB - 200, b"[0", b",1e9", b"]"))),
    "vocabulary: a text without end": whole(VOCAB, lambda: filled(2 * MB, b'{"symbols":["', rb"\"", b"")),
    "vocabulary: terabytes": with_hole(VOCAB),
    "curve: terabytes": with_hole(METRICS),
    "curve: one line of 15 MB": whole(METRICS, lambda: b'{"a":"' + b"x" * (15 * MB)),
    "curve: 5 million records": whole(METRICS, lambda: b"{}\n" * (5 * MB)),
    "curve: lists": whole(METRICS, lambda: filled(60_000, b'{"a":[0', b",[]", b"]}") + b"\n"),
    "curve: nested deeply": whole(METRICS, lambda: b"[" * 15_000 + b"]" * 15_000 + b"\n"),
}
for _name in (CONFIG, VOCAB, BEST, METRICS, NGRAM):
    CASES |= {
        f"{_name}: a folder": replaced(_name, Path.mkdir),
        f"{_name}: a pipe": replaced(_name, os.mkfifo),
        f"{_name}: an endless device": replaced(_name, lambda path: path.symlink_to("/dev/zero")),
        f"{_name}: a link to itself": replaced(_name, lambda path: path.symlink_to(path.name)),
    }


def measure(good, spoilt):
    """Read a spoilt run in this process, after a good one; print what that cost and what it was refused with."""
    load(good)
    # The peak is set back to what there is now; a process begins with its parent's.
    Path("/proc/self/clear_refs").write_text("5")
    before, start, refusal = peak(), time.perf_counter(), None
    try:
        load(spoilt)
    except RunError as error:
        refusal = str(error).replace(f"{spoilt}/", "")
    seconds = time.perf_counter() - start
    print(f"{seconds:6.3f} s {(peak() - before) / 1024:6.1f} MB  {spoilt.name}: {refusal}")
    return refusal is not None


def peak():
    """The most memory that this process has had, in kilobytes."""
    return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])


def measure_apart(case, folder):
    """Measure a case in a process that has not made it itself."""
    spoilt = folder / case
    make_run(spoilt)
    CASES[case](spoilt)
    command = [sys.executable, "-m", "tests.torture.hostile_files", str(folder / "good"), str(spoilt)]
    return subprocess.run(command, check=False).returncode == 0


def main():
    if len(sys.argv) > 1:
        sys.exit(not measure(*map(Path, sys.argv[1:])))
    with tempfile.TemporaryDirectory() as folder:
        make_run(Path(folder) / "good")
        refused = [measure_apart(case, Path(folder)) for case in CASES]
    sys.exit(not all(refused))


if __name__ == "__main__":
    main()
