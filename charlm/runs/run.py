"""A run: a folder that holds a training's settings, its vocabulary, its weights and its curve.

config.json              the settings, and which corpus they were used on; a folder is a run by having it
vocab.json               the vocabulary
model.safetensors        the best weights by validation
last.safetensors         the latest weights, or their average, and everything that training needs to continue
step-NUMBER.safetensors  what last.safetensors was after this step, where earlier saves are kept
metrics.jsonl            the curve
.lock                    held by whoever trains the run
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from charlm.base.errors import CorpusError, RunError
from charlm.base.files.plain import read_plain
from charlm.base.files.strict_json import parse_json
from charlm.base.plural import counted
from charlm.config import TrainingConfig
from charlm.data.reading.sources import Source
from charlm.data.vocabulary import Vocabulary
from charlm.models.char_rnn import Model
from charlm.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from charlm.runs.corpus_record import CorpusIdentity
from charlm.runs.course import RunSummary
from charlm.runs.folder import BEST, CONFIG, LAST, MAX_VOCABULARY, METRICS, VOCABULARY, clear, holds_run
from charlm.runs.format_version import stamp, take_stamp
from charlm.runs.metrics import append_record, forget_after, read_records
from charlm.runs.weights import weights_path
from charlm.runs.writing import write_atomically

MAX_CONFIG = 1_000_000


@dataclass(frozen=True)
class Run:
    """A run directory.

    Attributes:
        folder: where it is.
        config: the settings of its training.
        vocabulary: the characters that its model knows.
        corpus: what it was trained on.
        weights: which weights are meant, as ``--weights`` has it; None where nothing was said.
    """

    folder: Path
    config: TrainingConfig
    vocabulary: Vocabulary
    corpus: CorpusIdentity
    weights: str | None = None

    @classmethod
    def create(
        cls,
        folder: Path,
        config: TrainingConfig,
        vocabulary: Vocabulary,
        corpus: CorpusIdentity,
        first: Checkpoint | None = None,
    ) -> Self:
        """Begin a run in a folder that is new, or empty but for what a creation that was cut short left there.

        Args:
            folder: where it is to be.
            config: the settings of its training.
            vocabulary: the characters that its model knows.
            corpus: what it is trained on.
            first: the state before the first step; None leaves it to the caller to save weights.

        Raises:
            RunError: the folder is in use, or the system refuses.
            CorpusError: the corpus has more distinct characters than a vocabulary may.
        """
        run = cls(folder, config, vocabulary, corpus)
        symbols = run._symbols()
        if len(symbols) > MAX_VOCABULARY:
            raise CorpusError(
                f"{corpus.name} has {counted(len(vocabulary), 'distinct characters')}: too many; is it text?"
            )
        clear(folder)
        # The settings come last: they make the folder a run, and until then it can be begun again.
        write_atomically(folder / VOCABULARY, symbols)
        if first is not None:
            run.save(run.last_path, first)
        run._write_settings()
        return run

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The run that a folder holds.

        Raises:
            RunError: the folder holds no run, or cannot be read.
            CheckpointError: its settings or its vocabulary are damaged, hostile, or too new.
        """
        if not holds_run(folder):
            raise RunError(f"{folder} holds no run: a run is a folder with a {CONFIG}; see charlm runs")
        where = str(folder / CONFIG)
        version, settings = take_stamp(parse_json(read_plain(folder / CONFIG, MAX_CONFIG), where), where)
        config = TrainingConfig.from_json(settings.get("training"), where, version)
        corpus = CorpusIdentity.from_json(settings.get("corpus"), where, version)
        where = str(folder / VOCABULARY)
        stored = parse_json(read_plain(folder / VOCABULARY, MAX_VOCABULARY), where)
        _, symbols = take_stamp(stored, where, unstamped=1)
        return cls(folder, config, Vocabulary.from_json(symbols, where), corpus)

    def with_corpus(self, source: Source) -> Self:
        """The same run, whose corpus was found in another place; ``with_config`` stores that."""
        name = source.name if source.kind == "built-in" else self.corpus.name
        corpus = dataclasses.replace(self.corpus, name=name, kind=source.kind, paths=source.paths)
        return dataclasses.replace(self, corpus=corpus)

    def with_config(self, config: TrainingConfig) -> Self:
        """The same run under changed settings, which are stored in place of the old ones.

        Raises:
            RunError: the system refuses.
        """
        changed = dataclasses.replace(self, config=config)
        changed._write_settings()
        return changed

    def check_folder(self) -> None:
        """See that no other run has taken the folder; that it is gone is no harm.

        Raises:
            RunError: one has, or the settings there cannot be read.
        """
        if holds_run(self.folder):
            there = type(self).open(self.folder)
            if (there.corpus, there.config.model) != (self.corpus, self.config.model):
                raise RunError(f"{self.folder} holds another run by now: put this run's own folder back")

    def put_back(self) -> None:
        """Make the folder and its vocabulary anew where somebody deleted them, to save weights there again.

        Raises:
            RunError: another run has taken the folder, or the system refuses.
        """
        self.check_folder()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.folder} cannot be written: {error.strerror}; see to the disk") from error
        if not os.path.lexists(self.folder / VOCABULARY):
            write_atomically(self.folder / VOCABULARY, self._symbols())

    def save(self, path: Path, checkpoint: Checkpoint) -> None:
        """Save weights in one of the run's files; see ``save_checkpoint``."""
        save_checkpoint(path, checkpoint, self.config.model)

    def complete(self) -> None:
        """Store the settings anew where they are gone, which makes the folder a run again.

        Raises:
            RunError: the system refuses.
        """
        if not holds_run(self.folder):
            self._write_settings()

    def _symbols(self) -> bytes:
        stored = stamp() | self.vocabulary.to_json()
        return json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode()

    def _write_settings(self) -> None:
        settings = {**stamp(), "corpus": self.corpus.to_json(), "training": self.config.to_json()}
        write_atomically(self.folder / CONFIG, json.dumps(settings, indent=2).encode() + b"\n")

    @property
    def name(self) -> str:
        """The folder's own name, and which weights are meant where these are not the best."""
        name = self.folder.resolve().name
        return (
            name if self.weights in (None, "best") else f"{name}/{weights_path(self.folder, self.weights).stem}"
        )

    @property
    def best_path(self) -> Path:
        """The best weights by validation."""
        return self.folder / BEST

    @property
    def last_path(self) -> Path:
        """The latest weights and the state of training."""
        return self.folder / LAST

    @property
    def metrics_path(self) -> Path:
        """The curve."""
        return self.folder / METRICS

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        """Add one record to the curve; see ``append_record``."""
        append_record(self.metrics_path, record)

    def forget_metrics(self, after: int | None) -> None:
        """Drop the curve's records of later steps, or all of them where there is none; see ``forget_after``."""
        forget_after(self.metrics_path, -1 if after is None else after)

    def read_metrics(self) -> list[dict[str, Any]]:
        """The curve's records, oldest first; see ``read_records``."""
        return read_records(self.metrics_path)

    def read_course(self) -> RunSummary:
        """What the training took and reached so far, as the curve tells; see ``read_records``."""
        return RunSummary.of(self.read_metrics())

    def load_model(self, which: str | None = None) -> Model:
        """The model with the weights that are meant; see ``weights_path``.

        Args:
            which: other weights.

        Raises:
            RunError: there are no such weights, or they cannot be read.
            CheckpointError: the weights are damaged, hostile, or of another model.
        """
        path = weights_path(self.folder, which or self.weights)
        config, vocab_size = self.config.model, len(self.vocabulary)
        return Model(config, vocab_size, load_checkpoint(path, config, vocab_size).params)
