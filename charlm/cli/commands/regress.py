"""Predict a number for each line of standard input.

The output is the number, a tab, the line. White space at the ends of a line does not count.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from charlm.base.errors import UsageError
from charlm.cli.lines import read_lines
from charlm.cli.options import OneRun, RawText, WhichWeights
from charlm.cli.output import print_json, write_note, write_text

PLACE = ("Tasks", 2)
EXAMPLES = """
charlm regress reviews-1 < reviews.txt
"""


def command(
    run: OneRun = None,
    weights: WhichWeights = None,
    raw: RawText = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    from charlm.cli.pick import pick_run
    from charlm.engines.threads import ThreadPool
    from charlm.inference.lines import groups
    from charlm.tasks.whole_texts import TextReader

    if raw and json:
        raise UsageError("--raw writes text unescaped, and --json escapes it: leave out one of the two")
    found = pick_run(run, weights, "regress")
    if run is None:
        write_note(f"{found.name}, the newest run that gives numbers")
    reader = TextReader.of(found)
    with ThreadPool() as pool:
        for group in groups(read_lines("surrogateescape" if found.config.corpus.bytes else "strict")):
            lines = [line.removesuffix("\r") for line in group]
            for line, number in zip(lines, reader.regress(lines, pool).tolist(), strict=True):
                if json:
                    unknown = reader.count_unknown(line)
                    print_json({"run": found.name, "number": number, "unknown": unknown, "line": line})
                else:
                    write_text(f"{number:.6g}\t{line}\n", raw)
            sys.stdout.flush()
