"""The page of a run, or of two side by side: what it is, how good it is, and the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from charlm.base.errors import CorpusError, UsageError
from charlm.base.progress import Progress
from charlm.engines.threads import ThreadPool
from charlm.evaluate.subjects import subjects_of
from charlm.inference.language_model import load_run
from charlm.models.char_rnn import Model
from charlm.report import sections
from charlm.report.colored import from_line_start
from charlm.report.live_model import SCRIPTS, cell_script, find_obstacle, make_live_model
from charlm.report.live_section import best_units, live_section
from charlm.report.measures import Measured, ReportedRun, measure_run
from charlm.report.page import make_page
from charlm.report.run_sections import run_sections
from charlm.runs.run import Run

EXAMPLE = 600  # characters of held-out text that the live model can read
LARGEST = 25_000_000  # bytes of a page
MIXED = "it is mixed with an n-gram model; what is measured and runs here is the network alone."


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
    is_alone = len(reported) == 1
    overviews = [_overview(each, "h1" if is_alone else "h2") for each in reported]
    title = " and ".join(run.name for run in runs)
    body += overviews if is_alone else [sections.together(title, overviews)]
    body += _live(reported, options)
    for number, each in enumerate(reported):
        body += run_sections(each, options.has_text, number, colored, is_alone)
    example = _example(reported[0]) if options.has_text else None
    data = {"runs": [_live_data(each, options) for each in reported], "colored": colored, "example": example}
    html = make_page(title, "\n".join(body), data, _scripts(reported, options))
    size = len(html.encode("utf-8", "replace"))
    if size > LARGEST:
        raise UsageError(
            f"the page would have {size / 1e6:.0f} MB, over the limit of {LARGEST / 1e6:.0f}",
            hint="give --no-model" if options.half else "give --half or --no-model",
        )
    return Report(html, [_record(each) for each in reported], notes + _remarks(reported, options))


def _measured(
    run: Run, options: ReportOptions, notes: list[str], pool: ThreadPool, progress: Progress
) -> ReportedRun:
    """A run, measured on its held-out text where that is at hand."""
    network = run.load_model()
    size, obstacle = network.params.flat.size, find_obstacle(network)
    if obstacle is None and run.vocabulary.labels:
        obstacle = "the page runs networks that read text alone, and this one reads labels"
    if not isinstance(network, Model) or run.vocabulary.labels:
        return ReportedRun(run, size, None, None, Measured({}, {}), obstacle)
    try:
        (case,) = subjects_of([str(run.folder)], None, run.weights)
    except (CorpusError, UsageError) as error:
        notes.append(f"{run.name} is not measured: {error}")
        return ReportedRun(run, size, load_run(run), None, Measured({}, {}), obstacle)
    measured = measure_run(case, options.characters, pool, progress)
    notes += [f"{run.name}: no {name}: {reason}" for name, reason in measured.missing.items()]
    return ReportedRun(run, size, case.model, case, measured, obstacle)


def _overview(each: ReportedRun, heading: str) -> str:
    """What a run is, and its loss."""
    header = sections.header(each.run, each.parameters, each.model is not None, heading)
    record = each.measured.record("perplexity")
    if record is None:
        return header
    baselines = each.measured.record("baselines") or {"baselines": []}
    bigram = [row["nats_per_char"] for row in baselines["baselines"] if row["order"] == 1]
    return header + sections.loss_tiles(record, max(bigram, default=None))


def _live(reported: Sequence[ReportedRun], options: ReportOptions) -> list[str]:
    """The section with the model, or why there is none."""
    notes = [f"{each.run.name}: {each.obstacle}." for each in reported if each.obstacle is not None]
    mixed = [f"{each.run.name}: {MIXED}" for each in reported if each.run.ngram_path.exists()]
    if not options.has_model:
        return []
    if len(notes) == len(reported):
        return [sections.section("Try it", *(sections.paragraph(note) for note in notes))]
    return [live_section(options.has_text and reported[0].case is not None, [*notes, *mixed])]


def _example(each: ReportedRun) -> str | None:
    """Held-out text for the live model, from the beginning of a line."""
    found = each.measured.results.get("surprisal")
    if found is None:
        return None
    text = from_line_start(found.colored[0]).text[:EXAMPLE]
    is_bytes = each.run.config.corpus.units == "bytes"
    return text.encode("latin-1", "replace").decode("utf-8", "ignore") if is_bytes else text


def _live_data(each: ReportedRun, options: ReportOptions) -> dict[str, Any]:
    if each.model is None or each.obstacle is not None or not options.has_model:
        return {"name": each.run.name, "model": None, "units": None}
    units = best_units(each.measured.record("units"))
    return {"name": each.run.name, "model": make_live_model(each.model, options.half), "units": units}


def _scripts(reported: Sequence[ReportedRun], options: ReportOptions) -> list[str]:
    cells = [each.run.config.model.cell for each in reported if options.has_model and each.obstacle is None]
    live = [*SCRIPTS, *map(cell_script, dict.fromkeys(cells))] if cells else []
    return ["js/text_view.js", "js/colored.js", *live, "js/page.js"]


def _record(each: ReportedRun) -> dict[str, Any]:
    """What the page says of a run, as JSON values."""
    record: dict[str, Any] = {"run": each.run.name, "parameters": each.parameters}
    record |= {"text": None if each.case is None else each.case.text_name, "live": each.obstacle is None}
    return record | {name: found.records[0] for name, found in each.measured.results.items()}


def _remarks(reported: Sequence[ReportedRun], options: ReportOptions) -> list[str]:
    held = [each.run.name for each in reported if options.has_text and "surprisal" in each.measured.results]
    if not held:
        return []
    return [f"the page holds text that {' and '.join(held)} did not train on (held out): --no-text leaves it out"]
