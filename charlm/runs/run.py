"""A run: one training's folder."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from charlm.base.arrays import FlatVector
from charlm.base.errors import CorpusError, RunError, as_run_error
from charlm.base.files.atomic import write_atomically
from charlm.base.files.lock import is_held
from charlm.base.files.plain import read_plain
from charlm.base.files.strict_json import parse_json
from charlm.base.plural import counted
from charlm.config import TrainingConfig
from charlm.data.reading.sources import Source
from charlm.data.vocabulary import Vocabulary
from charlm.models.base import BaseModel, NetworkSpec, describe_network
from charlm.models.ngram.mixture import NgramMixture
from charlm.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from charlm.runs.corpus_record import CorpusIdentity
from charlm.runs.folder import (
    BEST,
    CONFIG,
    LAST,
    LOCK,
    MAX_VOCAB,
    METRICS,
    NGRAM,
    VOCAB,
    check_unused,
    clear,
    find_weights,
    holds_run,
    only_writer,
)
from charlm.runs.format_version import stamp, take_stamp
from charlm.runs.metrics import (
    RunSummary,
    append_record,
    forget_after,
    read_records,
    read_training_losses,
    read_validations,
)
from charlm.runs.ngram_file import load_ngram, save_ngram
from charlm.runs.origin import Origin

MAX_CONFIG = 1_000_000


@dataclass(frozen=True)
class Run:
    """The folder of a training.

    Attributes:
        weights: as in ``--weights``, or None.
        origin: the weights that it started from, if from another run's.
    """

    folder: Path
    config: TrainingConfig
    vocabulary: Vocabulary
    corpus: CorpusIdentity
    weights: str | None = None
    origin: Origin | None = None

    @classmethod
    def create(
        cls,
        folder: Path,
        config: TrainingConfig,
        vocabulary: Vocabulary,
        corpus: CorpusIdentity,
        first: Checkpoint | None = None,
        file: str = LAST,
        origin: Origin | None = None,
    ) -> Self:
        """Create a run in a new, empty or unfinished folder; ``first`` is its state at step 0, in ``file``.

        Raises:
            RunError: the folder is in use, or a system error.
            CorpusError: too many distinct characters.
        """
        run = cls(folder, config, vocabulary, corpus, origin=origin)
        symbols = run._encode_vocabulary()
        if len(symbols) > MAX_VOCAB:
            count = counted(len(vocabulary), "distinct characters")
            raise CorpusError(f"{corpus.name} has {count}: too many; is it text?")
        clear(folder)
        # The settings come last: they make the folder a run; until then it can be created again.
        write_atomically(folder / VOCAB, symbols)
        if first is not None:
            run.save(folder / file, first)
        run._write_settings()
        return run

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the run in a folder.

        Raises:
            RunError: it holds no run, or cannot be read.
            CheckpointError: its files are damaged or too new.
        """
        if not holds_run(folder):
            raise RunError(f"{folder} holds no run: a run is a folder with a {CONFIG}; see charlm runs")
        where = str(folder / CONFIG)
        version, settings = take_stamp(parse_json(read_plain(folder / CONFIG, MAX_CONFIG), where), where)
        config = TrainingConfig.from_json(settings.get("training"), where, version)
        corpus = CorpusIdentity.from_json(settings.get("corpus"), where, version)
        origin = Origin.from_json(settings, where, version)
        where = str(folder / VOCAB)
        stored = parse_json(read_plain(folder / VOCAB, MAX_VOCAB), where)
        _, symbols = take_stamp(stored, where, unstamped=1)
        return cls(folder, config, Vocabulary.from_json(symbols, where), corpus, origin=origin)

    def with_corpus(self, source: Source) -> Self:
        """The run with its corpus's new location, not yet stored."""
        name = source.name if source.kind == "built-in" else self.corpus.name
        corpus = dataclasses.replace(self.corpus, name=name, kind=source.kind, paths=source.paths)
        return dataclasses.replace(self, corpus=corpus)

    def with_config(self, config: TrainingConfig) -> Self:
        """Store changed settings.

        Raises:
            RunError: a system error.
        """
        changed = dataclasses.replace(self, config=config)
        changed._write_settings()
        return changed

    def check_folder(self) -> None:
        """Check that no other run has taken the folder.

        Raises:
            RunError: one has, or it cannot be read.
        """
        if holds_run(self.folder):
            there = type(self).open(self.folder)
            if (there.corpus, there.config.model) != (self.corpus, self.config.model):
                raise RunError(f"{self.folder} now holds another run: put this run's own folder back")

    def put_back(self) -> None:
        """Make a deleted folder and vocabulary again.

        Raises:
            RunError: another run has taken the folder, or a system error.
        """
        self.check_folder()
        with as_run_error(f"{self.folder} cannot be written", "see to the disk"):
            self.folder.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(self.folder / VOCAB):
            write_atomically(self.folder / VOCAB, self._encode_vocabulary())

    def save(self, path: Path, checkpoint: Checkpoint) -> None:
        """Save weights in one of the run's files."""
        save_checkpoint(path, checkpoint, self.config.model)

    def save_model(self, folder: Path, params: FlatVector, mixture: NgramMixture | None = None) -> None:
        """Write weights, and an n-gram model, with vocabulary and settings into a new or empty folder.

        Raises:
            RunError: the folder is in use, or a system error.
        """
        check_unused(folder)
        with only_writer(folder):
            first = Checkpoint(params)
            run = self.create(folder, self.config, self.vocabulary, self.corpus, first, BEST, self.origin)
            if mixture is not None:
                save_ngram(run.ngram_path, mixture, {})

    def complete(self) -> None:
        """Store the settings if they are missing.

        Raises:
            RunError: a system error.
        """
        if not holds_run(self.folder):
            self._write_settings()

    def _encode_vocabulary(self) -> bytes:
        stored = stamp() | self.vocabulary.to_json()
        return json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode()

    def _write_settings(self) -> None:
        origin = None if self.origin is None else self.origin.to_json()
        stored = {"corpus": self.corpus.to_json(), "origin": origin, "training": self.config.to_json()}
        write_atomically(self.folder / CONFIG, json.dumps(stamp() | stored, indent=2).encode() + b"\n")

    @property
    def network(self) -> NetworkSpec:
        """What its network is built from."""
        return describe_network(self.config, self.vocabulary)

    @property
    def name(self) -> str:
        """The folder's name, with weights other than the best."""
        name = self.folder.resolve().name
        return (
            name if self.weights in (None, "best") else f"{name}/{find_weights(self.folder, self.weights).stem}"
        )

    @property
    def best_path(self) -> Path:
        """The weights with the best validation loss."""
        return self.folder / BEST

    @property
    def last_path(self) -> Path:
        """The latest checkpoint."""
        return self.folder / LAST

    @property
    def ngram_path(self) -> Path:
        """The n-gram model, if there is one."""
        return self.folder / NGRAM

    @property
    def metrics_path(self) -> Path:
        """The training log."""
        return self.folder / METRICS

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        """Add a record to the training log."""
        append_record(self.metrics_path, record)

    def forget_metrics(self, step: int, validated_step: int | None) -> None:
        """Delete the training losses after a step and the validations after another, or all for None."""
        forget_after(self.metrics_path, step, validated_step)

    def read_metrics(self) -> list[dict[str, Any]]:
        """Read the validations of the training log, oldest first."""
        return read_validations(self.metrics_path)

    def read_log(self) -> list[dict[str, Any]]:
        """Read validations and training losses, oldest first."""
        return read_records(self.metrics_path)

    @property
    def is_training(self) -> bool:
        """Whether a process trains the run now."""
        return is_held(self.folder / LOCK)

    def read_training_losses(self) -> list[dict[str, Any]]:
        """Read the training losses, about 200 per run, oldest first; runs of format 5 and before have none."""
        return read_training_losses(self.metrics_path)

    def summarize(self) -> RunSummary:
        """Summarize the training log."""
        return RunSummary.of(self.read_metrics(), self.config.task.kind.loss)

    def load_model(self, which: str | None = None) -> BaseModel:
        """Load the model, with other weights if given.

        Raises:
            RunError: the weights are missing or cannot be read.
            CheckpointError: they are damaged or another model's.
        """
        path = find_weights(self.folder, which or self.weights)
        return self.network.build(load_checkpoint(path, self.network).params)

    def load_mixture(self) -> NgramMixture | None:
        """Load the n-gram model and its weights; None if the run has none.

        Raises:
            RunError: they cannot be read.
            CheckpointError: they are damaged or of another vocabulary.
        """
        # A link that leads nowhere is a damaged file, not a missing one.
        if not os.path.lexists(self.ngram_path):
            return None
        return load_ngram(self.ngram_path, len(self.vocabulary))[0]
