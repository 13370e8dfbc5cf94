"""Comparing runs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from charlm.base.errors import CharlmError, CorpusError, DivergenceError, MissingCorpusError, UsageError, hinting
from charlm.base.progress import Progress
from charlm.base.tables import Column, Table
from charlm.data.encoded import EncodedText
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalCase, EvalResult
from charlm.evaluate.dynamic import Adaptation, dynamic_scores
from charlm.evaluate.subjects import subjects_of
from charlm.inference.scoring import tally_of
from charlm.models.architecture import parameter_shapes
from charlm.runs.find import find_run
from charlm.runs.run import Run

COURSE = {
    "parameters": Column("parameters", ",d"),
    "steps": Column("steps taken", ",d"),
    "seconds": Column("seconds", ".1f"),
    "best_val_bits_per_char": Column("best val (bits/char)", ".4f"),
}
STATIC = {"bits_per_char": Column("bits/char", ".4f"), "bits_per_byte": Column("bits/byte", ".4f")}
DYNAMIC = {
    "dynamic_bits_per_char": Column("dynamic bits/char", ".4f"),
    "dynamic_bits_per_byte": Column("dynamic bits/byte", ".4f"),
}
HINT = "put its corpus back, or measure it on a text file by charlm eval perplexity"


def compare_runs(
    targets: Sequence[str], split: str, dynamic: bool, pool: ThreadPool, progress: Progress
) -> tuple[EvalResult, list[CharlmError]]:
    """Compare runs, and give the errors of those not measured.

    Raises:
        UsageError: two runs have one name.
        RunError: a run is missing or damaged.
    """
    runs = {target: find_run(target) for target in targets}
    names = [run.name for run in runs.values()]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two of the runs are called {name}: rename the folder of one")
    differing = _differing([_settings(run) for run in runs.values()])
    columns = COURSE | STATIC | (DYNAMIC if dynamic else {})
    records, notes, subjects = [], [], []
    faults: list[CharlmError] = []
    for target, run in runs.items():
        record = {"run": run.name, "corpus": run.corpus.name, "settings": _settings(run, differing)}
        records.append(record | dict.fromkeys(["text", "unmeasured", *columns]) | _course(run))
        try:
            with hinting(HINT, MissingCorpusError, UsageError):
                (subject,) = subjects_of([target], split)
            records[-1] |= _figures(subject, dynamic, pool, progress)
        except (CorpusError, DivergenceError, UsageError) as error:  # one does not hide the others
            records[-1]["unmeasured"] = str(error)
            notes.append(f"{run.name} is not measured: {error}")
            faults.append(error)
            continue
        subjects.append(subject)
    notes += _notes_on_texts(subjects) + ([Adaptation().note] if dynamic else [])
    return EvalResult(records, [_table(records, differing, columns)], notes), faults


def _settings(run: Run, names: Sequence[str] | None = None) -> dict[str, Any]:
    """A run's settings by name, all or these."""
    settings = {name: value for group in run.config.to_json().values() for name, value in group.items()}
    return settings if names is None else {name: settings[name] for name in names}


def _differing(settings: Sequence[dict[str, Any]]) -> list[str]:
    """The settings that differ between runs."""
    return [name for name in settings[0] if any(each[name] != settings[0][name] for each in settings)]


def _course(run: Run) -> dict[str, Any]:
    """A run's size, steps, seconds and best validation loss."""
    course, shapes = run.summarize(), parameter_shapes(run.config.model, len(run.vocabulary))
    best_nats = course.best_val_nats_per_char
    return {
        "parameters": sum(math.prod(shape) for shape in shapes.values()),
        "steps": course.steps,
        "seconds": course.seconds,
        "best_val_bits_per_char": None if best_nats is None else best_nats / math.log(2),
    }


def _figures(subject: EvalCase, dynamic: bool, pool: ThreadPool, progress: Progress) -> dict[str, Any]:
    """A run's losses on its text."""
    model, part = subject.model, subject.part
    figures: dict[str, Any] = {"text": subject.text_name}
    figures |= asdict(model.tally_with(pool, part, progress).figures)
    if dynamic and subject.training is not None:
        found = asdict(tally_of(dynamic_scores(model, part, subject.training, Adaptation(), progress)).figures)
        figures |= {name: found[name.removeprefix("dynamic_")] for name in DYNAMIC}
    return figures


def _notes_on_texts(subjects: Sequence[EvalCase]) -> list[str]:
    """What does not compare because texts or units differ."""
    texts = {_sum_of(subject.part) for subject in subjects}
    if len(texts) > 1:
        return [
            "the runs are measured on different texts: compare bits/byte, and bear in mind that one text may be "
            "harder than another"
        ]
    if len({len(subject.part) for subject in subjects}) > 1:
        return ["the runs read the text in different units: compare bits/byte"]
    return []


def _sum_of(part: EncodedText) -> bytes:
    digest = hashlib.sha256()
    for block in part.utf8_blocks:
        digest.update(block)
    return digest.digest()


def _table(records: Sequence[dict[str, Any]], differing: Sequence[str], columns: dict[str, Column]) -> Table:
    headings = [Column("run"), Column("text"), *map(Column, differing), *columns.values()]
    rows = [
        [record["run"], record["text"], *record["settings"].values(), *(record[name] for name in columns)]
        for record in records
    ]
    return Table("Runs", headings, rows)
