"""Evaluate models: perplexity, surprisal, gradients and more.

A TARGET is a run (a name under runs/, its folder, or a file of weights in it) or a text (a file, a built-in
corpus, or - for standard input). Defaults: the newest run, on the validation split of its own corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from charlm.base.errors import UsageError
from charlm.base.tables import Curve, Matrix
from charlm.cli.complete import complete_targets
from charlm.cli.display.findings import print_findings, save_findings
from charlm.cli.display.progress import progress_bar
from charlm.cli.groups import list_members
from charlm.cli.options import Mix, OwnCorpus, WhichWeights, take_device, with_settings
from charlm.cli.output import write_note
from charlm.cli.table_options import TableOptions, prints_tables
from charlm.config import DeviceConfig
from charlm.engines.devices import NUMPY
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import Measurement
from charlm.evaluate.labelled import labelled_cases_of
from charlm.evaluate.measures import MEASUREMENTS
from charlm.evaluate.subjects import run_texts_of, subjects_of
from charlm.report.figures import check_plot_file, save_curves
from charlm.runs.find import resolve

PLACE = ("Measure", 1)
EXAMPLES = """
charlm eval perplexity
charlm eval surprisal novel-1 --html page.html
charlm eval baselines novel-1 --split test
"""


def _make_command(name: str, kind: type[Measurement]) -> Callable[..., None]:
    @with_settings({"Measurement": [kind], "Engine": [DeviceConfig]})
    @prints_tables(json="Print one JSON object per line.")
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
        if plot is not None:
            check_plot_file(plot)
        if mix and kind.mixes == "never":
            raise UsageError(f"charlm eval {name} measures the network alone: leave out --mix")
        if kind.mixes == "never" or (kind.mixes == "if asked" and mix is None):
            mix = False
        device = take_device(settings)
        measurement = kind(**settings)
        if device != NUMPY and measurement.needs_numpy:
            raise UsageError(f"charlm eval {name} needs NumPy's gradients or states: leave out --engine torch")
        finders: dict[str, Callable[..., Sequence[Any]]] = {
            "models": partial(subjects_of, mix=mix),
            "labels": labelled_cases_of,
            "runs": run_texts_of,
        }
        subjects = finders[kind.cases](named or [], split, weights, corpus or (), command=f"eval {name}")
        if device != NUMPY:
            subjects = [subject.on(device) for subject in subjects]
        if not any(isinstance(resolve(target), Path) for target in named or ()):
            write_note(f"newest run: {subjects[0].keys['run']}")
        with ThreadPool() as pool, progress_bar(name, quiet=how.json) as progress:
            findings = measurement.measure(subjects, pool, progress)
        save_findings(findings)
        print_findings(findings, how)
        if plot is not None:
            drawn: list[Curve | Matrix] = [*findings.curves, *findings.matrices]
            if not drawn:
                raise UsageError(f"charlm eval {name} has no curve to draw: leave out --plot {plot}")
            save_curves(drawn, plot)
            write_note(f"wrote {plot}")

    return measure


group = list_members(MEASUREMENTS, _make_command)
