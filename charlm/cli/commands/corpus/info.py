"""Inspect a text: size, characters, oddities, how predictable it is.

Entropies, compressors and duplicate lines are measured on its first 2,000,000 characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.base.plural import counted
from charlm.base.tables import Column, Table
from charlm.cli.complete import complete_corpora
from charlm.cli.options import AllowExpansion
from charlm.cli.output import print_json
from charlm.cli.table_options import TableOptions, prints_tables
from charlm.config import CorpusConfig, DataConfig, TaskConfig

if TYPE_CHECKING:
    from charlm.data.label_survey import LabelSurvey
    from charlm.evaluate.survey import Survey

SPLITS = ("train", "validation", "test")
MOST_LABELS = 30  # that are shown
TITLES = {
    "labels": "Labelled examples",
    "targets": "Pairs of a source and a target",
    "numbers": "Texts with numbers",
    "tags": "Tagged texts",
}
TASKS = {"targets": "translate", "numbers": "regress", "tags": "tag"}
RULE = "entropies use the text's own frequencies: those of high order are too low for any model"


@prints_tables(json="Print one JSON object.", several=True)
def command(
    how: TableOptions,
    corpus: Annotated[
        list[str],
        typer.Argument(
            metavar="CORPUS",
            help="Texts, folders, - for standard input, or a name.",
            autocompletion=complete_corpora,
        ),
    ],
    glob: Annotated[str, typer.Option(help="Files of a folder to read.")] = CorpusConfig().glob,
    split: Annotated[
        str | None,
        typer.Option(metavar="SPLIT", help="As in charlm train.", show_default="90/10"),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="file|folder|tab",
            help="How examples are labelled, as in charlm train.",
            show_default="guessed",
        ),
    ] = None,
    allow_expansion: AllowExpansion = False,
) -> None:
    from charlm.cli.display.progress import progress_bar
    from charlm.cli.display.tables import print_tables
    from charlm.data.label_survey import find_labels, survey_labels
    from charlm.data.reading.sources import find_source
    from charlm.data.remarks import describe_left_out, describe_passed_over
    from charlm.data.split import Split
    from charlm.evaluate.survey import survey_source

    if labels is not None:
        TaskConfig(labels=labels)  # refused where it is no value
    divided = Split.of(DataConfig(split=split))
    source = find_source(corpus, glob)
    with progress_bar("reading", quiet=how.json) as progress:
        survey = survey_source(source.allow_expansion() if allow_expansion else source, progress)
    mode = labels or find_labels(source)
    labelled = None if mode is None else survey_labels(source, mode)
    parts = dict(zip(SPLITS, divided.lengths(survey.characters), strict=True))
    if how.json:
        derived = {"bits_per_char": survey.bits_per_char, "bits_per_byte": survey.bits_per_byte}
        own = {} if labelled is None else {"labelled": asdict(labelled) | {"ceiling": labelled.ceiling}}
        print_json(asdict(survey) | derived | {"split": parts} | own)
        return
    said = (describe_left_out(source), describe_passed_over(source, glob))
    notes = [each for each in said if each is not None]
    if survey.sample_characters < survey.characters:
        sample = f"the first {survey.sample_characters:,} characters"
        notes.append(f"entropies, compressors and duplicate lines are of {sample}")
    tables = [*_make_tables(survey, parts), *([] if labelled is None else _make_label_tables(labelled))]
    print_tables(tables, how, explanation=[RULE], notes=notes)


def _make_tables(survey: Survey, parts: dict[str, int]) -> Iterator[Table]:
    yield Table(
        survey.name, (Column("", name="fact"), Column("", name="value")), list(_list_facts(survey, parts))
    )
    yield Table(
        "Most common characters",
        (Column("character"), Column("code point"), Column("count", ",d"), Column("share", ".2%")),
        [(each, f"U+{ord(each):04X}", count, count / survey.characters) for each, count in survey.most_common],
        adds="the most common characters",
    )
    if survey.oddities:
        yield Table("Oddities", (Column("what"), Column("count", ",d")), list(survey.oddities.items()))
    rows: list[tuple[Any, ...]] = [
        (f"entropy of order {order}", bits, bits * survey.sample_characters / survey.sample_bytes)
        for order, bits in enumerate(survey.entropies)
    ]
    rows += [(name, bits, survey.bits_per_byte[name]) for name, bits in survey.bits_per_char.items()]
    yield Table(
        "How predictable", (Column("measure"), Column("bits/char", ".3f"), Column("bits/byte", ".3f")), rows
    )


def _make_label_tables(found: LabelSurvey) -> Iterator[Table]:
    facts = [
        ("examples", f"{found.examples:,}, {found.distinct:,} of them distinct"),
        (found.kind, _describe_labels(found)),
        ("length", f"{found.mean_length:.1f} characters on average, {found.longest:,} at most"),
        (f"texts with several {found.kind}", f"{found.ambiguous:,}: at most {found.ceiling:.1%} can be right"),
        ("white space at an end", f"{counted(found.spaced, 'texts')}, taken off"),
        ("empty lines", f"{found.empty:,}, left out"),
    ]
    if found.refused is not None:
        facts.append(
            ("lines that are no example", f"{found.refused:,}" + ": training refuses them" * bool(found.refused))
        )
    yield Table(TITLES[found.kind], (Column("", name="fact"), Column("", name="value")), facts)
    if found.kind not in ("labels", "tags"):
        return
    title, labels = found.kind.capitalize(), sorted(found.labels.items(), key=lambda each: -each[1])
    if len(labels) > MOST_LABELS:
        title, labels = f"The {MOST_LABELS} most frequent {found.kind}", labels[:MOST_LABELS]
    total = sum(found.labels.values())
    rows = [(label, count, count / total) for label, count in labels]
    counts = "distinct examples" if found.kind == "labels" else "characters"
    yield Table(title, (Column(found.kind[:-1]), Column(counts, ",d"), Column("share", ".1%")), rows)


def _describe_labels(found: LabelSurvey) -> str:
    if found.kind == "labels":
        return f"{len(found.labels):,} (--labels {found.mode})"
    symbols = ", or ".join(
        counted(count, unit) + (" (--target-units words)" if unit == "words" else "")
        for unit, count in found.symbols.items()
    )
    of_what = {"targets": f", of {symbols}", "tags": ", one for each character"}.get(found.kind, "")
    if found.kind == "tags" and "words" in found.symbols:
        of_what += ", words between spaces (--target-units words)"
    return f"{len(found.labels):,} different{of_what}: for --task {TASKS[found.kind]}"


def _list_facts(survey: Survey, parts: dict[str, int]) -> Iterator[tuple[str, str]]:
    yield "files", f"{survey.files:,}"
    yield "size", f"{counted(survey.bytes, 'bytes')}, {counted(survey.characters, 'characters')}"
    yield "lines", f"{survey.lines:,}, {survey.duplicate_lines:.1%} of them duplicates"
    yield "distinct characters", f"{survey.distinct:,}, stored as {survey.dtype}"
    letters = sum(survey.scripts.values())
    shares = [f"{name.lower()} {count / letters:.2%}" for name, count in survey.scripts.items()]
    yield "scripts", ", ".join(shares) or "no letters"
    yield "split", ", ".join(f"{name} {count:,}" for name, count in parts.items() if count)
