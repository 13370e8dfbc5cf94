"""Beginnings: a new run, a run resumed, a run that starts from another's weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from charlm.checkpoint.checkpoint import load_checkpoint
from charlm.checkpoint.find import new_run_folder
from charlm.checkpoint.identity import CorpusIdentity
from charlm.checkpoint.run import Run
from charlm.config import BudgetConfig, TrainingConfig, flag
from charlm.engine.pool import WorkerPool
from charlm.errors import UsageError
from charlm.language_model import LanguageModel
from charlm.text.prepare import Corpus, prepare_corpus
from charlm.text.sources import Source, find_again
from charlm.training.trainer import Trainer
from charlm.training.transfer import Transfer, transfer

# What may change when a run is resumed; everything else is what the run is.
CHANGEABLE = ("epochs", "steps", "minutes", "eval_every", "sample_every")


def load(run: Run) -> LanguageModel:
    """A run's model with its best weights.

    Raises:
        RunError: there are no weights yet, or they cannot be read.
    """
    return LanguageModel(run.load_model(), run.vocabulary, run.corpus.training_characters)


def begin(source: Source, config: TrainingConfig, folder: Path | None, pool: WorkerPool) -> tuple[Trainer, Run]:
    """A new run on a corpus, in this folder or in a new one under ``runs/``.

    Raises:
        UsageError: a setting cannot work with the others.
        CorpusError: the corpus is too short.
        RunError: the folder is in use.
    """
    corpus = prepare_corpus(source, config.batching.val_fraction, config.batching.seq_len)
    trainer = Trainer(config, corpus, pool)
    run = Run.create(
        new_run_folder(source.name) if folder is None else folder, config, corpus.vocabulary, _identity(corpus)
    )
    return trainer, run


def begin_from(other: LanguageModel, trainer: Trainer) -> Transfer:
    """Give a new run the weights of another one's model; see ``transfer``."""
    return transfer(other, trainer.language_model())


def resume(run: Run, settings: dict[str, Any], pool: WorkerPool) -> tuple[Trainer, Run]:
    """A run as it was when it was last saved, ready to go on.

    Args:
        run: the run.
        settings: what to change: its length, or how often it validates and samples.
        pool: the workers.

    Raises:
        UsageError: another setting is to change.
        CorpusError: the corpus has moved or changed.
        CheckpointError: the checkpoint is damaged.
    """
    config = _changed(run.config, settings)
    corpus = run.corpus
    source = find_again(corpus.kind, corpus.path, corpus.name, corpus.sha256)
    prepared = prepare_corpus(source, config.batching.val_fraction, config.batching.seq_len, run.vocabulary)
    trainer = Trainer(config, prepared, pool)
    shapes = trainer.extra_shapes()
    checkpoint = load_checkpoint(run.last_path, config.model, len(run.vocabulary), shapes)
    trainer.restore(checkpoint, str(run.last_path))
    return trainer, run.with_config(config)


def _changed(config: TrainingConfig, settings: dict[str, Any]) -> TrainingConfig:
    fixed = [flag(name) for name in settings if name not in CHANGEABLE]
    if fixed:
        allowed = ", ".join(flag(name) for name in CHANGEABLE)
        raise UsageError(f"{', '.join(sorted(fixed))} cannot change when a run is resumed; these can: {allowed}")
    lengths = {"epochs", "steps", "minutes"}
    if lengths & set(settings):
        settings = dict.fromkeys(lengths) | settings
    budget: BudgetConfig = dataclasses.replace(config.budget, **settings)
    return dataclasses.replace(config, budget=budget)


def _identity(corpus: Corpus) -> CorpusIdentity:
    source = corpus.source
    return CorpusIdentity(
        source.name, source.kind, source.path, source.sha256, len(source.text), len(corpus.train_codes)
    )
