"""Classify each line of standard input.

The output is the label, its probability and the line, separated by tabs. An empty line is classified too.
White space at the ends of a line does not count.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.base.errors import UsageError
from charlm.base.plural import counted
from charlm.cli.lines import read_lines
from charlm.cli.options import OneRun, RawText, WhichWeights
from charlm.cli.output import print_json, write_note, write_text

if TYPE_CHECKING:
    from charlm.tasks.text_classifier import Classification

PLACE = ("Tasks", 1)
EXAMPLES = """
echo Schmidhuber | charlm classify
charlm classify names-1 --top 3 < names.txt
"""


def command(
    run: OneRun = None,
    weights: WhichWeights = None,
    top: Annotated[int, typer.Option("--top", metavar="K", min=1, help="How many labels to give.")] = 1,
    raw: RawText = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    from charlm.cli.pick import pick_run
    from charlm.engines.threads import ThreadPool
    from charlm.inference.lines import groups
    from charlm.tasks.text_classifier import open_classifier

    if raw and json:
        raise UsageError("--raw writes text unescaped, and --json escapes it: leave out one of the two")
    found = pick_run(run, weights, "classify")
    if run is None:
        write_note(f"{found.name}, the newest run with labels")
    classifier, unknown = open_classifier(found), 0
    with ThreadPool() as pool:
        for lines in groups(read_lines("surrogateescape" if found.config.corpus.bytes else "strict")):
            for each in classifier.classify([line.removesuffix("\r") for line in lines], pool):
                unknown += each.unknown
                if json:
                    print_json({"run": found.name, **_make_record(each)})
                else:
                    ranked = list(each.probabilities.items())[:top]
                    cells = [cell for label, share in ranked for cell in (label, f"{share:.4f}")]
                    write_text("\t".join([*cells, each.text]) + "\n", raw)
            sys.stdout.flush()
    if unknown:
        write_note(f"training never saw {counted(unknown, 'characters')} of these lines: read as unknown")


def _make_record(found: Classification) -> dict[str, Any]:
    return {
        "label": found.label,
        "probability": found.probability,
        "probabilities": dict(found.probabilities),
        "unknown": found.unknown,
        "line": found.text,
    }
