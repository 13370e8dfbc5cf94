"""Show the likeliest next characters after a text.

With one argument, a run shows how its texts begin; any other text is continued by the newest run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from charlm.cli.options import Mix, OneRun, SkipUnknown, WhichWeights
from charlm.cli.output import print_json

PLACE = ("Look", 4)
EXAMPLES = """
charlm next novel-1 "Call m"
charlm next "It was"
"""


def command(
    run: OneRun = None,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="What the characters follow.", show_default="the start of a text"),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="K", min=1, help="How many characters to show.")] = 10,
    weights: WhichWeights = None,
    mix: Mix = None,
    skips: SkipUnknown = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per character.")] = False,
) -> None:
    from charlm.cli.display.candidates import print_candidates
    from charlm.cli.pick import pick_run
    from charlm.cli.prompts import hinting_skip, skip_unknown
    from charlm.inference.language_model import load_run
    from charlm.runs.find import resolve

    if run is not None and text is None and not isinstance(resolve(run), Path):
        run, text = None, run
    found = pick_run(run, weights, "next")
    model = load_run(found, mix)
    text = skip_unknown(model, text or "") if skips else text or ""
    with hinting_skip():
        candidates = model.next(text, k=top)
    if json:
        for rank, (character, probability) in enumerate(candidates, start=1):
            values = {"mix": model.is_mixed, "rank": rank, "character": character, "probability": probability}
            print_json({"run": found.name, **values})
    else:
        print_candidates(candidates)
