"""Generate synthetic data with exactly known entropy.

In the long run no model's loss is below the entropy rate; the difference is its excess loss. The same settings
and seed make the same file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from charlm.base.errors import CorpusError, UsageError
from charlm.base.files.atomic import atomic_file
from charlm.base.plural import counted
from charlm.cli.groups import list_members
from charlm.cli.options import with_settings
from charlm.cli.output import print_json
from charlm.data.synthetic import SOURCES
from charlm.data.synthetic_source import Source, write_text


def _make_command(name: str, kind: type[Source]) -> Callable[..., None]:
    @with_settings({"Source": [kind]})
    def generate(
        settings: dict[str, Any],
        out: Annotated[
            Path | None, typer.Option(metavar="FILE", help="The new file.", show_default="SOURCE.txt")
        ] = None,
        length: Annotated[int, typer.Option(min=1, help="Length in characters.")] = 1_000_000,
        seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 0,
        json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        # Imported last, so that help does not wait for it.
        from charlm.cli.display.progress import progress_bar

        source, path = kind(**settings), out or Path(f"{name}.txt")
        with progress_bar(name, quiet=json) as progress:
            made = write_text(source, length, np.random.default_rng(seed), path, progress)
        rate = source.bits_per_char
        if json:
            known = {"source": name, **source.to_json(), "seed": seed, "file": str(path)}
            rates = {"entropy_rate_bits_per_char": rate, "entropy_bits_per_missing": source.bits_per_missing}
            print_json(known | asdict(made) | {name: bits for name, bits in rates.items() if bits is not None})
        else:
            sys.stdout.write(
                f"{path}: {counted(made.characters, 'characters')}\n"
                f"entropy rate of the source  {rate:.6f} bits/char\n"
                f"its loss on this text       {made.bits_per_char:.6f} bits/char\n"
            )
            if source.bits_per_missing is not None:
                missing = f"{source.bits_per_missing:.6f} bits/char (charlm eval cloze)"
                sys.stdout.write(f"with all others visible     {missing}\n")

    return generate


def _make_case(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A text file.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The new file.")] = Path("case.tsv"),
) -> None:
    """Lines of a text in lower case, with the tags U and L of their characters (for --task tag)."""
    from charlm.data.cache.store import report_os_errors
    from charlm.data.case import case_tags, clean_line, lowered
    from charlm.data.labels import read_lines
    from charlm.data.reading.sources import find_text

    if out.exists():
        raise UsageError(f"{out} exists: name another file by --out, or remove it")
    lines = 0
    with report_os_errors(), atomic_file(out) as file:
        for member in find_text(text).files:
            for line in map(clean_line, read_lines(member)):
                if line:
                    file.write(f"{lowered(line)}\t{case_tags(line)}\n".encode())
                    lines += 1
        if not lines:
            raise CorpusError(f"{text} has no lines with text", hint="give another file")
    sys.stdout.write(f"{out}: {counted(lines, 'lines')}\n")


group = list_members(SOURCES, _make_command, {"case": _make_case})
