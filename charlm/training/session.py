"""Beginnings: a new run, a run resumed, a run that starts from another's weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from charlm.checkpoint.checkpoint import load_checkpoint
from charlm.checkpoint.find import new_run_folder
from charlm.checkpoint.identity import CorpusIdentity
from charlm.checkpoint.run import Run
from charlm.config import TrainingConfig, flag
from charlm.engine.pool import WorkerPool
from charlm.errors import UsageError
from charlm.text.prepare import Corpus, prepare_corpus
from charlm.text.sources import Source, find_again
from charlm.training.trainer import Trainer

# What may change when a run is resumed; everything else is what the run is.
CHANGEABLE = ("epochs", "steps", "minutes", "eval_every", "sample_every", "workers")


def new_trainer(source: Source, config: TrainingConfig, pool: WorkerPool) -> Trainer:
    """A training of a fresh model on a corpus, in memory.

    Raises:
        UsageError: a setting cannot work with the others.
        CorpusError: the corpus is too short.
    """
    # The number of workers decides in which order gradients are summed, so it is part of what a run is.
    config = dataclasses.replace(config, batching=dataclasses.replace(config.batching, workers=pool.workers))
    corpus = prepare_corpus(source, config.batching.val_fraction, config.batching.seq_len)
    return Trainer(config, corpus, pool)


def new_run(trainer: Trainer, folder: Path | None) -> Run:
    """The folder that a training is stored in: this one, or a new one under ``runs/``.

    Raises:
        RunError: the folder is in use.
    """
    corpus = trainer.corpus
    folder = new_run_folder(corpus.source.name) if folder is None else folder
    return Run.create(folder, trainer.config, corpus.vocabulary, _identity(corpus))


def begin(source: Source, config: TrainingConfig, folder: Path | None, pool: WorkerPool) -> tuple[Trainer, Run]:
    """A new training and its run; see ``new_trainer`` and ``new_run`` for what is raised."""
    trainer = new_trainer(source, config, pool)
    return trainer, new_run(trainer, folder)


def resume(run: Run, settings: dict[str, Any], pool: WorkerPool) -> tuple[Trainer, Run]:
    """A run as it was when it was last saved, ready to go on.

    Args:
        run: the run.
        settings: what to change: its length, or how often it validates and samples.
        pool: as many workers as the changed settings say.

    Raises:
        UsageError: another setting is to change.
        CorpusError: the corpus has moved or changed.
        CheckpointError: the checkpoint is damaged.
    """
    config = changed(run.config, settings)
    corpus = run.corpus
    source = find_again(corpus.kind, corpus.path, corpus.name, corpus.sha256)
    prepared = prepare_corpus(source, config.batching.val_fraction, config.batching.seq_len, run.vocabulary)
    trainer = Trainer(config, prepared, pool)
    shapes = trainer.extra_shapes()
    checkpoint = load_checkpoint(run.last_path, config.model, len(run.vocabulary), shapes)
    trainer.restore(checkpoint, str(run.last_path))
    return trainer, run.with_config(config)


def changed(config: TrainingConfig, settings: dict[str, Any]) -> TrainingConfig:
    """A run's settings with those that may change changed.

    Raises:
        UsageError: another setting is to change.
    """
    fixed = [flag(name) for name in settings if name not in CHANGEABLE]
    if fixed:
        allowed = ", ".join(flag(name) for name in CHANGEABLE)
        raise UsageError(f"{', '.join(sorted(fixed))} cannot change when a run is resumed; these can: {allowed}")
    lengths = {"epochs", "steps", "minutes"}
    settings = (dict.fromkeys(lengths) if lengths & set(settings) else {}) | settings
    workers = settings.pop("workers", config.batching.workers)
    return dataclasses.replace(
        config,
        budget=dataclasses.replace(config.budget, **settings),
        batching=dataclasses.replace(config.batching, workers=workers),
    )


def _identity(corpus: Corpus) -> CorpusIdentity:
    source = corpus.source
    return CorpusIdentity(
        source.name, source.kind, source.path, source.sha256, len(source.text), len(corpus.train_codes)
    )
