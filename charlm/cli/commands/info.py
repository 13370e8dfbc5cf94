"""Show a run's settings, data and training log."""

from __future__ import annotations

from collections.abc import Sequence

from charlm.base.plural import counted
from charlm.base.tables import Column, Table
from charlm.cli.display.tables import print_tables
from charlm.cli.options import OneRun
from charlm.cli.output import print_json
from charlm.cli.table_options import TableOptions, prints_tables
from charlm.runs.find import find_run
from charlm.runs.run import Run

PLACE = ("Look", 2)
MOST_SYMBOLS = 200


@prints_tables(json="Print one JSON object.", without=("explain",))
def command(how: TableOptions, run: OneRun = None) -> None:
    found = find_run(run)
    shapes = found.network.shapes
    if how.json:
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
    corpus, rare = found.corpus, found.vocabulary.rare
    symbols = f"{counted(len(found.vocabulary), 'symbols')}: {_shorten(found.vocabulary.symbols)}"
    facts = [
        ("corpus", corpus.path or corpus.name),
        ("characters", f"{corpus.characters:,}, of them {corpus.training_characters:,} to train on"),
        ("vocabulary", symbols),
    ]
    if found.ngram_path.exists():
        size = found.ngram_path.stat().st_size / 1e6
        facts.append(("n-gram model", f"context {found.config.budget.ngram}, {size:.1f} MB"))
    if rare:
        facts.append(("rare characters", f"{len(rare):,}, mapped to <unk>: {_shorten(rare)}"))
    rows = [(name, " x ".join(map(str, shape))) for name, shape in shapes.items()]
    tables = [
        Table(str(found.folder), (Column("", name="fact"), Column("", name="value")), facts),
        _make_settings_table(found),
        Table("Parameters", (Column("name"), Column("shape")), rows),
        _make_log_table(found),
    ]
    print_tables(tables, how)


def _shorten(characters: Sequence[str]) -> str:
    text = "".join(characters)
    return repr(text) if len(text) <= MOST_SYMBOLS else f"{text[:MOST_SYMBOLS]!r} and so on"


def _make_settings_table(run: Run) -> Table:
    rows = [
        (group, name, "" if value is None else str(value))
        for group, settings in run.config.to_json().items()
        for name, value in settings.items()
    ]
    return Table("Settings", (Column("group"), Column("setting"), Column("value")), rows)


def _make_log_table(run: Run) -> Table:
    columns = {"step": ",d", "epoch": ".2f", "seconds": ".1f"}
    loss, records = run.config.task.kind.loss, run.read_metrics()
    columns |= {f"train_{loss}": ".4f", f"val_{loss}": ".4f"}
    columns |= {name: ".4f" for record in records for name in record if name.startswith("val_")}
    rows = [[record.get(name) for name in columns] for record in records]
    return Table("Course", [Column(name, format) for name, format in columns.items()], rows)
