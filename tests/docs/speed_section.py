"""The tables of speed and of ranks, rendered from what ``make bench`` measured."""

import json

from tests.bench import scaling
from tests.docs.section import Section, table

SECTION = Section("tests/bench/README.md", "speed")
TORCH = Section("tests/bench/README.md", "speed of the PyTorch engine")
RANKS = Section("tests/bench/README.md", "ranks")
SUMMARY = Section("README.md", "speed")
CELLS = ("lstm", "gru", "rnn")
SAMPLING = {"1": "one sequence", "64": "64 sequences at once"}
SHOWN = {"hidden": 256, "layers": 1}  # of the training steps in the summary


def measured(name="speed"):
    """What was measured, as the JSON file has it."""
    return json.loads((scaling.HERE / f"{name}.json").read_text(encoding="utf-8"))


def describe_load(load):
    """A remark, where the machine was or had just been busy when a measurement began."""
    return f", load average {load:.1f} when they began" if load > 0.5 else ""


def rate(chars_per_second):
    return f"{chars_per_second / 1000:.{1 if chars_per_second < 10_000 else 0}f}k"


def rates(found):
    """The speeds of charlm and of PyTorch, and their ratio."""
    ours, theirs = (rate(found["chars_per_second"][side]) for side in ("charlm", "torch"))
    return ours, theirs, f"**{found['ratio']:.2f}**"


def entry(found):
    """One comparison, such as "21k / 18k = **1.17**"."""
    return "{} / {} = {}".format(*rates(found))


def rendered(section=SECTION, name="speed"):
    """The section of all sizes, marks included."""
    results, machine = measured(name)["results"], measured(name)["machine"]
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
    return section.marked(
        *table(["training step", "LSTM", "GRU", "RNN", "memory, LSTM"], rows),
        "",
        *table(["sampling, LSTM H512 L1", "chars/s"], sampling),
        "",
        f"{machine['processor']}, {machine['workers']} cores, NumPy {machine['numpy']}, PyTorch",
        f"{machine['torch']}; medians of {results[0]['rounds']} interleaved rounds"
        f"{describe_load(machine.get('load', 0))}.",
    )


def rendered_torch():
    """The section of the PyTorch engine, marks included."""
    if not (scaling.HERE / "speed-torch.json").exists():
        return TORCH.marked("Not measured on idle cores yet.")
    return rendered(TORCH, "speed-torch")


def rendered_ranks():
    """The section of ranks, marks included."""
    found = measured("scaling")
    titles = [
        "LSTM",
        "a step",
        "of it the all-reduce",
        "workers / ranks",
        "noise scale",
        "8 ranks",
        "64",
        "512",
        "worth it",
    ]
    rows = []
    for hidden, size in found["sizes"].items():
        many = (scaling.estimate(found, size, ranks) for ranks in (8, 64, 512))
        rows.append([
            f"H{hidden}, {size['bytes'] / 1e6:.1f} MB", f"{1e3 * size['step']:,.0f} ms",
            f"{1e3 * size['exchange']:.0f} ms", f"{size['workers'] / size['step']:.2f}",
            f"{size['noise'] / 1000:.1f}k", *(f"{speed:.1f} ({progress:.1f})" for speed, progress in many),
            f"{scaling.last_worthwhile(found, size)} ranks",
        ])  # fmt: skip
    steps = f"medians of {found['steps']} steps{describe_load(found['load'])}."
    return RANKS.marked(*table(titles, rows), "", f"{found['ranks']} ranks; {steps}")


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
