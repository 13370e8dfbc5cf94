"""Tag texts: a tag for each character."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.config.encoder import DirectionConfig, PairsConfig
from charlm.tasks.pair_task import PairTask
from charlm.tasks.task import Examples, Validation

if TYPE_CHECKING:
    from charlm.data.pairs import PairExamples
    from charlm.data.reading.sources import Source
    from charlm.data.reload import CorpusSearch, StoredCorpus
    from charlm.data.tags import TagExamples
    from charlm.data.vocabulary import Vocabulary
    from charlm.engines.base import Engine

RECIPE: Mapping[str, Any] = MappingProxyType(
    {
        "cell": "lstm", "hidden": 128, "optimizer": "adamw", "lr": 1e-2, "weight_decay": 0.01, "weight_drop": 0.0,
        "batch_size": 32, "schedule": "linear", "average": 100,
    }
)  # fmt: skip
BY_PRESET: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "tiny": {"lr": 2e-2},
        "base": {"hidden": 256, "lr": 6e-3, "average": 600},
        "large": {"hidden": 256, "lr": 6e-3, "average": 1000},
    }
)


@dataclass(frozen=True)
class TagConfig(DirectionConfig, PairsConfig):
    """The settings of tagged texts, and of an encoder."""


class Tag(PairTask):
    """Give each character a tag."""

    network: ClassVar[str] = "tagger"
    unit: ClassVar[str] = "tag"
    loss: ClassVar[str] = "nats_per_tag"
    commands: ClassVar[tuple[str, ...]] = ("tag", "eval accuracy")
    config_type = TagConfig
    recipe: ClassVar[Mapping[str, Any] | None] = RECIPE
    by_preset: ClassVar[Mapping[str, Mapping[str, Any]]] = BY_PRESET

    @classmethod
    def sizes(cls, vocab_size: int, labels: int) -> tuple[int, int]:
        """One more symbol is read, one that training never saw."""
        return vocab_size + 1, labels

    def read(self, source: Source, progress: Progress | None = None) -> TagExamples:
        """The tagged texts of a corpus."""
        return self._check(super().read(source, progress))

    def reload(
        self, known: StoredCorpus, vocabulary: Vocabulary, search: CorpusSearch, progress: Progress | None = None
    ) -> TagExamples:
        """The tagged texts of a stored run."""
        return self._check(super().reload(known, vocabulary, search, progress))

    def _check(self, found: PairExamples) -> TagExamples:
        """The examples, whose tags are as many as their characters."""
        from charlm.data.tags import TagExamples, check_tags

        of_train = found.prepared.source
        of_val = of_train if found.val_corpus is None else found.val_corpus.source
        for part, source in ((found.train, of_train), (found.validation, of_val), (found.test, of_train)):
            check_tags(part, source, self.config.corpus, self.units)
        return TagExamples(**vars(found))

    def guess_loss(self, vocabulary: Vocabulary) -> float:
        """That of the uniform distribution over tags."""
        return math.log(len(vocabulary.target))

    def validate(self, engine: Engine, examples: Examples) -> Validation:
        """Errors first, then nats; a tag that training never saw is wrong, and not in the nats."""
        from charlm.data.pairs import PairExamples
        from charlm.tasks.text_tagger import log_probs_of_part

        assert isinstance(examples, PairExamples)
        part = examples.validated
        log_probs_NL = np.concatenate(log_probs_of_part(engine.predictor(), part))
        y_N = part.targets.take(np.arange(len(part))).ids
        known_N = np.flatnonzero(y_N < log_probs_NL.shape[1])
        errors = 1 - float((log_probs_NL.argmax(axis=1) == y_N).mean())
        nats = -float(log_probs_NL[known_N, y_N[known_N]].mean()) if len(known_N) else 0.0
        return Validation(nats, errors, {"val_accuracy": 1 - errors})

    def show(self, engine: Engine, examples: Examples, seed: int) -> str:
        """A text of the validation split, or of the training split if there is none, and its tags."""
        from charlm.data.pairs import PairExamples
        from charlm.tasks.text_tagger import log_probs_of_part

        assert isinstance(examples, PairExamples)
        part = examples.validated if len(examples.validated) else examples.train
        rng = make_generator(self.config.budget.seed, "show", seed)
        part = part.take(rng.integers(len(part), size=1))
        (log_probs_NL,) = log_probs_of_part(engine.predictor(), part)
        tags = [examples.vocabulary.target[each] for each in log_probs_NL.argmax(axis=1).tolist()]
        return f"{part.texts[0]}\n{('' if max(map(len, tags)) == 1 else ' ').join(tags)}"
