"""Empty the cache of prepared corpora; what is needed is prepared again."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from charlm.cli.output import print_json
from charlm.storage.places import cache_folder
from charlm.text.download import remove_downloads
from charlm.text.upkeep import clean

app = typer.Typer(add_completion=False)


@app.command()
def command(
    downloads: Annotated[
        bool, typer.Option("--downloads", help="Remove the corpora that charlm corpus get got, too.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Empty the cache of prepared corpora; what is needed is prepared again."""
    freed = clean() + (remove_downloads() if downloads else 0)
    if json:
        print_json({"cache": str(cache_folder()), "bytes": freed})
    else:
        sys.stdout.write(f"{freed:,} bytes are gone from {cache_folder()}\n")
