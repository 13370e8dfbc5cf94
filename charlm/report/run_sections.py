"""The sections of one run on a page, from its measurements."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from charlm.base.errors import RunError
from charlm.evaluate.measures.gradients import LOSS
from charlm.report import sections
from charlm.report.colored import average_bits, from_line_start, pack
from charlm.report.learning_curve import learning_curve
from charlm.report.measures import ReportedRun
from charlm.report.page import show

TEMPERATURES = (0.5, 0.8, 1.0)
SAMPLE = 400  # characters of a sample


def run_sections(each: ReportedRun, has_text: bool, number: int, colored: list[dict[str, Any]]) -> list[str]:
    """The sections of a run: samples, a colored passage, curves and tables.

    Args:
        each: the run.
        has_text: with text of its corpus.
        number: its place on the page.
        colored: receives the passage, for the page's script.
    """
    found, measured, model = list[str](), each.measured, each.model
    if model is not None:
        texts = [(value, model.sample(SAMPLE, temperature=value, seed=1)) for value in TEMPERATURES]
        words = "A low temperature plays safe; at 1 characters are drawn as likely as they are."
        title = f"What {show(each.run.name)} writes"
        found.append(sections.section(title, sections.paragraph(words), sections.samples(texts)))
    if has_text and "surprisal" in measured.results:
        text, place = from_line_start(measured.results["surprisal"].colored[0]), f"colored-{number}"
        colored.append(pack(text, place))
        found.append(sections.section("What surprises it", sections.passage(place, average_bits(text))))
    with suppress(RunError):  # a run that is too short has no curve
        words = "The loss on the training split and on held-out text, while it was trained."
        curve = learning_curve({each.run.name: each.run.read_log()}, "steps", "nats" if model is None else "bits")
        found.append(sections.section("How it learned", sections.figure(curve, words)))
    return found + _measurements(each, has_text)


def _measurements(each: ReportedRun, has_text: bool) -> list[str]:
    """The sections of the measurements that were made."""
    found, measured = list[str](), each.measured
    if (record := measured.record("baselines")) is not None:
        words = "N-gram models and compressors with the same training text: the lower, the better."
        found.append(
            sections.section(
                "Next to simpler models", sections.paragraph(words), sections.ranking(each.run.name, record)
            )
        )
    for name, title, words in CURVES:
        if name in measured.results:
            *_, curve = sorted(measured.results[name].curves, key=lambda each: LOSS in each.title)
            found.append(sections.section(title, sections.figure(curve, words)))
    if (record := measured.record("units")) is not None:
        words = (
            "How well one hidden unit alone tells what the text is in: AUC, where 0.5 is chance and 0 and 1 are "
            "certain; for the position, a rank correlation. The untrained network shows what chance gives."
        )
        headings = ["the text is", "best unit", "score", "untrained"]
        table = sections.table(headings, sections.unit_rows(record), numbers=2)
        found.append(sections.section("What its units follow", sections.paragraph(words), table))
    if (record := measured.record("memorization")) is not None:
        words = (
            "The share of n-grams of its samples that stand verbatim in the training text, next to the same "
            "share of held-out text: far more in the samples would mean that it repeats its training text."
        )
        table = sections.table(["n", "samples", "held-out text"], sections.copy_rows(record), numbers=0)
        longest = [[str(row["characters"]), row["text"]] for row in record["longest"]]
        copies = [sections.table(["characters", "longest copied stretches"], longest, numbers=9)]
        shown = copies if has_text and longest else []
        found.append(sections.section("What it copies", sections.paragraph(words), table, *shown))
    return found


CURVES = (
    (
        "context",
        "How much context it uses",
        "The loss after so many characters of context. Where it stops falling, more context does not help.",
    ),
    (
        "calibration",
        "Whether its probabilities are right",
        "How often the likeliest character comes, by its probability. On the diagonal both are equal.",
    ),
    (
        "gradients",
        "How far gradients reach",
        "The size of the loss's gradient by distance, also in untrained networks of every cell.",
    ),
)
"""The measurements that are shown as a curve: name, heading and words."""
