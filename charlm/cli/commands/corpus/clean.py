"""Empty the cache of encoded corpora; they are encoded again when needed.

Texts from standard input are kept, since they cannot be read again, and so are files that charlm did not make.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from charlm.base.escape import escape_unprintable
from charlm.base.files.cache_dir import cache_folder
from charlm.cli.output import print_json, write_note

if TYPE_CHECKING:
    from charlm.data.cache.clearing import Cleared

MOST_NAMED = 10


def command(
    downloads: Annotated[
        bool, typer.Option("--downloads", help="Also delete the corpora of charlm corpus get.")
    ] = False,
    stdin: Annotated[
        bool,
        typer.Option("--stdin", help="Also delete texts from standard input; their runs cannot be resumed."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    from charlm.data.cache.clearing import clean

    cleared = clean(piped=stdin, downloads=downloads)
    if json:
        kept, left = (list(map(str, paths)) for paths in (cleared.kept, cleared.left))
        print_json({"cache": str(cache_folder()), "bytes": cleared.bytes, "kept": kept, "left": left})
        return
    sys.stdout.write(f"{cleared.bytes:,} bytes deleted from {cache_folder()}\n")
    for line in _list_kept(cleared):
        write_note(f"charlm: {line}")


def _list_kept(cleared: Cleared) -> list[str]:
    """List what is left."""
    lines = [
        "kept, as it came through standard input and runs may need it (--stdin removes it): "
        + escape_unprintable(str(path))
        for path in cleared.kept
    ]
    named = cleared.left[:MOST_NAMED]
    lines += [
        f"left alone, as it is not charlm's, or not whole: {escape_unprintable(str(path))}" for path in named
    ]
    if len(named) < len(cleared.left):
        lines.append(f"left alone likewise: {len(cleared.left) - len(named):,} more")
    return lines
