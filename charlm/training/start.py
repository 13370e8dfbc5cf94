"""Start a new run: complete its settings for a corpus, check them, and make the trainer."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from charlm.base.errors import UsageError
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.version import __version__
from charlm.config import TrainingConfig
from charlm.data.corpus import Corpus, sort_by_frequency
from charlm.data.reading.sources import Source, find_text
from charlm.data.split_examples import SplitExamples, with_split
from charlm.data.windows import Batcher
from charlm.engines.base import Engine
from charlm.engines.devices import check_device, check_network
from charlm.engines.numpy.engine import NumpyEngine
from charlm.engines.ranks import ALONE, Ranks, own_columns, together
from charlm.engines.split import check_split, settle_split
from charlm.models.architecture import check_settings, default_lr
from charlm.models.base import BaseModel, describe_network
from charlm.models.char_rnn import Model
from charlm.optim.rules import OPTIMIZERS
from charlm.runs.corpus_record import CorpusIdentity
from charlm.runs.folder import check_unused, only_writer
from charlm.runs.origin import Origin
from charlm.runs.run import Run
from charlm.tasks.task import Examples, make_task
from charlm.training.machine_speed import machine_gflops
from charlm.training.ngram import why_unmixed
from charlm.training.presets import ResolvedSettings
from charlm.training.trainer import Trainer


def new_trainer(
    source: Source, settings: ResolvedSettings, progress: Progress | None = None, ranks: Ranks = ALONE
) -> Trainer:
    """A training of a fresh model on a corpus, in memory.

    Raises:
        UsageError: settings cannot work together, or differ between ranks.
        CorpusError: the corpus is unreadable or too short.
    """
    if ranks.size > 1 and settings.needs_speed:  # all ranks decide by one measurement
        config = settings.config
        together(ranks, lambda: check_engine(config, ranks=ranks))
        gflops = float(ranks.broadcast(str(machine_gflops(config, ranks)).encode()))
        settings = settings.with_engine(dataclasses.replace(config.engine, gflops=gflops))
    found = together(ranks, lambda: settle(source, settings, progress, ranks), lambda found: shared_facts(*found))
    return make_trainer(*found, ranks)


def shared_facts(config: TrainingConfig, corpus: Examples) -> dict[str, Any]:
    """What all ranks must have in common."""
    settings = {name: value for group in config.to_json().values() for name, value in group.items()}
    del settings["workers"], settings["split_by"]
    kind, _, _ = config.engine.device.partition(":")
    torch = version("torch") if importlib.util.find_spec("torch") else None
    versions = {"charlm": __version__, "numpy": np.__version__, "torch": torch}
    return {**versions, "text": corpus.prepared.sha256, **settings, "device": kind}


def check_engine(config: TrainingConfig, stored: bool = False, ranks: Ranks = ALONE) -> None:
    """Check that the engine is there and has all that the settings need, before a text is read.

    Raises:
        UsageError: it lacks something.
    """
    check_device(config.engine, stored)
    check_network(config.engine, config.model, config.optimisation)
    check_split(config)
    task, sequences = config.task.task, config.batching.batch_size
    if config.engine.engine == "torch" and task != "predict":
        raise UsageError(f"--task {task} is trained by NumPy alone: leave out --engine torch")
    if ranks.size > 1 and task != "predict":
        raise UsageError(f"--task {task} is trained by one process: start it without torchrun")
    if ranks.size > 1 and OPTIMIZERS.find(config.optimisation.optimizer).population:
        optimizer = config.optimisation.optimizer
        raise UsageError(f"--optimizer {optimizer} is of one process: start it without torchrun")
    if ranks.size > sequences:
        raise UsageError(f"{ranks.size} ranks cannot share --batch-size {sequences}: start fewer, or give more")


def settle(
    source: Source, settings: ResolvedSettings, progress: Progress | None = None, ranks: Ranks = ALONE
) -> tuple[TrainingConfig, Examples]:
    """Read a corpus, and decide what depends on it.

    Raises:
        UsageError: settings cannot work together.
        CorpusError: the corpus is unreadable or too short.
    """
    check_engine(settings.config, ranks=ranks)
    split = with_split(settings.config, source.own_split)
    settings = dataclasses.replace(settings, config=make_task(split).complete(source))
    corpus = make_task(settings.config).read(source, progress)
    # The workers and their split decide the order in which numbers are summed, so they are stored with the run.
    settings = settings.with_engine(settle_split(settings.config))
    if settings.needs_speed:
        gflops = machine_gflops(settings.config)
        settings = settings.with_engine(dataclasses.replace(settings.config.engine, gflops=gflops))
    characters, per_step = corpus.training_characters, None
    if isinstance(corpus, SplitExamples):
        per_step = characters / corpus.batches(settings.config.batching).batches_per_epoch
    config = settings.for_corpus(characters, len(corpus.vocabulary), per_step)
    if config.model.adaptive_softmax:
        assert isinstance(corpus, Corpus)
        corpus = sort_by_frequency(corpus)
    batching = dataclasses.replace(
        config.batching,
        val_file=None if corpus.val_corpus is None else corpus.val_corpus.source.stored,
        test_file=None if config.batching.test_file is None else find_text(config.batching.test_file).stored,
    )
    optimisation = config.optimisation
    if optimisation.lr is None:
        own = default_lr(config.model.cell, optimisation.optimizer)
        optimisation = dataclasses.replace(optimisation, lr=own)
    config = dataclasses.replace(config, batching=batching, optimisation=optimisation)
    check_training(config, corpus)
    return config, corpus


def check_training(config: TrainingConfig, corpus: Examples) -> None:
    """Check that the settings can train on a corpus.

    Raises:
        UsageError: a setting does not fit the cell, or needs held-out text.
    """
    check_settings(config.model, config.optimisation)
    if config.budget.patience and not corpus.validation_targets:
        raise UsageError(f"--patience counts validations, and {corpus.why_unvalidated}: leave it out")
    if config.budget.ngram is not None and (reason := why_unmixed(config, corpus)) is not None:
        raise UsageError(f"{reason}: leave out --ngram")


def make_trainer(config: TrainingConfig, corpus: Examples, ranks: Ranks = ALONE) -> Trainer:
    """A trainer with its engine, to be closed.

    Raises:
        UsageError: a setting does not fit the cell, or needs held-out text.
        WorkerError: a worker cannot be started.
    """
    check_training(config, corpus)
    partition = corpus.batches(config.batching)
    model = describe_network(config, corpus.vocabulary).build()
    model.initialize(make_generator(config.budget.seed, "initialise"))
    if ranks.size > 1:
        assert isinstance(partition, Batcher)  # no other task is trained by several ranks
        partition = partition.of_columns(own_columns(ranks, config.batching.batch_size))
    engine = _make_engine(config, model, partition.longest, ranks)
    return Trainer(config, corpus, partition, engine, ranks)


def _make_engine(config: TrainingConfig, model: BaseModel, longest: int, ranks: Ranks) -> Engine:
    """The engine of the settings; PyTorch is imported only for its own."""
    own, optimisation, engine = own_columns(ranks, config.batching.batch_size), config.optimisation, config.engine
    batch_size = own.stop - own.start
    if engine.engine == "numpy":
        return NumpyEngine(model, optimisation, longest, batch_size, engine.workers, ranks, engine.shared)
    from charlm.engines.torch.engine import TorchEngine

    assert isinstance(model, Model)  # no other task is trained here
    return TorchEngine(model, optimisation, batch_size, engine, ranks)


@contextmanager
def new_run(trainer: Trainer, folder: Path, origin: Origin | None = None) -> Iterator[Run]:
    """Store a training's first state in a run; its folder is locked meanwhile.

    Raises:
        RunError: the folder is in use.
    """
    corpus, first = trainer.corpus, trainer.checkpoint(trainer.state)
    run = Run(folder, trainer.config, corpus.vocabulary, _identity(corpus), origin=origin)

    def create() -> Run:
        check_unused(folder)  # where something else lies, not even a lock is made
        lock.enter_context(only_writer(folder))
        return Run.create(folder, run.config, run.vocabulary, run.corpus, first, origin=origin)

    with ExitStack() as lock:
        yield together(trainer.ranks, create if trainer.ranks.rank == 0 else lambda: run)


def _identity(corpus: Examples) -> CorpusIdentity:
    prepared, validated = corpus.prepared, corpus.val_corpus
    source, symbols = prepared.source, len(prepared.ids)
    training, files = min(corpus.training_characters, symbols), len(source.files)
    return CorpusIdentity(
        source.name, source.kind, source.paths, prepared.sha256, symbols, training, files,
        None if validated is None else validated.sha256,
    )  # fmt: skip
