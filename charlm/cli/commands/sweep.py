"""Train every combination of settings, and compare them.

Settings take several values, separated by commas. The trainings follow each other, each with all cores. The same
command continues where it was stopped, and trains only what is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from charlm.base.errors import DivergenceError, UsageError
from charlm.cli.app import INTERRUPTED
from charlm.cli.commands.train import PANELS
from charlm.cli.complete import complete_corpora
from charlm.cli.options import with_settings
from charlm.cli.output import write_note
from charlm.cli.table_options import TableOptions, prints_tables
from charlm.config import CorpusConfig
from charlm.data.catalog.builtin import DEFAULT_CORPUS
from charlm.training.events import FaultReport, OverfittingReport, RollbackReport, StepReport
from charlm.training.presets import PRESET_SETTINGS

if TYPE_CHECKING:
    from charlm.data.reading.sources import Source
    from charlm.runs.run import Run
    from charlm.training.sweep import Member
    from charlm.training.trainer import Trainer

PLACE = ("Measure", 4)
EXAMPLES = """
charlm sweep novel.txt --cell rnn,gru,lstm --seeds 3 --minutes 2
charlm sweep novel.txt --hidden 128,256 --epochs 2 --plot sweep.png
"""
BASIC = ("cell", "hidden", "layers", "lr", "dropout", "preset", "minutes", "epochs", "steps", "lines", "seed")
SHOWN = (StepReport, FaultReport, RollbackReport, OverfittingReport)


@with_settings(PANELS, (*BASIC, "seeds", "name", "plot", "quiet", "json"), PRESET_SETTINGS, takes_several=True)
@prints_tables(json="Print one JSON object per combination.")
def command(
    settings: dict[str, Any],
    how: TableOptions,
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORPUS",
            autocompletion=complete_corpora,
            help="As of charlm train.",
            show_default=DEFAULT_CORPUS,
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, max=1000, help="Train with the seeds 1 to N.")] = None,
    name: Annotated[
        str | None, typer.Option(help="What the names of the runs begin with.", show_default="the corpus's name")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw into a .png or .svg file.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress output.")] = False,
) -> None:
    from charlm.data.reading.sources import find_source
    from charlm.report.figures import check_plot_file
    from charlm.training.sweep import plan_sweep

    if plot is not None:
        check_plot_file(plot)
    if seeds is not None and "seed" in settings:
        raise UsageError("--seeds and --seed both say which seeds: leave out one")
    for single in ("glob", "task"):
        if len(settings.get(single, [""])) > 1:
            raise UsageError(f"--{single} has one value in a sweep")
    settings.setdefault("seed", list(range(1, (seeds or 1) + 1)))
    glob = settings.get("glob", [CorpusConfig().glob])[0]
    source = find_source(corpus or [DEFAULT_CORPUS], glob)
    members = plan_sweep(settings, name or source.name)
    failed = _train_all(members, source, quiet)
    done = [member for member in members if member not in failed]
    if done:
        _show(done, how, plot, quiet)
    if failed:
        raise typer.Exit(1)


def _train_all(members: Sequence[Member], source: Source, quiet: bool) -> list[Member]:
    """Train what is missing; returns the members that diverged."""
    from charlm.cli.display.progress import progress_bar
    from charlm.training.sweep import member_training, shared_engine

    engine, failed = shared_engine(members), []
    for number, member in enumerate(members, start=1):
        place = f"[{number}/{len(members)}] {member.folder.name}"
        with ExitStack() as training:
            with progress_bar("reading", quiet) as progress:
                begun = training.enter_context(member_training(member, engine, source, progress))
            if begun is None:
                _say(f"{place}: done before", quiet)
                continue
            _say(place, quiet)
            try:
                _train(*begun, quiet)
            except DivergenceError as error:
                write_note(f"  {error}")
                failed.append(member)
    return failed


def _train(trainer: Trainer, run: Run, quiet: bool) -> None:
    """Train one member to its end.

    Raises:
        Exit: a signal stopped it.
    """
    from charlm.cli.display.describe import describe_loss, find_unit
    from charlm.cli.display.progress import TrainingDisplay
    from charlm.training.loop import train as training_loop
    from charlm.training.signals import stop_on_signals

    with (
        stop_on_signals() as stop,
        closing(training_loop(trainer, run, stop)) as reports,
        closing(TrainingDisplay(quiet, trainer.config.corpus.bytes)) as display,
    ):
        for report in reports:
            if isinstance(report, SHOWN):
                display.show(report)
    if stop.number is not None:
        write_note("Stopped and saved. The same command continues.")
        raise typer.Exit(INTERRUPTED)
    state = trainer.state
    unit = find_unit(trainer.config.task.kind, trainer.config.corpus.bytes)
    _say(f"  best val loss {describe_loss(state.best_val or 0.0, unit)}, {state.step:,} steps", quiet)


def _say(text: str, quiet: bool) -> None:
    if not quiet:
        write_note(text)


def _show(members: Sequence[Member], how: TableOptions, plot: Path | None, quiet: bool) -> None:
    """Print the table and the curves."""
    from charlm.cli.display.curves import print_curves
    from charlm.cli.display.findings import print_findings
    from charlm.cli.display.progress import progress_bar
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.compare_logs import compare_group_logs
    from charlm.evaluate.groups import compare_groups
    from charlm.report.figures import save_curves
    from charlm.report.learning_curve import seeds_curve
    from charlm.runs.find import RUNS
    from charlm.runs.run import Run

    groups: dict[str, dict[int, str]] = {}
    for member in members:
        groups.setdefault(member.label, {})[member.settings["seed"]] = member.folder.name
    settings = {member.label: member.varied for member in members}
    if "eval" in Run.open(members[0].folder).config.task.commands:
        with ThreadPool() as pool, progress_bar("compare", quiet or how.json) as progress:
            findings = compare_groups(groups, settings, pool, progress)
    else:
        findings = compare_group_logs(groups, settings)
    print_findings(findings, how)
    curve = seeds_curve(
        {
            label: {seed: Run.open(RUNS / name).read_metrics() for seed, name in own.items()}
            for label, own in groups.items()
        }
    )
    if plot is not None:
        save_curves([curve], plot)
        _say(f"wrote {plot}", quiet)
    elif how.is_drawn:
        sys.stdout.write("\n")
        print_curves([curve])
