"""Download a named corpus, and verify it.

It is kept in the cache, and charlm train finds it by its name. CHARLM_OFFLINE=1 forbids network access.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from charlm.base.plural import counted
from charlm.cli.complete import complete_catalog
from charlm.cli.output import print_json


def command(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A name from charlm corpus list.", autocompletion=complete_catalog),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    from charlm.cli.display.progress import progress_bar
    from charlm.data.catalog.catalog import find_corpus
    from charlm.data.catalog.download import download_corpus

    corpus = find_corpus(name)
    with progress_bar(name, quiet=json) as progress:
        path = download_corpus(corpus, progress)
    if json:
        print_json(asdict(corpus) | {"downloaded": True, "path": str(path)})
        return
    split = "" if corpus.parts else f"--split {corpus.split}"
    train = " ".join(part for part in ("charlm train", name, corpus.options, split) if part)
    what = counted(len(corpus.sums), "files") if corpus.sums else corpus.hash
    use = f"use: {corpus.use}\n" if corpus.use else ""
    sys.stdout.write(f"{path}: {corpus.bytes:,} bytes, {what}\nlicense: {corpus.licence}\n{use}try: {train}\n")
