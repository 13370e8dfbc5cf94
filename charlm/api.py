"""The Python interface: train on a text, load a run."""

from __future__ import annotations

import tempfile
from os import PathLike
from pathlib import Path
from typing import Any

from charlm.checkpoint.find import find_run
from charlm.config import TrainingConfig
from charlm.engine.pool import WorkerPool
from charlm.language_model import LanguageModel, load_run
from charlm.text.sources import source_of_text
from charlm.training.loop import train as training_loop
from charlm.training.session import new_run, new_trainer


def load(run: str | PathLike[str] | None = None, *, weights: str | int | None = None) -> LanguageModel:
    """Load a trained model.

    Args:
        run: a run's folder, a file of weights in it, or its name under ``runs/``; left out, the newest run there.
        weights: "best", "last" or the step of a save that is kept; left out, the best.

    Returns:
        The model, which samples and measures.

    Raises:
        RunError: there is no such run, or it has no such weights, or its files are damaged.
        UsageError: the weights are none of these.
    """
    return load_run(find_run(None if run is None else str(run), None if weights is None else str(weights)))


def train(text: str, *, out: str | PathLike[str] | None = None, **settings: Any) -> LanguageModel:
    """Train a model on a text.

    Args:
        text: the corpus; its last tenth is held out unless ``val_fraction`` says otherwise.
        out: a new folder to keep the run in; left out, nothing is kept on disk.
        settings: those of ``charlm train``, with underscores: ``cell="gru"``, ``hidden=128``, ``steps=500``.
            Where they say nothing of the recipe, ``minutes`` picks a preset, as there.

    Returns:
        The model with its best weights by validation.

    Raises:
        UsageError: a setting is unknown or cannot be.
        CorpusError: the text is too short.
        RunError: the folder is in use, or holds a run.
        DivergenceError: training went astray again and again.
        WorkerError: a worker process failed or was killed.

    >>> model = train("abcdefgh " * 300, hidden=16, steps=150, seq_len=16, batch_size=8, lr=0.02, dropout=0.0)
    >>> model.sample(16, prompt="abc", temperature=0)
    'abcdefgh abcdefgh a'
    >>> model.perplexity("abcdefgh abcdefgh").perplexity < 1.2
    True
    """
    workers = TrainingConfig.from_settings(**settings).batching.workers
    with tempfile.TemporaryDirectory() as temporary, WorkerPool(workers) as pool:
        trainer = new_trainer(source_of_text(text), settings, pool)
        with new_run(trainer, Path(temporary) / "run" if out is None else Path(out)) as run:
            for _ in training_loop(trainer, run):
                pass
        return load_run(run)
