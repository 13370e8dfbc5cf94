"""The README's table of ingredients, rendered from what ``tests/bench/ingredients.py`` measured.

Run as a module, it writes the table between its two marks in the README.
"""

import json

from tests.bench.ingredients import MINUTES, PLAIN, RESULTS, TRIALS
from tests.docs.section import Section

SECTION = Section("ingredients")
DASH = "–"
BESIDE = {
    "two layers, residual": "two layers",
    "tied embedding": "embedding",
}  # every other trial stands beside the plain one
IN_WORDS = {
    "one_hot_deviation": "one-hot input weights of deviation {}, not 1",
    "orthogonal": "independent normal values in `W_hh`, no orthogonal blocks",
}
COLUMNS = ("nats", "change", "steps")


def flag(name, value):
    """A setting as the command line has it."""
    dashed = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{'' if value else 'no-'}{dashed}"
    return f"--{dashed} {value}"


def setting(trial):
    """What a trial sets, as flags in code, and in words where there is no flag."""
    words = [IN_WORDS[name].format(value) for name, value in TRIALS[trial].items() if name in IN_WORDS]
    flags = [flag(name, value) for name, value in TRIALS[trial].items() if name not in IN_WORDS]
    return ", ".join([*([f"`{' '.join(flags)}`"] if flags else []), *words])


def beside(trial):
    """The trial that another's change is counted from; None for the plain one."""
    return None if trial == "plain" else BESIDE.get(trial, "plain")


def entry(found, trial):
    """A trial's validation cost on one corpus, the change that it made, and its steps."""
    nats, other = (found.get(name, {}).get("val_nats_per_char") for name in (trial, beside(trial)))
    if nats is None:
        return [DASH] * len(COLUMNS)
    # The difference of the figures as they are shown, so that a reader can check it.
    change = DASH if other is None else f"{round(nats, 3) - round(other, 3):+.3f}"
    return [f"{nats:.3f}", change, f"{found[trial]['steps']:,}"]


def row(cells):
    return f"| {' | '.join(cells)} |"


def rendered(measured):
    """The section of the measurements, markers included."""
    titles = [f"{corpus}, {column}" if column == "nats" else column for corpus in measured for column in COLUMNS]
    lines = [row(["ingredient", "what was set", "beside", *titles])]
    lines.append(row(["---"] * (3 + len(titles))))
    for trial in TRIALS:
        cells = [cell for found in measured.values() for cell in entry(found, trial)]
        lines.append(row([trial, setting(trial) or "see below", beside(trial) or DASH, *cells]))
    plain = " ".join(flag(name, value) for name, value in PLAIN.items())
    lines += [
        "",
        f"Validation nats a character after {MINUTES:g} minutes of one core, and the change from the trial that",
        "is named beside: below zero is better. A dash stands where nothing was measured. The plain trial, of",
        "which each other changes only what it sets, is",
        f"`{plain}`.",
    ]
    return SECTION.marked(*lines)


if __name__ == "__main__":
    SECTION.write(rendered(json.loads(RESULTS.read_text(encoding="utf-8"))))
