"""Train a model on a text, into a new run.

The loop itself prints nothing: this file turns its reports into a bar, lines or JSON.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from charlm.checkpoint.find import find_run
from charlm.checkpoint.run import Run
from charlm.cli.app import INTERRUPTED
from charlm.cli.options import with_settings
from charlm.cli.progress import TrainingDisplay
from charlm.cli.render import print_json, print_profile
from charlm.config import BatchingConfig, BudgetConfig, Config, ModelConfig, OptimisationConfig, TrainingConfig
from charlm.engine.pool import WorkerPool
from charlm.errors import UsageError
from charlm.language_model import load_run
from charlm.text.named import DEFAULT
from charlm.text.sources import read_source
from charlm.training.loop import train as training_loop
from charlm.training.reports import Report, SampleReport, StepReport, SummaryReport, ValidationReport
from charlm.training.session import changed, new_run, new_trainer, resume
from charlm.training.signals import stop_on_signals
from charlm.training.trainer import Trainer
from charlm.training.transfer import Transfer, transfer

app = typer.Typer(add_completion=False)

PANELS: dict[str, list[type[Config]]] = {
    "Model": [ModelConfig],
    "Batches": [BatchingConfig],
    "Optimisation": [OptimisationConfig],
    "Length and events": [BudgetConfig],
}


@app.command()
@with_settings(PANELS)
def command(
    settings: dict[str, Any],
    corpus: Annotated[
        str | None,
        typer.Argument(
            metavar="CORPUS",
            help="A UTF-8 text file, - for standard input, or a built-in: python-docs, python-source.",
            show_default=DEFAULT,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of the new run.", show_default="runs/CORPUS-NUMBER"),
    ] = None,
    resume_run: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Go on with a run, exactly where it was saved.")
    ] = None,
    init_from: Annotated[
        str | None, typer.Option(metavar="RUN", help="Start from the weights of a run, on this corpus.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, the result last.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Say where the time of a step went.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing on standard error.")] = False,
) -> None:
    """Train a model on a text, into a new run.

    The best weights by validation are kept beside the last. Ctrl-C saves, and says how to go on.
    """
    if resume_run is not None and (corpus, out, init_from) != (None, None, None):
        raise UsageError(
            "--resume goes on with a run's own corpus and folder: leave out CORPUS, --out, --init-from"
        )
    before = None if resume_run is None else find_run(resume_run)
    origin = None if init_from is None else find_run(init_from)
    config = _config(before, origin, settings)
    with WorkerPool(config.batching.workers) as pool:
        if before is not None:
            trainer, run = resume(before, settings, pool)
        else:
            trainer = new_trainer(read_source(DEFAULT if corpus is None else corpus), config, pool)
            if origin is not None:
                _say(_moved(transfer(load_run(origin), trainer.language_model())), quiet)
            run = new_run(trainer, out)
        # Closed at once, not when collected: a loop that is left in mid-run must not outlive its pool.
        with stop_on_signals() as stop, closing(training_loop(trainer, run, stop)) as reports:
            stopped = _show(reports, trainer, json, quiet)
        if profile:
            print_profile(trainer.profile(), trainer.position.step)
    if stopped:
        raise typer.Exit(INTERRUPTED)


def _config(before: Run | None, origin: Run | None, settings: dict[str, Any]) -> TrainingConfig:
    """A training's settings: those of the run to go on with, or to start from, and those given."""
    if before is not None:
        return changed(before.config, settings)
    inherited = {} if origin is None else origin.config.model.to_json()
    return TrainingConfig.from_settings(**(inherited | settings))


def _moved(moved: Transfer) -> str:
    return (
        f"characters kept {moved.kept}, new {len(moved.new)} {''.join(moved.new)!r}, "
        f"dropped {len(moved.dropped)} {''.join(moved.dropped)!r}"
    )


def _show(reports: Iterable[Report], trainer: Trainer, as_json: bool, quiet: bool) -> bool:
    """Show every report; whether the run was stopped before its end."""
    corpus, parameters = trainer.corpus, trainer.model.params.flat.size
    sizes = f"{len(corpus.train_codes):,} characters to train on, {len(corpus.validation):,} to validate"
    cell = trainer.config.model.cell
    _say(
        f"{corpus.source.name}: {sizes}, {len(corpus.vocabulary)} symbols; {cell}, {parameters:,} parameters",
        quiet,
    )
    stopped = False
    with closing(TrainingDisplay(quiet)) as display:
        for report in reports:
            match report:
                case StepReport():
                    display.step(report)
                case ValidationReport():
                    display.validation(report)
                case SampleReport():
                    display.sample(report)
                case SummaryReport():
                    display.summary(report)
                    stopped = report.stopped
            if as_json and isinstance(report, ValidationReport | SummaryReport):
                print_json(report.to_json())
    return stopped


def _say(line: str, quiet: bool) -> None:
    if not quiet:
        sys.stderr.write(line + "\n")
