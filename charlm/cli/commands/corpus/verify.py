"""Check cached corpora against their files, and downloads against their checksums.

What has changed is reported, with exit code 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from charlm.base.escape import escape_unprintable
from charlm.base.tables import Column, Table
from charlm.cli.display.progress import progress_bar
from charlm.cli.display.tables import print_table
from charlm.cli.output import print_json
from charlm.data.cache.maintenance import entries, verify
from charlm.data.catalog.catalog import read_catalog
from charlm.data.catalog.download import is_intact

COLUMNS = (Column("corpus"), Column("kind"), Column("bytes on disk", ",d"), Column("from"), Column("is"))


def command(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per corpus.")] = False,
) -> None:
    found = []
    for record in (*_check_encoded(json), *_check_downloaded()):
        found.append(record)
        if json:
            print_json(record)
    for complaint in (each for record in found for each in record["complaints"]):
        sys.stderr.write(f"charlm: {escape_unprintable(complaint)}\n")
    if not json:
        rows = [
            (
                escape_unprintable(record["corpus"] or "?"), record["kind"], record["bytes_on_disk"],
                escape_unprintable(", ".join(record["paths"])),
                "changed" if record["complaints"] else "as it was",
            )
            for record in found
        ]  # fmt: skip
        print_table(Table("The cache", COLUMNS, rows))
    if any(record["complaints"] for record in found):
        raise typer.Exit(1)


def _check_encoded(quiet: bool) -> Iterator[dict[str, Any]]:
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
    for corpus in read_catalog().values():
        if corpus.path.is_file():
            altered = f"{corpus.path} was altered: charlm corpus get {corpus.name}"
            yield {
                "corpus": corpus.name,
                "kind": "downloaded",
                "bytes_on_disk": corpus.path.stat().st_size,
                "paths": [corpus.address],
                "complaints": [] if is_intact(corpus) else [altered],
            }
