"""List the named corpora, and which are downloaded.

charlm corpus get downloads one, or explains how to get one marked "bring".
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from charlm.base.tables import Column, Table
from charlm.cli.display.tables import print_table
from charlm.cli.output import print_json
from charlm.data.catalog.catalog import CatalogCorpus, read_catalog

COLUMNS = (
    Column("name"), Column("what it is"), Column("language"), Column("bytes", ",d"), Column("--split"),
    Column("licence"), Column("here"),
)  # fmt: skip


def command(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per corpus.")] = False,
) -> None:
    corpora = read_catalog().values()
    if json:
        for each in corpora:
            print_json(asdict(each) | {"downloaded": each.is_downloaded, "path": str(each.path)})
        return
    rows = [
        (each.name, each.title, each.language, each.bytes, each.split, each.licence, _describe_place(each))
        for each in corpora
    ]
    print_table(Table("Named corpora", COLUMNS, rows))


def _describe_place(corpus: CatalogCorpus) -> str:
    if corpus.bring:
        return "bring"
    return "yes" if corpus.is_downloaded else "no"
