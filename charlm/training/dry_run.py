"""A dry run: what a training would read, need and reach, without training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from charlm.base.files.cache_dir import temporary_cache
from charlm.base.progress import Progress
from charlm.config import TrainingConfig
from charlm.data.corpus import Corpus
from charlm.data.reading.sources import Source
from charlm.data.split_examples import SplitExamples
from charlm.engines.numpy.memory_estimate import estimate_bytes
from charlm.models.base import describe_network
from charlm.tasks.task import Examples
from charlm.training.machine_speed import machine_gflops
from charlm.training.presets import ResolvedSettings, expected_epochs
from charlm.training.remarks import list_remarks
from charlm.training.start import settle


@dataclass(frozen=True)
class DryRun:
    """The plan of a training that is not run.

    Attributes:
        config: its settings.
        corpus: the text's name.
        files: those that it reads.
        splits: their sizes by name, in characters; of examples, the training split's.
        examples: the number of examples in each split by name; empty where the text is read as one.
        symbols: the size of the vocabulary.
        parameters: of the network.
        memory_bytes: of all processes, an estimate.
        epochs: an estimate where the length is a time.
        steps: likewise.
        remarks: what training would report about the text.
    """

    config: TrainingConfig
    corpus: str
    files: tuple[str, ...]
    splits: dict[str, int]
    examples: dict[str, int]
    symbols: int
    parameters: int
    memory_bytes: int
    epochs: float
    steps: int
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values."""
        return vars(self) | {"config": self.config.to_json()}


def plan_training(source: Source, settings: ResolvedSettings, progress: Progress | None = None) -> DryRun:
    """Read a corpus as a training does, and estimate the rest; nothing is kept on disk.

    Raises:
        UsageError: settings cannot work together.
        CorpusError: the corpus is unreadable or too short.
    """
    with temporary_cache():
        config, corpus = settle(source, settings, progress)
        batches = corpus.batches(config.batching)
        model = describe_network(config, corpus.vocabulary).build()
        engine = config.engine
        workers = engine.workers or 1
        sizes = batches.longest, config.batching.batch_size, workers, engine.shared
        unit, amount = config.budget.length
        epochs = _estimate_epochs(config, corpus)
        steps = round(amount if unit == "steps" else epochs * batches.batches_per_epoch)
        epochs = steps / batches.batches_per_epoch if unit == "steps" else epochs
        return DryRun(
            config=config,
            corpus=source.name,
            files=tuple(file.path or file.label for file in source.files),
            splits=_measure_splits(corpus),
            examples=_count_examples(corpus),
            symbols=len(corpus.vocabulary),
            parameters=model.params.flat.size,
            memory_bytes=estimate_bytes(model, config.optimisation, *sizes),
            epochs=epochs,
            steps=max(1, steps),
            remarks=(*corpus.notes, *list_remarks(corpus, model.params.flat.size)),
        )


def _estimate_epochs(config: TrainingConfig, corpus: Examples) -> float:
    """The epochs, at the measured speed of this machine where the length is a time."""
    if config.budget.length[0] == "minutes" and config.engine.gflops is None:
        config = replace(config, engine=replace(config.engine, gflops=machine_gflops(config)))
    return expected_epochs(config, corpus.training_characters, len(corpus.vocabulary))


def _measure_splits(corpus: Examples) -> dict[str, int]:
    if isinstance(corpus, Corpus):
        return {"train": len(corpus.train), "val": len(corpus.validation), "test": len(corpus.test)}
    return {"train": corpus.training_characters}


def _count_examples(corpus: Examples) -> dict[str, int]:
    if isinstance(corpus, SplitExamples):
        return {"train": len(corpus.train), "val": len(corpus.validation), "test": len(corpus.test)}
    return {}
