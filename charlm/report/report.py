"""The page of a run, or of two side by side: what it is, how good it is, and the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from charlm.base.errors import CorpusError, UsageError
from charlm.base.progress import Progress
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalCase
from charlm.evaluate.measures.gradients import LOSS
from charlm.evaluate.subjects import subjects_of
from charlm.inference.language_model import LanguageModel, load_run
from charlm.report import sections
from charlm.report.colored import average_bits, from_line_start, pack
from charlm.report.learning_curve import learning_curve
from charlm.report.live_model import SCRIPTS, cell_script, find_obstacle, make_live_model
from charlm.report.live_section import best_units, live_section
from charlm.report.measures import Measured, measure_run
from charlm.report.page import make_page, show
from charlm.runs.run import Run

TEMPERATURES = (0.5, 0.8, 1.0)
SAMPLE = 400  # characters of a sample
EXAMPLE = 600  # characters of held-out text that the live model can read
LARGEST = 25_000_000  # bytes of a page


@dataclass(frozen=True)
class ReportOptions:
    """What a page holds.

    Attributes:
        half: weights as float16.
        has_model: the live model.
        has_text: text of the corpus.
        characters: of held-out text that is measured, from its first.
    """

    half: bool = False
    has_model: bool = True
    has_text: bool = True
    characters: int = 100_000


@dataclass(frozen=True)
class Report:
    """A page, the figures that it shows as JSON objects, and remarks on it."""

    html: str
    records: list[dict[str, Any]]
    notes: list[str]


@dataclass(frozen=True)
class _Reported:
    """A run with all that is known of it."""

    run: Run
    model: LanguageModel
    case: EvalCase | None
    measured: Measured
    obstacle: str | None


def make_report(runs: Sequence[Run], options: ReportOptions, pool: ThreadPool, progress: Progress) -> Report:
    """Measure runs, and make their page.

    Raises:
        UsageError: the page becomes too large.
        RunError: the weights are missing or unreadable.
    """
    reported, notes = [], list[str]()
    for number, run in enumerate(runs):

        def advance(done: int, total: int, number: int = number) -> None:
            progress(number * total + done, len(runs) * total)

        reported.append(_measured(run, options, notes, pool, advance))
    colored, body = list[dict[str, Any]](), list[str]()
    for each in reported:
        body.append(sections.header(each.run, each.case, each.model.network.params.flat.size))
    body.append(_overview(reported))
    body += _live(reported, options)
    for number, each in enumerate(reported):
        body += _details(each, options, number, colored)
    example = _example(reported[0]) if options.has_text else None
    data = {"runs": [_live_data(each, options) for each in reported], "colored": colored, "example": example}
    html = make_page(" and ".join(run.name for run in runs), "\n".join(body), data, _scripts(reported, options))
    size = len(html.encode("utf-8", "replace"))
    if size > LARGEST:
        raise UsageError(
            f"the page would have {size / 1e6:.0f} MB, over the limit of {LARGEST / 1e6:.0f}",
            hint="give --no-model" if options.half else "give --half or --no-model",
        )
    return Report(html, [_record(each) for each in reported], notes + _remarks(reported, options))


def _measured(
    run: Run, options: ReportOptions, notes: list[str], pool: ThreadPool, progress: Progress
) -> _Reported:
    """A run, measured on its held-out text where that is at hand."""
    target = str(run.folder)
    try:
        (case,) = subjects_of([target], None, run.weights)
    except (CorpusError, UsageError) as error:
        notes.append(f"{run.name} is not measured: {error}")
        model = load_run(run)
        return _Reported(run, model, None, Measured({}, {}), find_obstacle(model.network))
    measured = measure_run(case, options.characters, pool, progress)
    notes += [f"{run.name}: no {name}: {reason}" for name, reason in measured.missing.items()]
    return _Reported(run, case.model, case, measured, find_obstacle(case.model.network))


def _overview(reported: Sequence[_Reported]) -> str:
    """The losses."""
    parts = []
    for each in reported:
        record = each.measured.record("perplexity")
        if record is None:
            continue
        if len(reported) > 1:
            parts.append(f"<h3>{show(each.run.name)}</h3>")
        baselines = each.measured.record("baselines") or {"baselines": []}
        bigram = [row["nats_per_char"] for row in baselines["baselines"] if row["order"] == 1]
        parts.append(sections.loss_tiles(record, max(bigram, default=None)))
    return "\n".join(parts)


def _live(reported: Sequence[_Reported], options: ReportOptions) -> list[str]:
    """The section with the model, or why there is none."""
    notes = [f"{each.run.name}: {each.obstacle}." for each in reported if each.obstacle is not None]
    if not options.has_model:
        return []
    if len(notes) == len(reported):
        return [sections.section("Try it", *(sections.paragraph(note) for note in notes))]
    return [live_section(options.has_text and reported[0].case is not None, notes)]


def _details(each: _Reported, options: ReportOptions, number: int, colored: list[dict[str, Any]]) -> list[str]:
    """A run's samples, colored passage, curves and tables."""
    found, measured, case = list[str](), each.measured, each.case
    texts = [(value, each.model.sample(SAMPLE, temperature=value, seed=1)) for value in TEMPERATURES]
    name = show(each.run.name)
    found.append(
        sections.section(
            f"What {name} writes",
            sections.paragraph("A low temperature plays safe; at 1 characters are drawn as likely as they are."),
            sections.samples(texts),
        )
    )
    if options.has_text and "surprisal" in measured.results:
        text, place = from_line_start(measured.results["surprisal"].colored[0]), f"colored-{number}"
        colored.append(pack(text, place))
        found.append(sections.section("What surprises it", sections.passage(place, average_bits(text))))
    records = each.run.read_metrics()
    if records:
        words = "The loss on the training split and on held-out text, while it was trained."
        curve = learning_curve({each.run.name: records}, "steps", "bits")
        found.append(sections.section("How it learned", sections.figure(curve, words)))
    assert case is not None or not measured.results
    return found + _measurements(each, options)


def _measurements(each: _Reported, options: ReportOptions) -> list[str]:
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
        shown = copies if options.has_text and longest else []
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


def _example(each: _Reported) -> str | None:
    """Held-out text for the live model, from the beginning of a line."""
    found = each.measured.results.get("surprisal")
    if found is None:
        return None
    text = from_line_start(found.colored[0]).text[:EXAMPLE]
    is_bytes = each.run.config.corpus.units == "bytes"
    return text.encode("latin-1", "replace").decode("utf-8", "ignore") if is_bytes else text


def _live_data(each: _Reported, options: ReportOptions) -> dict[str, Any]:
    is_live = options.has_model and each.obstacle is None
    return {
        "name": each.run.name,
        "model": make_live_model(each.model, options.half) if is_live else None,
        "units": best_units(each.measured.record("units")) if is_live else None,
    }


def _scripts(reported: Sequence[_Reported], options: ReportOptions) -> list[str]:
    cells = [each.model.network.config.cell for each in reported if options.has_model and each.obstacle is None]
    live = [*SCRIPTS, *map(cell_script, dict.fromkeys(cells))] if cells else []
    return ["js/text_view.js", "js/colored.js", *live, "js/page.js"]


def _record(each: _Reported) -> dict[str, Any]:
    """What the page says of a run, as JSON values."""
    record: dict[str, Any] = {"run": each.run.name, "parameters": each.model.network.params.flat.size}
    record |= {"text": None if each.case is None else each.case.text_name, "live": each.obstacle is None}
    return record | {name: found.records[0] for name, found in each.measured.results.items()}


def _remarks(reported: Sequence[_Reported], options: ReportOptions) -> list[str]:
    held = [each.run.name for each in reported if options.has_text and "surprisal" in each.measured.results]
    if not held:
        return []
    return [f"the page holds text that {' and '.join(held)} did not train on (held out): --no-text leaves it out"]
