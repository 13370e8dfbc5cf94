"""Translate each line of standard input.

The output is one answer a line, by beam search; an empty line gives an empty one. White space at the ends of a
line does not count.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.base.errors import UsageError
from charlm.base.plural import counted
from charlm.cli.lines import read_lines
from charlm.cli.options import OneRun, RawText, WhichWeights
from charlm.cli.output import print_json, write_note, write_text
from charlm.config.encoder import BEAM

if TYPE_CHECKING:
    from charlm.tasks.translator import Translation, Translator

PLACE = ("Tasks", 3)
EXAMPLES = """
echo phonology | charlm translate
charlm translate words-1 --nbest 3 < words.txt
charlm translate --show phonology
"""


def command(
    run: OneRun = None,
    weights: WhichWeights = None,
    beam: Annotated[int, typer.Option(metavar="K", min=1, help="Hypotheses at once; 1 is greedy.")] = BEAM,
    nbest: Annotated[
        int, typer.Option(metavar="N", min=1, help="Answers a line, each with its log-probability in nats.")
    ] = 1,
    show: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Show the attention to this text, not lines.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --show, draw it into a .png or .svg file.")
    ] = None,
    raw: RawText = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    from charlm.cli.pick import pick_run
    from charlm.engines.threads import ThreadPool
    from charlm.inference.lines import groups
    from charlm.tasks.translator import Translator

    _check(beam, nbest, show, plot, raw, json)
    translator = Translator.of(pick_run(run, weights, "translate"))
    if show is not None:
        _show_attention(translator, show, beam, plot, json)
        return
    unknown = cut = 0
    with ThreadPool() as pool:
        for lines in groups(read_lines("strict")):
            for ranked in translator.rank([line.removesuffix("\r") for line in lines], beam, nbest, pool):
                best = ranked[0]
                unknown, cut = unknown + best.unknown, cut + (not best.is_finished)
                if json:
                    print_json({"run": translator.run.name, **_make_record(ranked)})
                else:
                    write_text("".join(_make_line(each, nbest) for each in ranked), raw)
            sys.stdout.flush()
    if unknown:
        write_note(f"training never saw {counted(unknown, 'characters')} of these lines: read as unknown")
    if cut:
        write_note(f"{counted(cut, 'answers')} did not end and were cut")


def _check(beam: int, nbest: int, show: str | None, plot: Path | None, raw: bool, json: bool) -> None:
    """Check options that depend on each other.

    Raises:
        UsageError: two cannot be together, or one needs another.
    """
    from charlm.report.figures import check_plot_file

    if raw and json:
        raise UsageError("--raw writes text unescaped, and --json escapes it: leave out one of the two")
    if nbest > beam:
        raise UsageError(f"--nbest {nbest} needs as many hypotheses: give --beam {nbest} or more")
    if plot is not None:
        if show is None:
            raise UsageError("--plot draws the attention to one text: give it with --show TEXT")
        check_plot_file(plot)


def _make_line(found: Translation, nbest: int) -> str:
    """An answer; of several its log-probability and the line too, by tabs."""
    return f"{found.text}\n" if nbest == 1 else f"{found.text}\t{found.log_prob:.4f}\t{found.source}\n"


def _make_record(ranked: Sequence[Translation]) -> dict[str, Any]:
    answers = [
        {"answer": each.text, "log_prob_nats": each.log_prob, "finished": each.is_finished} for each in ranked
    ]
    others = {"unknown": ranked[0].unknown, "line": ranked[0].source}
    return {**answers[0], **({"answers": answers} if len(answers) > 1 else {}), **others}


def _show_attention(translator: Translator, text: str, beam: int, plot: Path | None, json: bool) -> None:
    from charlm.cli.display.matrix import print_matrix
    from charlm.report.figures import save_curves

    (answer,) = translator.translate([text], beam)
    found = translator.attend(text, answer)
    if json:
        weights = found.weights_TS.tolist()
        record = {"run": translator.run.name, "source": found.source, "answer": found.answer, "weights": weights}
        print_json(record)
    else:
        print_matrix(found.matrix())
    if plot is not None:
        save_curves([found.matrix()], plot)
        write_note(f"wrote {plot}")
