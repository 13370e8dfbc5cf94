"""Train a model on a text, into a new run.

The loop itself prints nothing: this file turns its reports into a bar, lines or JSON.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from charlm.base.errors import CharlmWarning, UsageError
from charlm.base.escape import escape_controls
from charlm.cli.announcements import cut_short, described, started
from charlm.cli.app import INTERRUPTED
from charlm.cli.display.progress import TrainingDisplay, progress_bar
from charlm.cli.display.tables import print_profile
from charlm.cli.options import AllowExpansion, OwnCorpus, WhichWeights, with_settings
from charlm.cli.output import LastingLines
from charlm.config import (
    Config,
    CorpusConfig,
    DataConfig,
    EngineConfig,
    ModelConfig,
    OptimizerConfig,
    RunConfig,
    cell_config_types,
    flag,
)
from charlm.data.catalog.builtin import DEFAULT_CORPUS
from charlm.data.reading.sources import Source, find_source
from charlm.data.remarks import list_remarks
from charlm.inference.language_model import load_run
from charlm.runs.find import find_run, make_run_folder
from charlm.runs.folder import only_writer
from charlm.runs.run import Run
from charlm.training.events import (
    FaultReport,
    Report,
    RollbackReport,
    SampleReport,
    StepReport,
    SummaryReport,
    ValidationReport,
)
from charlm.training.fine_tune import inherited
from charlm.training.loop import train as training_loop
from charlm.training.presets import ResolvedSettings, resolve_settings
from charlm.training.signals import stop_on_signals
from charlm.training.start import new_run, new_trainer, resume
from charlm.training.trainer import Trainer

app = typer.Typer(add_completion=False)

PANELS: dict[str, list[type[Config]]] = {
    "Model": [ModelConfig, *cell_config_types()],
    "Corpus": [CorpusConfig],
    "Batches": [DataConfig, EngineConfig],
    "Optimisation": [OptimizerConfig],
    "Length and events": [RunConfig],
}


@app.command()
@with_settings(PANELS)
def command(
    settings: dict[str, Any],
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORPUS",
            help="Text files (.gz .bz2 .xz .zst too), folders, patterns; - for standard input; or a built-in: "
            "python-docs, python-source.",
            show_default=DEFAULT_CORPUS,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of the new run.", show_default="runs/CORPUS-NUMBER"),
    ] = None,
    resume_run: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Go on with a run, exactly where it was saved.")
    ] = None,
    own_corpus: OwnCorpus = None,
    init_from: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Start from a run's weights, on this corpus; its network, its rate and what is a symbol are "
            "taken over.",
        ),
    ] = None,
    allow_expansion: AllowExpansion = False,
    weights: WhichWeights = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, the result last.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Say where the time of a step went.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing on standard error.")] = False,
) -> None:
    """Train a model on a text, into a new run.

    Where no setting of the network or of its learning is given, a preset that fits the length sets them; the
    defaults below are for a recipe of your own. The best weights by validation are kept beside the last.
    Ctrl-C saves, and says how to go on.
    """
    if resume_run is not None and (corpus or out or init_from):
        raise UsageError(
            "--resume goes on with a run's own corpus and folder: leave out CORPUS, --out, --init-from"
        )
    if own_corpus and resume_run is None:
        raise UsageError("--corpus is the corpus of a run that goes on: give --resume, or CORPUS alone")
    if quiet:
        warnings.simplefilter("ignore", CharlmWarning)
    before = None if resume_run is None else find_run(resume_run)
    if before is not None and before.weights is not None:
        raise UsageError(f"--resume goes on from the last save: name the folder, or --init-from {resume_run}")
    if weights is not None and init_from is None:
        raise UsageError("--weights says which weights to start from: give --init-from, or leave it out")
    origin = None if init_from is None else find_run(init_from, weights)
    if origin is not None:
        settings = inherited(origin.config, settings)
    if before is None:
        resolved = resolve_settings(settings)
        source = find_source(corpus or [DEFAULT_CORPUS], resolved.config.corpus.glob)
        begun = _new(source.allow_expansion() if allow_expansion else source, resolved, origin, out, quiet)
    else:
        begun = _resumed(before, settings, quiet, own_corpus or ())
    with begun as (trainer, run), closing(trainer):
        stopped = _train(trainer, run, json, quiet)
        if profile:
            print_profile(trainer.profile(), trainer.state.step)
    if stopped:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _new(
    source: Source, settings: ResolvedSettings, origin: Run | None, out: Path | None, quiet: bool
) -> Iterator[tuple[Trainer, Run]]:
    """A new run, from another's weights where there is one; its folder is locked meanwhile."""
    # Loaded first: settings that a stranger's weights do not bear out get no memory.
    start = None if origin is None else load_run(origin)
    with progress_bar("reading", quiet) as progress:
        trainer = new_trainer(source, settings, progress)
    for remark in list_remarks(trainer.corpus.prepared):
        _say(remark, quiet)
    if start is not None:
        _say(started(trainer, trainer.start_from(start)), quiet)
    elif trainer.config.budget.preset is None and trainer.config.budget.length[0] == "minutes":
        _say(f"no preset is picked beside {', '.join(map(flag, settings.instead_of_preset))}", quiet)
    with new_run(trainer, make_run_folder(source.name) if out is None else out) as run:
        yield trainer, run


@contextmanager
def _resumed(
    before: Run, settings: dict[str, Any], quiet: bool, corpus: Sequence[str]
) -> Iterator[tuple[Trainer, Run]]:
    """A run that goes on; its folder is locked meanwhile."""
    with only_writer(before.folder):
        run = Run.open(before.folder)  # as it is now that nobody else changes it
        with progress_bar("reading", quiet) as progress:
            begun = resume(run, settings, progress, corpus)
        yield begun


def _train(trainer: Trainer, run: Run, as_json: bool, quiet: bool) -> bool:
    """Train to the end, or until a signal; whether it was stopped before its end."""
    _say(described(trainer), quiet)
    # Closed at once, not when collected: a loop that is left in mid-run must not outlive its pool.
    with stop_on_signals() as stop, closing(training_loop(trainer, run, stop)) as reports:
        try:
            return _show(reports, as_json, quiet)
        except KeyboardInterrupt:
            _say(cut_short(run), quiet)
            raise


def _show(reports: Iterable[Report], as_json: bool, quiet: bool) -> bool:
    """Show every report; whether the run was stopped before its end.

    Raises:
        OSError: the reports cannot be written as JSON; training has gone on without, and is saved.
    """
    stopped, lines = False, LastingLines()
    with closing(TrainingDisplay(quiet)) as display:
        for report in reports:
            match report:
                case StepReport():
                    display.step(report)
                case ValidationReport():
                    display.validation(report)
                case SampleReport():
                    display.sample(report)
                case FaultReport():
                    display.fault(report)
                case RollbackReport():
                    display.rollback(report)
                case SummaryReport():
                    display.summary(report)
                    stopped = report.stopped
            if as_json and not isinstance(report, StepReport | SampleReport):
                lines.print(report.to_json())
    lines.check()
    return stopped


def _say(line: str, quiet: bool) -> None:
    if not quiet:
        sys.stderr.write(escape_controls(line + "\n"))
