"""The sections of one run on a page, from its measurements."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from charlm.base.errors import RunError
from charlm.base.tables import Curve
from charlm.evaluate.measures.gradients import LOSS
from charlm.report import sections
from charlm.report.colored import average_bits, from_line_start, pack
from charlm.report.learning_curve import NATS_PER_UNIT, learning_curve
from charlm.report.measures import ReportedRun
from charlm.report.page import show

TEMPERATURES = (0.5, 0.8, 1.0)
SAMPLE = 400  # characters of a sample


def run_sections(
    each: ReportedRun, has_text: bool, number: int, colored: list[dict[str, Any]], is_alone: bool = True
) -> list[str]:
    """The sections of a run: samples, a colored passage, curves and tables.

    Args:
        each: the run.
        has_text: with text of its corpus.
        number: its place on the page.
        colored: receives the passage, for the page's script.
        is_alone: no other run is on the page; otherwise every heading names the run.
    """
    section = partial(sections.section, run="" if is_alone else each.run.name)
    found, measured, model = list[str](), each.measured, each.model
    if model is not None:
        texts = [(value, model.sample(SAMPLE, temperature=value, seed=1)) for value in TEMPERATURES]
        words = "A low temperature plays safe; at 1, characters come as often as the model expects them."
        title = f"What {show(each.run.name)} writes"
        found.append(sections.section(title, sections.paragraph(words), sections.samples(texts)))
    if has_text and "surprisal" in measured.results:
        text, place = from_line_start(measured.results["surprisal"].colored[0]), f"colored-{number}"
        colored.append(pack(text, place))
        found.append(section("What surprises it", sections.passage(place, average_bits(text), "passage")))
    with suppress(RunError):  # a run that is too short has no curve
        words = (
            "The loss while it was trained: train is on the text that it learns from, val on held-out text. "
            "Where val rises and train goes on falling, it learns by heart."
        )
        curve = learning_curve({each.run.name: each.run.read_log()}, "steps", "nats" if model is None else "bits")
        found.append(section("How it learned", sections.figure(curve, words)))
    return found + _measurements(each, has_text, section)


def _measurements(each: ReportedRun, has_text: bool, section: Callable[..., str]) -> list[str]:
    """The sections of the measurements that were made."""
    found, measured = list[str](), each.measured
    if (record := measured.record("baselines")) is not None:
        words = (
            "Models that count what followed the last characters (Kneser-Ney), and compressors (xz, bz2, gzip), "
            "with the same training text: the shorter, the better."
        )
        ranking = sections.ranking(each.run.name, record)
        found.append(section("Next to simpler models", sections.paragraph(words), ranking))
    for name, title, words in CURVES:
        if name in measured.results:
            *_, curve = sorted(measured.results[name].curves, key=lambda each: LOSS in each.title)
            found.append(section(title, sections.figure(_in_bits(curve), words)))
    if (record := measured.record("units")) is not None:
        words = (
            "How well one hidden unit alone tells what the text is in: AUC, where 0.5 is chance and 0 and 1 are "
            "certain; for the position, a rank correlation. The untrained network shows what chance gives. A "
            "dash: there is too little of it in the text."
        )
        headings = ["the text is", "best unit", "score", "untrained"]
        table = sections.table(headings, sections.unit_rows(record), numbers=2)
        found.append(section("What its units follow", sections.paragraph(words), table))
    if (record := measured.record("memorization")) is not None:
        words = (
            "Of all stretches of n characters in its samples, the share that stands in the training text, word "
            "for word, next to the same share of held-out text: far more would mean that it repeats it."
        )
        table = sections.table(["n", "samples", "held-out text"], sections.copy_rows(record), numbers=0)
        longest = [[str(row["characters"]), row["text"].replace("\n", "↵")] for row in record["longest"]]
        copies = [sections.table(["characters", "longest copied stretches"], longest, numbers=9)]
        shown = copies if has_text and longest else []
        found.append(section("What it copies", sections.paragraph(words), table, *shown))
    return found


def _in_bits(curve: Curve) -> Curve:
    """A curve of losses in bits, the unit of the page."""
    if curve.y_label != "nats/char":
        return curve
    series = {
        name: (places, [value / NATS_PER_UNIT["bits"] for value in values])
        for name, (places, values) in curve.series.items()
    }
    return replace(curve, y_label="bits/char", series=series)


CURVES = (
    (
        "context",
        "How much context it uses",
        "The loss after so many characters of context: 3 on the axis is 8 characters, 4 is 16. Where it stops "
        "falling, more context does not help.",
    ),
    (
        "calibration",
        "Whether its probabilities are right",
        "How often the likeliest character comes, by its probability. On the diagonal both are equal; "
        "below it the model is too sure, above it too modest.",
    ),
    (
        "gradients",
        "How far gradients reach",
        "How strongly the loss still depends on what the network held k characters before. Where a line has "
        "fallen far, little is learned from that distance. All lines but the first are untrained networks.",
    ),
)
"""The measurements that are shown as a curve: name, heading and words."""
