"""Empty the cache of prepared corpora; what is needed is prepared again."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from charlm.base.escape import escape_unprintable
from charlm.base.files.cache_dir import cache_folder
from charlm.cli.output import for_stream, print_json
from charlm.data.cache.clearing import Cleared, clean

app = typer.Typer(add_completion=False)

MOST_NAMED = 10


@app.command()
def command(
    downloads: Annotated[
        bool, typer.Option("--downloads", help="Remove the corpora that charlm corpus get got, too.")
    ] = False,
    stdin: Annotated[
        bool,
        typer.Option(
            "--stdin", help="Remove texts from standard input, too: runs trained on them cannot go on then."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Empty the cache of prepared corpora; what is needed is prepared again.

    Texts that came through standard input stay, as they cannot be. So does what charlm did not put there itself,
    and is named.
    """
    cleared = clean(piped=stdin, downloads=downloads)
    if json:
        kept, left = (list(map(str, paths)) for paths in (cleared.kept, cleared.left))
        print_json({"cache": str(cache_folder()), "bytes": cleared.bytes, "kept": kept, "left": left})
        return
    sys.stdout.write(f"{cleared.bytes:,} bytes are gone from {cache_folder()}\n")
    sys.stderr.write(for_stream(_stays(cleared), sys.stderr))


def _stays(cleared: Cleared) -> str:
    """What is still there, a line each."""
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
    return "".join(f"charlm: {line}\n" for line in lines)
