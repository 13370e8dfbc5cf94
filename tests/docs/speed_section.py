"""The tables of speed, rendered from what ``make bench`` measured."""

import json
from pathlib import Path

from tests.docs.section import Section, table

MEASURED = Path(__file__).parents[1] / "bench" / "speed.json"
SECTION = Section("tests/bench/README.md", "speed")
SUMMARY = Section("README.md", "speed")
CELLS = ("lstm", "gru", "rnn")
SAMPLING = {"1": "one sequence", "64": "64 sequences at once"}
SHOWN = {"hidden": 256, "layers": 1}  # of the training steps in the summary


def measured():
    """What was measured, as the JSON file has it."""
    return json.loads(MEASURED.read_text(encoding="utf-8"))


def rate(chars_per_second):
    return f"{chars_per_second / 1000:.{1 if chars_per_second < 10_000 else 0}f}k"


def rates(found):
    """The speeds of charlm and of PyTorch, and their ratio."""
    ours, theirs = (rate(found["chars_per_second"][side]) for side in ("charlm", "torch"))
    return ours, theirs, f"**{found['ratio']:.2f}**"


def entry(found):
    """One comparison, such as "21k / 18k = **1.17**"."""
    return "{} / {} = {}".format(*rates(found))


def rendered():
    """The section of all sizes, marks included."""
    results, machine = measured()["results"], measured()["machine"]
    by_size = {}
    for found in results:
        size = f"H{found['hidden']} L{found['layers']} B{found['batch_size']} T{found['seq_len']}"
        if found["what"] == "training":
            by_size.setdefault(size, {})[found["cell"]] = found
    rows = [
        [size, *(entry(found[cell]) for cell in CELLS), f"{found['lstm']['memory_ratio']:.2f}"]
        for size, found in by_size.items()
    ]
    sampling = [[SAMPLING[found["what"]], entry(found)] for found in results if found["what"] in SAMPLING]
    return SECTION.marked(
        *table(["training step", "LSTM", "GRU", "RNN", "memory, LSTM"], rows),
        "",
        *table(["sampling, LSTM H512 L1", "chars/s"], sampling),
        "",
        f"{machine['processor']}, {machine['workers']} cores, NumPy {machine['numpy']}, PyTorch",
        f"{machine['torch']}; medians of {results[0]['rounds']} interleaved rounds.",
    )


def summary():
    """The section of one size, marks included."""
    results = measured()["results"]
    training = {
        found["cell"]: found
        for found in results
        if found["what"] == "training" and SHOWN.items() <= found.items()
    }
    rows = [[f"train, {cell.upper()}", *rates(training[cell])] for cell in CELLS]
    rows += [[f"sample, {SAMPLING[found['what']]}", *rates(found)] for found in results if found["what"] == "1"]
    return SUMMARY.marked(*table(["", "charlm", "PyTorch", "ratio"], rows))
