"""Train a model on your text.

A preset that fits --minutes chooses the network and the optimizer; a setting that you give wins. There is no
preset with --steps or --epochs. Ctrl-C saves and stops.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from charlm.base.errors import CharlmWarning, UsageError
from charlm.cli.app import INTERRUPTED
from charlm.cli.complete import complete_corpora, complete_runs
from charlm.cli.display.beginning import describe_beginning, describe_last, describe_transfer
from charlm.cli.display.dry_run import print_dry_run
from charlm.cli.display.progress import TrainingDisplay, progress_bar
from charlm.cli.display.tables import print_profile
from charlm.cli.options import AllowExpansion, OwnCorpus, WhichWeights, with_settings
from charlm.cli.output import print_json, write_note
from charlm.config import (
    Config,
    CorpusConfig,
    DataConfig,
    EngineConfig,
    ModelConfig,
    OptimizerConfig,
    RunConfig,
    TaskConfig,
    cell_config_types,
    task_config_types,
)
from charlm.config.settings_file import CORPUS, override, read_settings
from charlm.data.catalog.builtin import DEFAULT_CORPUS
from charlm.data.reading.sources import Source, find_source
from charlm.inference.language_model import load_run
from charlm.report.event_files import FOLDER, EventFiles, check_tensorboard
from charlm.runs.find import find_run, make_run_folder
from charlm.runs.folder import check_new, only_writer
from charlm.runs.run import Run
from charlm.training.dry_run import plan_training
from charlm.training.events import LossReport, Report, SampleReport, StepReport, SummaryReport
from charlm.training.fine_tune import inherited
from charlm.training.loop import train as training_loop
from charlm.training.presets import PRESET_SETTINGS, ResolvedSettings, resolve_settings
from charlm.training.signals import stop_on_signals
from charlm.training.start import new_run, new_trainer, resume
from charlm.training.trainer import Trainer

PLACE = ("Start", 1)
EXAMPLES = """
charlm train novel.txt --minutes 10
charlm train lyrics/ --cell gru --hidden 256 --epochs 10
charlm train names.txt --lines --out runs/names
charlm train --resume novel-1 --minutes 20
"""
BASIC = (
    "minutes", "epochs", "steps", "preset", "cell", "hidden", "layers", "lr", "lines", "seed", "out",
    "resume_run", "init_from", "quiet",
)  # fmt: skip

PANELS: dict[str, list[type[Config]]] = {
    "Task": [TaskConfig, *task_config_types()],
    "Model": [ModelConfig, *cell_config_types()],
    "Corpus": [CorpusConfig],
    "Batches": [DataConfig, EngineConfig],
    "Optimization": [OptimizerConfig],
    "Length, logging and checkpoints": [RunConfig],
}


@with_settings(PANELS, BASIC, PRESET_SETTINGS)
def command(
    settings: dict[str, Any],
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORPUS",
            autocompletion=complete_corpora,
            help="Text files, folders or patterns; - for standard input; or a name of charlm corpus list.",
            show_default=DEFAULT_CORPUS,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FOLDER", help="Folder of the new run.", show_default="runs/CORPUS-NUMBER"
        ),
    ] = None,
    resume_run: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            autocompletion=complete_runs,
            help="Continue a run from its last checkpoint.",
        ),
    ] = None,
    own_corpus: OwnCorpus = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read settings from a TOML file; flags win.")
    ] = None,
    init_from: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            autocompletion=complete_runs,
            help="Fine-tune the weights of another run on this corpus.",
        ),
    ] = None,
    allow_expansion: AllowExpansion = False,
    weights: WhichWeights = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per event.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard files, in the run's folder.")
    ] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Profile training steps.")] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="No progress output; prints the run's folder.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print all settings.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show splits, size, memory and epochs; train nothing.")
    ] = False,
) -> None:
    if tensorboard:
        check_tensorboard()
    if config is not None:
        stored = read_settings(config)
        corpus = corpus or stored.get(CORPUS)
        settings = override({name: value for name, value in stored.items() if name != CORPUS}, settings)
    if resume_run is not None and (corpus or out or init_from):
        raise UsageError("--resume uses a run's own corpus and folder: leave out CORPUS, --out, --init-from")
    if own_corpus and resume_run is None:
        raise UsageError("--corpus is the corpus of a resumed run: give --resume, or CORPUS alone")
    if dry_run and resume_run is not None:
        raise UsageError(f"--dry-run is about a new run: leave out --resume, or see charlm info {resume_run}")
    if quiet:
        warnings.simplefilter("ignore", CharlmWarning)
    before = None if resume_run is None else find_run(resume_run)
    if before is not None and before.weights is not None:
        raise UsageError(f"--resume needs the last checkpoint: name the folder, or --init-from {resume_run}")
    if weights is not None and init_from is None:
        raise UsageError("--weights needs --init-from: give it, or leave out --weights")
    origin = None if init_from is None else find_run(init_from, weights)
    if origin is not None:
        settings = inherited(origin.config, settings)
    if before is None:
        resolved = resolve_settings(settings, picks_preset=origin is None)
        source = find_source(corpus or [DEFAULT_CORPUS], resolved.config.corpus.glob)
        source = source.allow_expansion() if allow_expansion else source
        if dry_run:
            _plan(source, resolved, out, json, quiet)
            return
        begun = _begin(source, resolved, origin, out, quiet)
    else:
        begun = _resume(before, settings, quiet, own_corpus or ())
    with begun as (trainer, run), closing(trainer):
        stopped = _train(trainer, run, json, tensorboard, quiet, verbose)
        if quiet and not json:  # for scripts
            sys.stdout.write(f"{run.folder}\n")
        if profile:
            print_profile(trainer.profile(), trainer.state.step)
    if stopped:
        raise typer.Exit(INTERRUPTED)


def _plan(source: Source, settings: ResolvedSettings, out: Path | None, as_json: bool, quiet: bool) -> None:
    """Print what a training would be."""
    if out is not None:
        check_new(out)
    with progress_bar("reading", quiet) as progress:
        plan = plan_training(source, settings, progress)
    if as_json:
        print_json(plan.to_json())
    else:
        print_dry_run(plan)
    _say(["dry run: nothing was trained or saved"], quiet)


@contextmanager
def _begin(
    source: Source, settings: ResolvedSettings, origin: Run | None, out: Path | None, quiet: bool
) -> Iterator[tuple[Trainer, Run]]:
    """Begin and lock a new run."""
    # Loaded first: settings that do not match untrusted weights get no memory.
    start = None if origin is None else load_run(origin)
    with progress_bar("reading", quiet) as progress:
        trainer = new_trainer(source, settings, progress)
    remarks = list(trainer.corpus.notes)
    if start is not None:
        remarks.append(describe_transfer(trainer, trainer.start_from(start)))
    _say(remarks, quiet)
    with new_run(trainer, make_run_folder(source.name) if out is None else out) as run:
        yield trainer, run


@contextmanager
def _resume(
    before: Run, settings: dict[str, Any], quiet: bool, corpus: Sequence[str]
) -> Iterator[tuple[Trainer, Run]]:
    """Resume and lock a run."""
    with only_writer(before.folder):
        run = Run.open(before.folder)  # read again, now that no other process can change it
        with progress_bar("reading", quiet) as progress:
            begun = resume(run, settings, progress, corpus)
        yield begun


def _train(trainer: Trainer, run: Run, as_json: bool, tensorboard: bool, quiet: bool, verbose: bool) -> bool:
    """Train; returns whether a signal stopped it.

    Raises:
        OSError: reports not written; training is saved.
    """
    _say(describe_beginning(trainer, verbose), quiet)
    display = TrainingDisplay(quiet, trainer.config.corpus.bytes, run.summarize().best.get("step"))
    stopped = False
    fault: OSError | None = None
    listeners = [_print_event] if as_json else []
    # Closed at once, not when collected: an interrupted loop must not outlive its pool.
    with (
        stop_on_signals() as stop,
        closing(training_loop(trainer, run, stop)) as reports,
        closing(display),
        ExitStack() as files,
    ):
        if tensorboard:
            events = files.enter_context(closing(EventFiles(run.folder / FOLDER, trainer.state.step)))
            listeners.append(events.write)
        try:
            for report in reports:
                display.show(report)
                if isinstance(report, SummaryReport):
                    stopped = report.stopped
                try:
                    for listen in listeners:
                        listen(report)
                except OSError as error:  # training continues without
                    fault, listeners = error, []
        except KeyboardInterrupt:
            display.close()
            _say([describe_last(run)], quiet)
            raise
    if fault is not None:
        raise fault
    return stopped


def _say(texts: Sequence[str], quiet: bool) -> None:
    for text in [] if quiet else texts:
        write_note(text)


def _print_event(report: Report) -> None:
    if not isinstance(report, StepReport | LossReport | SampleReport):
        print_json(report.to_json())
