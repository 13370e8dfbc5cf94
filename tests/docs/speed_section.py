"""The README's table of speed, rendered from what ``make bench`` measured; run as a module, it writes it."""

import json
from pathlib import Path

from tests.docs.section import Section

MEASURED = Path(__file__).parents[1] / "bench" / "speed.json"
SECTION = Section("speed")
CELLS = ("lstm", "gru", "rnn")
SAMPLING = {"1": "one stream", "64": "64 streams at once"}


def rate(chars_per_second):
    return f"{chars_per_second / 1000:.{1 if chars_per_second < 10_000 else 0}f}k"


def entry(found):
    """One comparison, such as "21k / 18k = 1.17"."""
    ours, theirs = (rate(found["chars_per_second"][side]) for side in ("charlm", "torch"))
    return f"{ours} / {theirs} = **{found['ratio']:.2f}**"


def rendered(measured):
    """The section of a measurement, markers included."""
    machine, results = measured["machine"], measured["results"]
    by_size = {}
    for found in results:
        size = f"H{found['hidden']} L{found['layers']} B{found['batch_size']} T{found['seq_len']}"
        if found["what"] == "training":
            by_size.setdefault(size, {})[found["cell"]] = found
    lines = ["| training step | LSTM | GRU | RNN | memory, LSTM |", "| --- | --- | --- | --- | --- |"]
    for size, found in by_size.items():
        memory = f"{found['lstm']['memory_ratio']:.2f}"
        lines.append(f"| {size} | " + " | ".join(entry(found[cell]) for cell in CELLS) + f" | {memory} |")
    lines += ["", "| sampling, LSTM H512 L1 | chars/s |", "| --- | --- |"]
    lines += [f"| {SAMPLING[f['what']]} | {entry(f)} |" for f in results if f["what"] in SAMPLING]
    rounds = results[0]["rounds"]
    lines += [
        "",
        f"{machine['processor']}, {machine['workers']} cores, NumPy {machine['numpy']}, PyTorch",
        f"{machine['torch']}; medians of {rounds} interleaved rounds.",
    ]
    return SECTION.marked(*lines)


if __name__ == "__main__":
    SECTION.write(rendered(json.loads(MEASURED.read_text())))
