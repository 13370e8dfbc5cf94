"""Fill in the missing characters of a text.

The text is that of --text, or each line of standard input. Of several blanks the surest is filled first, and the
others then read it. White space counts: a blank is one character.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.base.errors import UsageError
from charlm.base.plural import counted
from charlm.cli.lines import read_lines
from charlm.cli.options import OneRun, RawText, WhichWeights
from charlm.cli.output import print_json, write_note, write_text
from charlm.config.task import BLANK

if TYPE_CHECKING:
    from charlm.tasks.text_filler import FilledText

PLACE = ("Tasks", 4)
EXAMPLES = """
charlm fill --text "th_ c_t s_t on th_ m_t"
charlm fill novel-1 --blank "?" --top 3 < lines.txt
"""


def command(
    run: OneRun = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="The text, in place of lines.")
    ] = None,
    blank: Annotated[str, typer.Option("--blank", metavar="CHAR", help="What stands for a blank.")] = BLANK,
    top: Annotated[
        int, typer.Option("--top", metavar="K", min=1, help="Show this many candidates for each blank.")
    ] = 1,
    weights: WhichWeights = None,
    raw: RawText = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per text.")] = False,
) -> None:
    from charlm.cli.pick import pick_run
    from charlm.engines.threads import ThreadPool
    from charlm.inference.lines import groups
    from charlm.tasks.text_filler import TextFiller

    if raw and json:
        raise UsageError("--raw writes text unescaped, and --json escapes it: leave out one of the two")
    found = pick_run(run, weights, "fill")
    filler, done = TextFiller.of(found), 0
    errors = "surrogateescape" if found.config.corpus.bytes else "strict"
    with ThreadPool() as pool:

        def answer(texts: Sequence[str]) -> int:
            """Write the filled texts; give the number of characters that training never saw."""
            filled = filler.fill_texts(texts, blank, top, pool)
            for each in filled:
                if json:
                    print_json({"run": found.name, **_make_record(each)})
                else:
                    write_text(f"{each.text}\n", raw)
                    _write_candidates(each, raw, top)
            sys.stdout.flush()
            return sum(each.unknown for each in filled)

        if text is not None:
            unknown = answer([text])
        else:
            unknown = 0
            for group in groups(read_lines(errors)):
                lines = [line.removesuffix("\r") for line in group]
                with_blanks = list(takewhile(lambda line: filler.has_blank(line, blank), lines))
                unknown += answer(with_blanks)
                done += len(with_blanks)
                if len(with_blanks) < len(lines):
                    raise UsageError(f"line {done + 1} of standard input has no blank {blank!r}: see --blank")
    if unknown:
        write_note(f"training never saw {counted(unknown, 'characters')} of the text: read as missing")


def _write_candidates(found: FilledText, raw: bool, top: int) -> None:
    """The place of each blank and its candidates with their probabilities, by tabs."""
    for each in found.blanks if top > 1 else ():
        cells = [cell for name, share in each.candidates for cell in (_show(name), f"{share:.4f}")]
        write_text("\t".join([str(each.position), *cells]) + "\n", raw)


def _show(character: str) -> str:
    """A character as its name where it is white space, which a table would hide."""
    return {" ": "space", "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, character)


def _make_record(found: FilledText) -> dict[str, Any]:
    blanks = [
        {
            "position": each.position,
            "character": each.character,
            "probability": each.probability,
            "candidates": [{"character": name, "probability": share} for name, share in each.candidates],
        }
        for each in found.blanks
    ]
    return {"text": found.text, "blanks": blanks, "unknown": found.unknown}
