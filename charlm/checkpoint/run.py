"""A run: a folder that holds a training's settings, its vocabulary, its weights and its curve.

config.json          the settings, and which corpus they were used on; a folder is a run by having it
vocab.json           the vocabulary
model.safetensors    the best weights by validation
last.safetensors     the latest weights, and everything that training needs to continue
metrics.jsonl        the curve
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from charlm.checkpoint.atomic import leftovers, write_atomically
from charlm.checkpoint.checkpoint import load_checkpoint
from charlm.checkpoint.identity import CorpusIdentity
from charlm.checkpoint.metrics import append_record, read_records
from charlm.checkpoint.reading import read_plain
from charlm.checkpoint.strict_json import parse_json
from charlm.checkpoint.versions import check_stamp, stamp
from charlm.config import TrainingConfig
from charlm.errors import CheckpointError, CorpusError, RunError
from charlm.model import Model
from charlm.text.vocab import Vocabulary

CONFIG, VOCABULARY, METRICS = "config.json", "vocab.json", "metrics.jsonl"
BEST, LAST = "model.safetensors", "last.safetensors"

MAX_CONFIG = 1_000_000
# Room for 570,000 symbols, more than Unicode has characters, and too little to fill a machine's memory.
MAX_VOCABULARY = 4_000_000


def holds_run(folder: Path) -> bool:
    """Whether a folder is a run: it has a config.json."""
    try:
        return (folder / CONFIG).is_file()
    except OSError:
        return False


@dataclass(frozen=True)
class Run:
    """A run directory.

    Attributes:
        folder: where it is.
        config: the settings of its training.
        vocabulary: the characters that its model knows.
        corpus: what it was trained on.
    """

    folder: Path
    config: TrainingConfig
    vocabulary: Vocabulary
    corpus: CorpusIdentity

    @classmethod
    def create(cls, folder: Path, config: TrainingConfig, vocabulary: Vocabulary, corpus: CorpusIdentity) -> Self:
        """Begin a run in a folder that is new, or empty but for what a creation that was cut short left there.

        Raises:
            RunError: the folder is in use, or the system refuses.
            CorpusError: the corpus has more distinct characters than a vocabulary may.
        """
        run = cls(folder, config, vocabulary, corpus)
        symbols = json.dumps(vocabulary.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
        if len(symbols) > MAX_VOCABULARY:
            raise CorpusError(f"{corpus.name} has {len(vocabulary):,} distinct characters: too many; is it text?")
        run._clear()
        # The settings come last: they make the folder a run, and until then it can be begun again.
        write_atomically(folder / VOCABULARY, symbols)
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
        settings = parse_json(read_plain(folder / CONFIG, MAX_CONFIG), where)
        if not isinstance(settings, Mapping):
            raise CheckpointError(f"{where} is damaged: it is not a JSON object")
        check_stamp(settings, where)
        config = TrainingConfig.from_json(settings.get("training"), where)
        corpus = CorpusIdentity.from_json(settings.get("corpus"), where)
        where = str(folder / VOCABULARY)
        symbols = parse_json(read_plain(folder / VOCABULARY, MAX_VOCABULARY), where)
        return cls(folder, config, Vocabulary.from_json(symbols, where), corpus)

    def with_config(self, config: TrainingConfig) -> Self:
        """The same run under changed settings, which are stored in place of the old ones.

        Raises:
            RunError: the system refuses.
        """
        changed = dataclasses.replace(self, config=config)
        changed._write_settings()
        return changed

    def _write_settings(self) -> None:
        settings = {**stamp(), "corpus": self.corpus.to_json(), "training": self.config.to_json()}
        write_atomically(self.folder / CONFIG, json.dumps(settings, indent=2).encode() + b"\n")

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name

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

    def read_metrics(self) -> list[dict[str, Any]]:
        """The curve's records, oldest first; see ``read_records``."""
        return read_records(self.metrics_path)

    def load_model(self, which: Literal["best", "last"] = "best") -> Model:
        """The model with its best weights (or its last, where no best exist yet), or with its last.

        Raises:
            RunError: there are no weights yet, or they cannot be read.
            CheckpointError: the weights are damaged, hostile, or of another model.
        """
        is_best = which == "best" and self.best_path.exists()
        path = self.best_path if is_best else self.last_path
        if not path.exists():
            raise RunError(f"{self.folder} has no weights yet: train anew, in another folder")
        config, vocabulary_size = self.config.model, len(self.vocabulary)
        return Model(config, vocabulary_size, load_checkpoint(path, config, vocabulary_size).params)

    def _clear(self) -> None:
        """Make the folder, or rid it of what a creation that was cut short left there.

        Raises:
            RunError: it holds a run, or files that are not a run's.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # A creation that was cut short leaves these; weights without settings are somebody's, and stay.
            own = self._files(VOCABULARY, CONFIG)
            if holds_run(self.folder):
                raise RunError(f"{self.folder} holds a run: give another folder, or go on with it by --resume")
            if set(self.folder.iterdir()) - own:
                raise RunError(f"{self.folder} is not empty and holds no run: give another folder")
            for path in own:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.folder} cannot be used: {error.strerror}; give another folder") from error

    def _files(self, *names: str) -> set[Path]:
        """These files of the run, and what killed writers of them left behind."""
        paths = {self.folder / name for name in names}
        return paths.union(*(leftovers(path) for path in paths))
