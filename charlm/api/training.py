"""Train a model from Python, with a progress bar on a terminal or in a notebook."""

from __future__ import annotations

import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from charlm.api.model import Model, open_run
from charlm.base.errors import UsageError
from charlm.data.reading.sources import make_source
from charlm.runs.find import find_run
from charlm.runs.folder import only_writer
from charlm.runs.origin import Origin
from charlm.runs.run import Run
from charlm.training.events import Report, StepReport, ValidationReport
from charlm.training.fine_tune import Named, NamedNetwork, inherited
from charlm.training.loop import train as training_loop
from charlm.training.presets import resolve_settings
from charlm.training.resume import resume as resume_run
from charlm.training.signals import stop_on_signals
from charlm.training.start import new_run, new_trainer
from charlm.training.trainer import Trainer

BAR = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


def train(
    text: str | PathLike[str] | None = None,
    *,
    out: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    init_from: str | PathLike[str] | Model | None = None,
    progress: bool | None = True,
    **settings: Any,
) -> Any:
    """Train a model on a text, and return it with the weights of the best validation loss, as ``load`` does.

    Ctrl-C saves the run after the current step, then raises KeyboardInterrupt.

    Args:
        text: the text, or a ``pathlib.Path`` of a file or folder. The last tenth is the validation split, unless
            ``val_fraction`` is given. A resumed run finds its own text, unless it was a string or has moved.
        out: a new folder for the run; None keeps nothing on disk.
        resume: a run to continue from its last checkpoint: its folder or its name under ``runs/``.
        init_from: a run or a model whose weights a new run starts from (fine-tuning).
        progress: show a progress bar, on a terminal or in a notebook; None or False shows none.
        settings: options of ``charlm train``, with underscores: ``cell="gru"``, ``hidden=128``, ``steps=500``.
            A length in ``minutes`` chooses a preset, as there; not with ``init_from``.

    Raises:
        UsageError: a setting is unknown or invalid, or a string is a file's name instead of a text.
        CorpusError: the text is too short, or its file cannot be read.
        KeyboardInterrupt: Ctrl-C; a note on it says how to continue.
        RunError: the folder is in use, or holds a run; or there is no such run to resume.
        DivergenceError: training diverged several times in a row.
        WorkerError: a worker process failed or was killed.

    >>> model = train("abcdefgh " * 300, hidden=16, steps=150, seq_len=16, batch_size=8, lr=0.02, dropout=0.0)
    >>> model.sample(16, prompt="abc", temperature=0)
    'abcdefgh abcdefgh a'
    >>> model.perplexity("abcdefgh abcdefgh").perplexity < 1.2
    True
    """
    if resume is not None:
        if out is not None or init_from is not None:
            raise UsageError("resume continues a run in its own folder: leave out out and init_from")
        begun = _resumed(find_run(fspath(resume)), text, settings)
    elif text is None:
        raise UsageError("train needs a text, or a run to resume")
    else:
        begun = _new(text, out, init_from, settings)
    with begun as (trainer, run):
        _train(trainer, run, resume is not None or out is not None, bool(progress))
        model = open_run(replace(run, weights=None))
        if isinstance(model, Model):
            _ = model.history  # read while the folder is there
        return model


@contextmanager
def _new(
    text: str | PathLike[str],
    out: str | PathLike[str] | None,
    init_from: str | PathLike[str] | Model | None,
    settings: dict[str, Any],
) -> Iterator[tuple[Trainer, Run]]:
    """Begin and lock a new run."""
    origin, named = _find_origin(init_from)
    if origin is not None:
        given = {name: value for name, value in settings.items() if value is not None}
        settings = inherited(origin.config, given)
    resolved = resolve_settings(settings, picks_preset=origin is None)
    source = make_source(text, resolved.config.corpus.glob)
    with tempfile.TemporaryDirectory() as temporary, closing(new_trainer(source, resolved)) as trainer:
        stored = None
        if origin is not None and named is not None:
            stored = Origin.of(origin.folder, origin.weights, named.network.params)
            trainer.start_from(named)
        with new_run(trainer, Path(temporary) / "run" if out is None else Path(out), stored) as run:
            yield trainer, run


def _find_origin(init_from: str | PathLike[str] | Model | None) -> tuple[Run | None, Named | None]:
    """The run to start from, and its network."""
    if init_from is None or isinstance(init_from, Model):
        return (None, None) if init_from is None else (init_from.run, init_from)
    run = find_run(fspath(init_from))
    return run, NamedNetwork(run.load_model(), run.vocabulary)


@contextmanager
def _resumed(
    before: Run, text: str | PathLike[str] | None, settings: dict[str, Any]
) -> Iterator[tuple[Trainer, Run]]:
    """Lock a run and continue it."""
    with only_writer(before.folder):
        run = Run.open(before.folder)  # read again, now that no other process can change it
        corpus = () if text is None else make_source(text, run.config.corpus.glob)
        trainer, run = resume_run(run, settings, corpus=corpus)
        with closing(trainer):
            yield trainer, run


def _train(trainer: Trainer, run: Run, is_kept: bool, progress: bool) -> None:
    """Train to the end, or until a signal, which is raised again once the run is saved."""
    with (
        stop_on_signals() as stop,
        closing(training_loop(trainer, run, stop)) as reports,
        _progress_bar(progress) as show,
    ):
        for report in reports:
            show(report)
    if stop.number is None:
        return
    try:
        signal.raise_signal(stop.number)
    except KeyboardInterrupt as interrupt:
        if is_kept:
            folder = str(run.folder)
            interrupt.add_note(f'saved at step {trainer.state.step}: charlm.load({folder!r}, weights="last")')
            again = (
                f"charlm train --resume {shlex.quote(folder)}"
                if run.corpus.paths
                else f"charlm.train(text, resume={folder!r})"
            )
            interrupt.add_note(f"continue with: {again}")
        raise


@contextmanager
def _progress_bar(wanted: bool) -> Iterator[Callable[[Report], None]]:
    """A progress bar where a person can see it; yields the function that moves it."""
    if not (wanted and ("ipykernel" in sys.modules or sys.stderr.isatty())):
        yield lambda report: None
        return
    from tqdm.auto import tqdm  # takes a while, so only when needed

    losses: dict[str, float | None] = {}
    with tqdm(total=1.0, bar_format=BAR, dynamic_ncols=True) as bar:

        def show(report: Report) -> None:
            if isinstance(report, ValidationReport):
                losses["val loss"] = report.val_nats_per_char
            if isinstance(report, StepReport):
                if "loss" not in losses:  # the time left of a resumed run is estimated from its own steps
                    bar.initial = bar.n = bar.last_print_n = report.progress
                losses["loss"] = report.loss_nats
                shown = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items() if loss is not None)
                bar.set_postfix_str(f"step {report.step}, {shown}", refresh=False)
                bar.update(report.progress - bar.n)

        yield show
