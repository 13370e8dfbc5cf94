"""Tag each character of each line of standard input.

The output is the tags of a line, separated by spaces; an empty line gives an empty one. White space at the ends
of a line has no tags.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from charlm.base.errors import UsageError
from charlm.base.plural import counted
from charlm.cli.lines import read_lines
from charlm.cli.options import OneRun, RawText, WhichWeights
from charlm.cli.output import print_json, write_note, write_text

PLACE = ("Tasks", 5)
EXAMPLES = """
charlm tag ner-1 < lines.txt
echo "i met anna in paris" | charlm tag --apply
"""


def command(
    run: OneRun = None,
    weights: WhichWeights = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Print the text in the case that the tags U and L say.")
    ] = False,
    raw: RawText = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    from charlm.cli.pick import pick_run
    from charlm.engines.threads import ThreadPool
    from charlm.inference.lines import groups
    from charlm.tasks.text_tagger import TextTagger

    if json and (raw or apply):
        raise UsageError(f"--json prints the tags: leave out {'--raw' if raw else '--apply'}")
    tagger, unknown = TextTagger.of(pick_run(run, weights, "tag")), 0
    with ThreadPool() as pool:
        for group in groups(read_lines("strict")):
            lines = [line.removesuffix("\r") for line in group]
            if apply:
                write_text("".join(f"{line}\n" for line in tagger.recase(lines, pool)), raw)
                continue
            for line, found in zip(lines, tagger.tag_texts(lines, pool), strict=True):
                unknown += found.unknown
                if json:
                    tags = {"tags": list(found.tags), "probabilities": list(found.probabilities)}
                    print_json({"run": tagger.run.name, **tags, "unknown": found.unknown, "line": line})
                else:
                    write_text(" ".join(found.tags) + "\n", raw)
            sys.stdout.flush()
    if unknown:
        write_note(f"training never saw {counted(unknown, 'characters')} of these lines: read as unknown")
