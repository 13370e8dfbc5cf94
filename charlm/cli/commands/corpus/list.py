"""List the named corpora, and which are downloaded.

charlm corpus get downloads one, or explains how to get one marked "manual".
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from charlm.base.tables import Column, Table
from charlm.cli.output import print_json
from charlm.cli.table_options import TableOptions, prints_tables

if TYPE_CHECKING:
    from charlm.data.catalog.catalog import CatalogCorpus

COLUMNS = (
    Column("name"),
    Column("language", rank=2),
    Column("bytes", ",d"),
    Column("--split", rank=3),
    Column("license", rank=4),
    Column("download"),
    Column("title", rank=1),
)


@prints_tables(json="Print one JSON object per corpus.", without=("explain",))
def command(how: TableOptions) -> None:
    from charlm.cli.display.tables import print_tables
    from charlm.data.catalog.catalog import read_catalog

    corpora = read_catalog().values()
    if how.json:
        for each in corpora:
            print_json(asdict(each) | {"downloaded": each.is_downloaded, "path": str(each.path)})
        return
    rows = [
        (each.name, each.language, each.bytes, each.split, each.licence, _describe_place(each), each.title)
        for each in corpora
    ]
    print_tables([Table("", COLUMNS, rows)], how, see_also="Download one: charlm corpus get NAME")


def _describe_place(corpus: CatalogCorpus) -> str:
    if corpus.bring:
        return "manual"
    return "downloaded" if corpus.is_downloaded else "-"
