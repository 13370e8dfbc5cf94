"""Measure runs and texts for ``charlm eval``: find them, measure, and print what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from charlm.base.errors import UsageError
from charlm.base.tables import Curve, Matrix
from charlm.cli.display.findings import print_findings, save_findings
from charlm.cli.display.progress import progress_bar
from charlm.cli.output import write_note
from charlm.cli.table_options import TableOptions
from charlm.config import DeviceConfig
from charlm.engines.devices import NUMPY
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import EvalResult, Measurement
from charlm.evaluate.labelled import labelled_cases_of
from charlm.evaluate.subjects import run_texts_of, subjects_of
from charlm.report.figures import check_plot_file, save_curves
from charlm.runs.find import resolve


@dataclass(frozen=True)
class Request:
    """What is to be measured, on which split and device, and where curves are drawn."""

    named: Sequence[str]
    split: str | None
    weights: str | None
    corpus: Sequence[str]
    mix: bool | None
    plot: Path | None
    device: DeviceConfig


def run_measurement(name: str, measurement: Measurement, request: Request, how: TableOptions) -> None:
    """Measure, print and save.

    Raises:
        UsageError: the measurement cannot do what is asked for.
    """
    if request.plot is not None:
        check_plot_file(request.plot)
    if request.mix and measurement.mixes == "never":
        raise UsageError(f"charlm eval {name} measures the network alone: leave out --mix")
    if request.device != NUMPY and measurement.needs_numpy:
        raise UsageError(f"charlm eval {name} needs NumPy's gradients or states: leave out --engine torch")
    cases = _find_cases(name, measurement, request)
    if not any(isinstance(resolve(target), Path) for target in request.named):
        write_note(f"newest run: {cases[0].keys['run']}")
    with ThreadPool() as pool, progress_bar(name, quiet=how.json) as progress:
        findings = measurement.measure(cases, pool, progress)
    save_findings(findings)
    print_findings(findings, how)
    if request.plot is not None:
        _save_plot(name, findings, request.plot)


def _find_cases(name: str, measurement: Measurement, request: Request) -> Sequence[Any]:
    mix = request.mix
    if measurement.mixes == "never" or (measurement.mixes == "if asked" and mix is None):
        mix = False
    finders: dict[str, Callable[..., Sequence[Any]]] = {
        "models": partial(subjects_of, mix=mix),
        "labels": labelled_cases_of,
        "runs": run_texts_of,
    }
    find = finders[measurement.cases]
    cases = find(request.named, request.split, request.weights, request.corpus, command=f"eval {name}")
    return cases if request.device == NUMPY else [case.on(request.device) for case in cases]


def _save_plot(name: str, findings: EvalResult, path: Path) -> None:
    drawn: list[Curve | Matrix] = [*findings.curves, *findings.matrices]
    if not drawn:
        raise UsageError(f"charlm eval {name} has no curve to draw: leave out --plot {path}")
    save_curves(drawn, path)
    write_note(f"wrote {path}")
