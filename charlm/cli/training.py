"""Training from the command line: a run is begun or resumed, trained, and shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from charlm.base.errors import FinishedError, UsageError, hinting
from charlm.cli.display.beginning import describe_beginning, describe_last, describe_transfer
from charlm.cli.display.dry_run import print_dry_run
from charlm.cli.display.progress import TrainingDisplay, progress_bar
from charlm.cli.display.tables import print_profile
from charlm.cli.output import print_json, write_note
from charlm.config import EngineConfig
from charlm.data.reading.sources import Source, find_source
from charlm.engines.ranks import ALONE, Ranks, open_ranks, together
from charlm.report.event_files import EventFiles, check_tensorboard
from charlm.runs.find import find_run, make_run_folder
from charlm.runs.folder import EVENTS, check_new, holds_run, only_writer
from charlm.runs.origin import Origin
from charlm.runs.run import Run
from charlm.training.dry_run import plan_training
from charlm.training.events import LossReport, Report, SampleReport, StepReport, SummaryReport
from charlm.training.fine_tune import NamedNetwork, inherited
from charlm.training.loop import train
from charlm.training.presets import ResolvedSettings, resolve_settings
from charlm.training.resume import find_changes, resume
from charlm.training.signals import stop_on_signals
from charlm.training.start import new_run, new_trainer
from charlm.training.trainer import Trainer

Begun: TypeAlias = AbstractContextManager[tuple[Trainer, Run]]
"""A run, locked while it is trained."""


@dataclass(frozen=True)
class Output:
    """What a training prints and writes besides the run."""

    json: bool = False
    tensorboard: bool = False
    profile: bool = False
    quiet: bool = False
    verbose: bool = False

    def __post_init__(self) -> None:
        """Check early that event files can be written; UsageError if not."""
        if self.tensorboard:
            check_tensorboard()

    def say(self, *texts: str) -> None:
        """Write notes, unless quiet."""
        for text in () if self.quiet else texts:
            write_note(text)


@dataclass(frozen=True)
class Start:
    """A text and settings to train with; ``origin`` is a run to start from."""

    source: Source
    settings: ResolvedSettings
    origin: Run | None


def find_start(
    corpus: Sequence[str], settings: dict[str, Any], init_from: str | None, weights: str | None, may_expand: bool
) -> Start:
    """Find the text and the settings of a new run.

    Raises:
        UsageError: settings cannot work together.
        CorpusError: there is no such text.
        RunError: there is no such run to start from.
    """
    origin = None if init_from is None else find_run(init_from, weights)
    settings = settings if origin is None else inherited(origin.config, settings)
    resolved = resolve_settings(settings, picks_preset=origin is None)
    source = find_source(corpus, resolved.config.corpus.glob)
    return Start(source.allow_expansion() if may_expand else source, resolved, origin)


def show_plan(start: Start, out: Path | None, how: Output) -> None:
    """Print what a training would be."""
    if out is not None:
        check_new(out)
    with progress_bar("reading", how.quiet) as progress:
        plan = plan_training(start.source, start.settings, progress)
    if how.json:
        print_json(plan.to_json())
    else:
        print_dry_run(plan)
    how.say(*plan.remarks, "dry run: nothing was trained or saved")


def begin_and_train(
    find_start: Callable[[], Start],
    resumed: str | None,
    out: Path | None,
    or_resume: bool,
    corpus: Sequence[str],
    settings: dict[str, Any],
    how: Output,
) -> bool:
    """Begin or resume a run with the other ranks, and train it; returns whether a signal stopped it.

    ``resumed`` is a run to resume, ``corpus`` where its text is now; with ``or_resume`` the run in ``out`` is
    resumed if there is one.
    """
    timeout = EngineConfig(rank_timeout=settings.get("rank_timeout", EngineConfig.rank_timeout)).rank_timeout
    with closing(open_ranks(timeout)) as ranks:
        if resumed is not None:
            begun = resume_run(resumed, settings, corpus, how, ranks)
        elif or_resume and out is not None and ranks.broadcast(bytes([holds_run(out)])) == b"\1":
            begun = resume_same(out, settings, corpus, how, ranks)
        else:
            begun = begin_run(together(ranks, find_start), out, how, ranks)
        try:
            return train_run(begun, how)
        except FinishedError as error:
            if not or_resume:
                raise
            how.say(str(error))
            return False


@contextmanager
def begin_run(start: Start, out: Path | None, how: Output, ranks: Ranks = ALONE) -> Iterator[tuple[Trainer, Run]]:
    """Begin and lock a new run."""
    # Loaded first: settings that do not match untrusted weights get no memory.
    network = None if start.origin is None else start.origin.load_model()
    with progress_bar("reading", how.quiet) as progress:
        trainer = new_trainer(start.source, start.settings, progress, ranks)
    how.say(*trainer.corpus.notes)
    origin = None
    if start.origin is not None and network is not None:
        origin = Origin.of(start.origin.folder, start.origin.weights, network.params)
        moved = trainer.start_from(NamedNetwork(network, start.origin.vocabulary))
        how.say(describe_transfer(trainer, moved))
    folder = make_run_folder(start.source.name) if out is None else out
    with new_run(trainer, folder, origin) as run:
        yield trainer, run


@contextmanager
def resume_run(
    name: str, settings: dict[str, Any], corpus: Sequence[str], how: Output, ranks: Ranks = ALONE
) -> Iterator[tuple[Trainer, Run]]:
    """Resume and lock a run."""
    before = find_run(name)
    if before.weights is not None:
        raise UsageError(f"--resume needs the last checkpoint: name the folder, or --init-from {name}")
    with _lock(before.folder, ranks) as run:  # read again, now that no other process can change it
        yield _resume(run, settings, corpus, how, ranks)


@contextmanager
def resume_same(
    folder: Path, settings: dict[str, Any], corpus: Sequence[str], how: Output, ranks: Ranks = ALONE
) -> Iterator[tuple[Trainer, Run]]:
    """Resume and lock the run that this command began; a setting that differs must be one that may change."""
    with _lock(folder, ranks) as run:
        with hinting("give the text that the run was trained on, or another --out"):
            begun = _resume(run, find_changes(run.config, settings), corpus, how, ranks)
        yield begun


@contextmanager
def _lock(folder: Path, ranks: Ranks) -> Iterator[Run]:
    """The run in a folder, locked by rank 0."""
    with ExitStack() as stack:

        def open_run() -> Run:
            if ranks.rank == 0:
                stack.enter_context(only_writer(folder))
            return Run.open(folder)

        yield together(ranks, open_run)


def _resume(
    run: Run, settings: dict[str, Any], corpus: Sequence[str], how: Output, ranks: Ranks
) -> tuple[Trainer, Run]:
    with progress_bar("reading", how.quiet) as progress:
        trainer, resumed = resume(run, settings, progress, corpus, ranks)
    before, now = run.config.engine.engine, resumed.config.engine.engine
    if before != now:
        how.say(f"Engine {now} after {before}: losses agree up to rounding, not bit for bit.")
    return trainer, resumed


def train_run(begun: Begun, how: Output) -> bool:
    """Train a run to its end; returns whether a signal stopped it.

    Raises:
        OSError: reports not written; training is saved.
    """
    with begun as (trainer, run), closing(trainer):
        stopped = _train(trainer, run, how)
        if how.quiet and not how.json:  # for scripts
            sys.stdout.write(f"{run.folder}\n")
        if how.profile:
            print_profile(trainer.profile(), trainer.state.step)
    return stopped


def _train(trainer: Trainer, run: Run, how: Output) -> bool:
    how.say(*describe_beginning(trainer, how.verbose))
    display = TrainingDisplay(how.quiet, trainer.config.corpus.bytes, run.summarize().best.get("step"))
    stopped = False
    fault: OSError | None = None
    listeners = [_print_event] if how.json else []
    # Closed at once, not when collected: an interrupted loop must not outlive its pool.
    with (
        stop_on_signals() as stop,
        closing(train(trainer, run, stop)) as reports,
        closing(display),
        ExitStack() as files,
    ):
        if how.tensorboard:
            events = files.enter_context(closing(EventFiles(run.folder / EVENTS, trainer.state.step)))
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
            how.say(describe_last(run))
            raise
    if fault is not None:
        raise fault
    return stopped


def _print_event(report: Report) -> None:
    if not isinstance(report, StepReport | LossReport | SampleReport):
        print_json(report.to_json())
