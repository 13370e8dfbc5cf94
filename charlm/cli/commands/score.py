"""Score each line of standard input.

The output is bits/char, a tab, the line; sort -g ranks the lines. A line is scored with its newline, as after a
newline; unknown characters count in the loss. With several runs, the output is: the likeliest source among the
runs, its probability (with equal priors), its bits/char, the line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from charlm.base.errors import UsageError
from charlm.cli.complete import complete_runs
from charlm.cli.lines import read_lines
from charlm.cli.options import Mix, RawText, WhichWeights, take_device, with_settings
from charlm.cli.output import print_json, write_text
from charlm.config import DeviceConfig

if TYPE_CHECKING:
    from charlm.inference.language_model import LanguageModel
    from charlm.inference.lines import LineScores
    from charlm.runs.run import Run

PLACE = ("Measure", 3)
EXAMPLES = """
charlm score < lines.txt | sort -g
charlm score --run english-1 --run german-1 < lines.txt
"""


@with_settings({"Engine": [DeviceConfig]})
def command(
    settings: dict[str, Any],
    run: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN",
            help="A run's folder or name; may be repeated.",
            show_default="the newest",
            autocompletion=complete_runs,
        ),
    ] = None,
    weights: WhichWeights = None,
    mix: Mix = None,
    label: Annotated[
        str | None, typer.Option(metavar="LABEL", help="The label of runs with --labels: score lines under it.")
    ] = None,
    raw: RawText = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    from charlm.cli.pick import pick_runs
    from charlm.engines.threads import ThreadPool
    from charlm.inference.lines import groups, score_lines

    if raw and json:
        raise UsageError("--raw writes text unescaped, and --json escapes it: leave out one of the two")
    device = take_device(settings)
    models = _load_models(pick_runs(run or [], weights, "score"), label, mix)
    models = {name: model.on(device) for name, model in models.items()}
    with ThreadPool() as pool:
        units = {model.corpus.units for model in models.values()}
        for lines in groups(read_lines("surrogateescape" if units == {"bytes"} else "strict")):
            scores = [score_lines(model, lines, pool) for model in models.values()]
            for record in _make_records(lines, models, scores):
                if json:
                    print_json(record)
                else:
                    write_text(_make_row(record), raw)
            sys.stdout.flush()


def _load_models(runs: list[Run], label: str | None, mix: bool | None) -> dict[str, LanguageModel]:
    from charlm.inference.conditioned import ConditionedModel, load_model

    models: dict[str, LanguageModel] = {}
    for run in runs:
        if run.name in models:
            raise UsageError(f"--run: two runs are called {run.name}: give each once, or rename a folder")
        model = load_model(run, label, mix)
        if isinstance(model, ConditionedModel):
            labels = ", ".join(model.labels)
            raise UsageError(f"{run.name} reads a label first: give --label, which is one of {labels}")
        models[run.name] = model
    return models


def _make_records(
    lines: list[str], models: dict[str, LanguageModel], scores: list[LineScores]
) -> Iterator[dict[str, Any]]:
    """Make a record of each line."""
    from charlm.inference.lines import posteriors

    names = list(models)
    posteriors_ML = posteriors(np.array([each.nats for each in scores]))
    best_L = posteriors_ML.argmax(axis=0)
    for place, line in enumerate(line.removesuffix("\r") for line in lines):
        figures = [
            {
                "mix": model.is_mixed,
                "bits_per_char": float(each.bits_per_char[place]),
                "nats": float(each.nats[place]),
                "characters": int(each.characters[place]),
                "unknown": int(each.unknown[place]),
            }
            for model, each in zip(models.values(), scores, strict=True)
        ]
        if len(names) == 1:
            yield {"run": names[0], **figures[0], "line": line}
            continue
        for own, posterior in zip(figures, posteriors_ML[:, place], strict=True):
            own["posterior"] = float(posterior)
        best = best_L[place]
        yield {"run": names[best], **figures[best], "runs": dict(zip(names, figures, strict=True)), "line": line}


def _make_row(record: dict[str, Any]) -> str:
    cells = [f"{record['bits_per_char']:.4f}", record["line"]]
    if "posterior" in record:
        cells = [record["run"], f"{record['posterior']:.4f}", *cells]
    return "\t".join(cells) + "\n"
