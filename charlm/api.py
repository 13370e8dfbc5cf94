"""The Python interface: train a model, load a run."""

from __future__ import annotations

import shlex
import signal
import tempfile
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import Any

from charlm.data.reading.sources import make_source
from charlm.inference.language_model import LanguageModel, load_run
from charlm.runs.find import find_run
from charlm.runs.run import Run
from charlm.training.loop import train as training_loop
from charlm.training.presets import resolve_settings
from charlm.training.signals import stop_on_signals
from charlm.training.start import new_run, new_trainer
from charlm.training.trainer import Trainer


def load(run: str | PathLike[str] | None = None, *, weights: str | int | None = None) -> LanguageModel:
    """Load a trained model.

    Args:
        run: a run's folder, a file of weights in it, or its name under ``runs/``; None is the newest run.
        weights: "best", "last" or the step of a kept checkpoint; None is the best.

    Raises:
        RunError: there is no such run, it has no such weights, or its files are damaged.
        UsageError: the weights are none of these.
    """
    return load_run(find_run(None if run is None else str(run), None if weights is None else str(weights)))


def train(text: str | PathLike[str], *, out: str | PathLike[str] | None = None, **settings: Any) -> LanguageModel:
    """Train a model on a text, and return it with the weights of the best validation loss.

    Ctrl-C saves the run after the current step, then raises KeyboardInterrupt.

    Args:
        text: the text, or a ``pathlib.Path`` of a file or folder. The last tenth is the validation split, unless
            ``val_fraction`` is given.
        out: a new folder for the run; None keeps nothing on disk.
        settings: options of ``charlm train``, with underscores: ``cell="gru"``, ``hidden=128``, ``steps=500``.
            A length in ``minutes`` chooses a preset, as there.

    Raises:
        UsageError: a setting is unknown or invalid, or a string is a file's name instead of a text.
        CorpusError: the text is too short, or its file cannot be read.
        KeyboardInterrupt: Ctrl-C; a note on it says how to continue.
        RunError: the folder is in use, or holds a run.
        DivergenceError: training diverged several times in a row.
        WorkerError: a worker process failed or was killed.

    >>> model = train("abcdefgh " * 300, hidden=16, steps=150, seq_len=16, batch_size=8, lr=0.02, dropout=0.0)
    >>> model.sample(16, prompt="abc", temperature=0)
    'abcdefgh abcdefgh a'
    >>> model.perplexity("abcdefgh abcdefgh").perplexity < 1.2
    True
    """
    resolved = resolve_settings(settings)
    source = make_source(text, resolved.config.corpus.glob)
    with tempfile.TemporaryDirectory() as temporary, closing(new_trainer(source, resolved)) as trainer:
        with new_run(trainer, Path(temporary) / "run" if out is None else Path(out)) as run:
            _train(trainer, run, is_kept=out is not None)
        return load_run(run)


def _train(trainer: Trainer, run: Run, is_kept: bool) -> None:
    """Train to the end, or until a signal, which is raised again once the run is saved."""
    with stop_on_signals() as stop, closing(training_loop(trainer, run, stop)) as reports:
        for _ in reports:
            pass
    if stop.number is None:
        return
    try:
        signal.raise_signal(stop.number)
    except KeyboardInterrupt as interrupt:
        if is_kept:
            folder = str(run.folder)
            interrupt.add_note(f'saved at step {trainer.state.step}: charlm.load({folder!r}, weights="last")')
        if is_kept and run.corpus.paths:
            interrupt.add_note(f"continue with: charlm train --resume {shlex.quote(folder)}")
        raise
