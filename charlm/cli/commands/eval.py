"""Evaluate models: perplexity, surprisal, gradients and more.

A TARGET is a run (a name under runs/, its folder, or a file of weights in it) or a text (a file, a built-in
corpus, or - for standard input). Defaults: the newest run, on the validation split of its own corpus.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from charlm.cli.complete import complete_targets
from charlm.cli.groups import list_members
from charlm.cli.options import Mix, OwnCorpus, WhichWeights, take_device, with_settings
from charlm.cli.table_options import TableOptions, prints_tables
from charlm.config import DeviceConfig
from charlm.evaluate.base import Measurement
from charlm.evaluate.measures import MEASUREMENTS

PLACE = ("Measure", 1)
EXAMPLES = """
charlm eval perplexity
charlm eval surprisal novel-1 --html page.html
charlm eval baselines novel-1 --split test
"""


def _make_command(name: str, kind: type[Measurement]) -> Callable[..., None]:
    @with_settings({"Measurement": [kind], "Engine": [DeviceConfig]})
    @prints_tables(json="Print one JSON object per line.", several=True)
    def measure(
        settings: dict[str, Any],
        how: TableOptions,
        named: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="TARGET",
                help="Runs and texts.",
                show_default="the newest run",
                autocompletion=complete_targets,
            ),
        ] = None,
        split: Annotated[
            Literal["train", "val", "test"] | None,
            typer.Option(help="Split of a run's own corpus.", show_default="val"),
        ] = None,
        weights: WhichWeights = None,
        corpus: OwnCorpus = None,
        mix: Mix = None,
        plot: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Draw the curves into a .png or .svg file.")
        ] = None,
    ) -> None:
        # Imported last, so that help does not wait for it.
        from charlm.cli.measuring import Request, run_measurement

        device = take_device(settings)
        request = Request(named or [], split, weights, corpus or [], mix, plot, device)
        run_measurement(name, kind(**settings), request, how)

    return measure


group = list_members(MEASUREMENTS, _make_command)
