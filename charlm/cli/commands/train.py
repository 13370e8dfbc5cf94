"""Train a model on a text, into a new run.

The loop itself prints nothing: this file turns its reports into a bar, lines or JSON.
"""

from __future__ import annotations

import shlex
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from charlm.checkpoint.checkpoint import load_checkpoint
from charlm.checkpoint.find import find_run, new_run_folder
from charlm.checkpoint.lock import only_writer
from charlm.checkpoint.run import Run
from charlm.cli.app import INTERRUPTED
from charlm.cli.options import AllowExpansion, OwnCorpus, WhichWeights, with_settings
from charlm.cli.output import LastingLines, for_stream
from charlm.cli.progress import TrainingDisplay, progress_bar
from charlm.cli.render import print_profile
from charlm.config import (
    BatchingConfig,
    BudgetConfig,
    Config,
    CorpusConfig,
    ModelConfig,
    OptimisationConfig,
    TrainingConfig,
    flag,
)
from charlm.engine.pool import WorkerPool
from charlm.errors import CharlmWarning, UsageError
from charlm.language_model import load_run
from charlm.plural import counted
from charlm.presets import own_settings, preset_flags
from charlm.text.named import DEFAULT
from charlm.text.remarks import remarks
from charlm.text.sources import Source, find_source
from charlm.training.loop import train as training_loop
from charlm.training.reports import (
    FaultReport,
    Report,
    RollbackReport,
    SampleReport,
    StepReport,
    SummaryReport,
    ValidationReport,
)
from charlm.training.session import changed, new_run, new_trainer, resume
from charlm.training.signals import stop_on_signals
from charlm.training.trainer import Trainer
from charlm.training.transfer import READING, Transfer, inherited

app = typer.Typer(add_completion=False)

RARE_SHOWN = 40  # of the characters that share a symbol

PANELS: dict[str, list[type[Config]]] = {
    "Model": [ModelConfig],
    "Corpus": [CorpusConfig],
    "Batches": [BatchingConfig],
    "Optimisation": [OptimisationConfig],
    "Length and events": [BudgetConfig],
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
    config = TrainingConfig.from_settings(**settings) if before is None else changed(before.config, settings)
    with WorkerPool(config.batching.workers) as pool:
        if before is None:
            source = find_source(corpus or [DEFAULT], config.corpus.glob)
            begun = _new(source.expanding() if allow_expansion else source, settings, origin, out, pool, quiet)
        else:
            begun = _resumed(before, settings, pool, quiet, own_corpus or ())
        with begun as (trainer, run):
            stopped = _train(trainer, run, json, quiet)
            if profile:
                print_profile(trainer.profile(), trainer.position.step)
    if stopped:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _new(
    source: Source, settings: dict[str, Any], origin: Run | None, out: Path | None, pool: WorkerPool, quiet: bool
) -> Iterator[tuple[Trainer, Run]]:
    """A new run, from another's weights where there is one; its folder is locked meanwhile."""
    # Loaded first: settings that a stranger's weights do not bear out get no memory.
    start = None if origin is None else load_run(origin)
    with progress_bar("reading", quiet) as progress:
        trainer = new_trainer(source, settings, pool, progress)
    for remark in remarks(trainer.corpus):
        _say(remark, quiet)
    if start is not None:
        _say(f"{_moved(trainer.start_from(start))}{_read_alike(trainer)}", quiet)
    elif trainer.config.budget.preset is None and trainer.config.budget.length[0] == "minutes":
        _say(f"no preset is picked beside {', '.join(map(flag, own_settings(settings)))}", quiet)
    with new_run(trainer, new_run_folder(source.name) if out is None else out) as run:
        yield trainer, run


@contextmanager
def _resumed(
    before: Run, settings: dict[str, Any], pool: WorkerPool, quiet: bool, corpus: Sequence[str]
) -> Iterator[tuple[Trainer, Run]]:
    """A run that goes on; its folder is locked meanwhile."""
    with only_writer(before.folder):
        run = Run.open(before.folder)  # as it is now that nobody else changes it
        with progress_bar("reading", quiet) as progress:
            begun = resume(run, settings, pool, progress, corpus)
        yield begun


def _train(trainer: Trainer, run: Run, as_json: bool, quiet: bool) -> bool:
    """Train to the end, or until a signal; whether it was stopped before its end."""
    _say(_described(trainer), quiet)
    # Closed at once, not when collected: a loop that is left in mid-run must not outlive its pool.
    with stop_on_signals() as stop, closing(training_loop(trainer, run, stop)) as reports:
        try:
            return _show(reports, as_json, quiet)
        except KeyboardInterrupt:
            _say(_cut_short(run), quiet)
            raise


def _described(trainer: Trainer) -> str:
    """What is trained on what, by which preset."""
    config, corpus = trainer.config, trainer.corpus
    sizes = (
        f"{counted(len(corpus.train), config.corpus.units)} to train on, {len(corpus.validation):,} to validate"
    )
    rare = corpus.vocabulary.rare
    shared = (
        f", one of them for {counted(len(rare), 'rare characters')}: {''.join(rare[:RARE_SHOWN])!r}"
        if rare
        else ""
    )
    network = f"{config.model.cell}, {counted(trainer.model.params.flat.size, 'parameters')}"
    described = f"{corpus.source.name}: {sizes}, {counted(len(corpus.vocabulary), 'symbols')}{shared}; {network}"
    if trainer.validation is None and len(corpus.validation):
        reason = "most of it is not in the training part" if len(corpus.validation) > 1 else "it is too short"
        described += f"\nwhat is held out says nothing: {reason}; the last weights are kept as the model"
    if config.budget.preset is None:
        return described
    return f"{described}\npreset {config.budget.preset}: {' '.join(preset_flags(config))}"


def _read_alike(trainer: Trainer) -> str:
    """How the text is read, where that is not the plain way."""
    own, plain = trainer.config.corpus.to_json(), CorpusConfig().to_json()
    flags = [flag(name) if own[name] is True else f"{flag(name)} {own[name]}" for name in READING]
    changed = [said for said, name in zip(flags, READING, strict=True) if own[name] != plain[name]]
    return f"; read with {' '.join(changed)}" if changed else ""


def _moved(moved: Transfer) -> str:
    return (
        f"characters kept {moved.kept}, new {len(moved.new)} {''.join(moved.new)!r}, "
        f"dropped {len(moved.dropped)} {''.join(moved.dropped)!r}"
    )


def _cut_short(run: Run) -> str:
    """What is left of a run that was stopped at once."""
    saved = load_checkpoint(run.last_path, run.config.model, len(run.vocabulary))
    again = f"charlm train --resume {shlex.quote(str(run.folder))}"
    return f"stopped at once, saved last at step {saved.scalars['step']}; go on from there with: {again}"


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
        sys.stderr.write(for_stream(line + "\n", sys.stderr))
