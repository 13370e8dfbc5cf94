"""Check cached corpora against their files, and downloads against their checksums.

What has changed is reported, with exit code 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from charlm.base.escape import escape_unprintable
from charlm.base.tables import Column, Table
from charlm.cli.output import print_json, write_note
from charlm.cli.table_options import TableOptions, prints_tables

KINDS = {"prepared": "encoded", "downloaded": "downloaded"}
COLUMNS = (
    Column("corpus"),
    Column("kind", rank=2),
    Column("bytes", ",d", rank=1),
    Column("state"),
    Column("from", rank=3),
)


@prints_tables(json="Print one JSON object per corpus.", without=("explain",))
def command(how: TableOptions) -> None:
    from charlm.cli.display.tables import print_tables

    found = []
    for record in (*_check_encoded(how.json), *_check_downloaded()):
        found.append(record)
        if how.json:
            print_json(record)
    for complaint in (each for record in found for each in record["complaints"]):
        write_note(f"charlm: {escape_unprintable(complaint)}")
    if not how.json:
        rows = [
            (
                record["corpus"] or "?", KINDS[record["kind"]], record["bytes_on_disk"],
                "changed" if record["complaints"] else "unchanged", ", ".join(record["paths"]),
            )
            for record in found
        ]  # fmt: skip
        print_tables([Table("", COLUMNS, rows)], how)
    if any(record["complaints"] for record in found):
        raise typer.Exit(1)


def _check_encoded(quiet: bool) -> Iterator[dict[str, Any]]:
    from charlm.cli.display.progress import progress_bar
    from charlm.data.cache.maintenance import entries, verify

    for entry in sorted(entries(), key=lambda entry: (entry.name or "", entry.paths, entry.folder)):
        with progress_bar(entry.name or "?", quiet) as progress:
            complaints = verify(entry, progress)
        yield {
            "corpus": entry.name,
            "kind": "prepared",
            "bytes_on_disk": entry.bytes_on_disk,
            "paths": list(entry.paths),
            "complaints": complaints,
        }


def _check_downloaded() -> Iterator[dict[str, Any]]:
    from charlm.data.catalog.catalog import read_catalog
    from charlm.data.catalog.download import is_intact

    for corpus in read_catalog().values():
        if corpus.bytes_here is not None:
            altered = f"{corpus.path} was altered: charlm corpus get {corpus.name}"
            yield {
                "corpus": corpus.name,
                "kind": "downloaded",
                "bytes_on_disk": corpus.bytes_here,
                "paths": [corpus.address],
                "complaints": [] if is_intact(corpus) else [altered],
            }
