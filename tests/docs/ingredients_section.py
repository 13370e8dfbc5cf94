"""The table of ingredients, rendered from what ``tests/bench/ingredients.py`` measured."""

import json

from tests.bench.ingredients import MINUTES, PLAIN, RESULTS, TRIALS
from tests.docs.section import Section, table

SECTION = Section("tests/bench/README.md", "ingredients")
DASH = "–"
COMPARED = {
    "two layers, residual": "two layers",
    "tied embedding": "embedding",
}  # every other trial is compared with the plain one
IN_WORDS = {
    "one_hot_deviation": "one-hot input weights with standard deviation {}, not 1",
    "orthogonal": "independent normal values in `W_hh`, not orthogonal blocks",
}
COLUMNS = ("loss", "change", "steps")


def measured():
    """What was measured, by corpus and trial, as the JSON file has it."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


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


def compared(trial):
    """The trial that another's change is counted from; None for the plain one."""
    return None if trial == "plain" else COMPARED.get(trial, "plain")


def entry(found, trial):
    """A trial's validation loss on one corpus, the change that it made, and its steps."""
    nats, other = (found.get(name, {}).get("val_nats_per_char") for name in (trial, compared(trial)))
    if nats is None:
        return [DASH] * len(COLUMNS)
    # The difference of the figures as they are shown, so that a reader can check it.
    change = DASH if other is None else f"{round(nats, 3) - round(other, 3):+.3f}"
    return [f"{nats:.3f}", change, f"{found[trial]['steps']:,}"]


def rows(measurements):
    """A row of cells for every trial."""
    return [
        [trial, setting(trial) or "see below", compared(trial) or DASH]
        + [cell for found in measurements.values() for cell in entry(found, trial)]
        for trial in TRIALS
    ]


def rendered():
    """The section as it should be, marks included."""
    measurements = measured()
    titles = [
        f"{corpus}, {column}" if column == "loss" else column for corpus in measurements for column in COLUMNS
    ]
    plain = " ".join(flag(name, value) for name, value in PLAIN.items())
    return SECTION.marked(
        *table(["ingredient", "setting", "compared with", *titles], rows(measurements)),
        "",
        f"Validation loss after {MINUTES:g} minutes of one core, and its change from the trial that the row is",
        "compared with: below zero is better. Each trial changes only its own setting of the plain trial:",
        f"`{plain}`.",
    )
