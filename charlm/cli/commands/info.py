"""Show what a run is: its settings, its corpus, its size and its course."""

from __future__ import annotations

from typing import Annotated

import typer

from charlm.base.plural import counted
from charlm.base.tables import Column, Table
from charlm.cli.display.tables import print_table
from charlm.cli.output import print_json
from charlm.models.architecture import parameter_shapes
from charlm.runs.find import find_run
from charlm.runs.run import Run

app = typer.Typer(add_completion=False)

MOST_SYMBOLS = 200


@app.command()
def command(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's folder or name.", show_default="the newest")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a run is: its settings, its corpus, its size and its course."""
    found = find_run(run)
    shapes = parameter_shapes(found.config.model, len(found.vocabulary))
    if json:
        print_json(
            {
                "run": str(found.folder),
                "corpus": found.corpus.to_json(),
                "training": found.config.to_json(),
                "symbols": len(found.vocabulary),
                "rare_characters": list(found.vocabulary.rare),
                "parameters": {name: list(shape) for name, shape in shapes.items()},
                "metrics": found.read_metrics(),
            }
        )
        return
    corpus = found.corpus
    facts = [
        ("corpus", corpus.path or corpus.name),
        ("characters", f"{corpus.characters:,}, of them {corpus.training_characters:,} to train on"),
        (
            "vocabulary",
            f"{counted(len(found.vocabulary), 'symbols')}: {_shortened(''.join(found.vocabulary.symbols))}",
        ),
    ]
    if found.vocabulary.rare:
        rare = found.vocabulary.rare
        facts.append(("rare characters", f"{len(rare):,}, with one symbol for all: {_shortened(''.join(rare))}"))
    print_table(Table(str(found.folder), (Column("run"), Column("")), facts))
    print_table(_settings_table(found))
    rows = [(name, " x ".join(map(str, shape))) for name, shape in shapes.items()]
    print_table(Table("Parameters", (Column("name"), Column("shape")), rows))
    print_table(_course_table(found))


def _shortened(text: str) -> str:
    """A text in quotes, cut short where it is longer than a reader wants."""
    return repr(text) if len(text) <= MOST_SYMBOLS else f"{text[:MOST_SYMBOLS]!r} and so on"


def _settings_table(run: Run) -> Table:
    rows = [
        (group, name, "" if value is None else str(value))
        for group, settings in run.config.to_json().items()
        for name, value in settings.items()
    ]
    return Table("Settings", (Column("group"), Column("setting"), Column("value")), rows)


def _course_table(run: Run) -> Table:
    columns = {
        "step": ",d",
        "epoch": ".2f",
        "seconds": ".1f",
        "train_nats_per_char": ".4f",
        "val_nats_per_char": ".4f",
    }
    rows = [[record.get(name) for name in columns] for record in run.read_metrics()]
    return Table("Course", [Column(name, format) for name, format in columns.items()], rows)
