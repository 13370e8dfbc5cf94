"""Write a web page about a run, with the model running in it.

The page needs no server, no network and no install. It shows what the run was trained on, how good it is, what it
writes and what surprises it; and the model itself runs in it. Two runs stand side by side.
"""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from charlm.base.errors import UsageError
from charlm.base.files.atomic import write_atomically
from charlm.base.plural import format_size
from charlm.cli.complete import complete_runs
from charlm.cli.options import WhichWeights
from charlm.cli.output import print_json, write_note

PLACE = ("Start", 5)
EXAMPLES = """
charlm report
charlm report novel-1 --half --out novel.html
charlm report novel-1 names-1 --open
"""
MARK = b'<meta name="generator" content="charlm">'


def command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="One run, or two side by side.",
            show_default="the newest run",
            autocompletion=complete_runs,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The page.", show_default="RUN.html")] = None,
    weights: WhichWeights = None,
    half: Annotated[bool, typer.Option("--half", help="Weights in float16: half the size.")] = False,
    no_model: Annotated[bool, typer.Option("--no-model", help="Leave out the live model.")] = False,
    no_text: Annotated[bool, typer.Option("--no-text", help="Leave out text of the corpus.")] = False,
    characters: Annotated[
        int, typer.Option(metavar="N", min=1000, help="Characters of held-out text to measure.")
    ] = 100_000,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the page's figures, one JSON object per run.")
    ] = False,
) -> None:
    from charlm.cli.display.progress import progress_bar
    from charlm.cli.pick import pick_runs
    from charlm.engines.threads import ThreadPool
    from charlm.report.report import ReportOptions, make_report

    found = pick_runs(runs or [], weights)
    if len(found) > 2:
        raise UsageError(f"a page shows one run or two, and {len(found)} are given: make several pages")
    path = _check(out, found[0].name)
    options = ReportOptions(half, not no_model, not no_text, characters)
    with ThreadPool() as pool, progress_bar("report", quiet=json) as progress:
        report = make_report(found, options, pool, progress)
    page = report.html.encode()
    write_atomically(path, page)
    for note in report.notes:
        write_note(f"note: {note}")
    write_note(f"wrote {path}, {format_size(len(page))}")
    if json:
        for record in report.records:
            print_json(record)
    if open_page:
        webbrowser.open(path.resolve().as_uri())


def _check(out: Path | None, name: str) -> Path:
    """The page's path; without ``--out`` no file but an earlier page is replaced."""
    if out is not None:
        return out
    path = Path(f"{Path(name).name}.html")
    if path.exists() and MARK not in path.read_bytes()[:500]:
        raise UsageError(f"{path} is there and is no page of charlm: give another with --out")
    return path
