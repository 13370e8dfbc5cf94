"""Predict the next character: a language model."""

from __future__ import annotations

import math
from typing import ClassVar

from charlm.base.progress import Progress
from charlm.data.corpus import Corpus, prepare_corpus
from charlm.data.reading.sources import Source
from charlm.data.reload import CorpusSearch, StoredCorpus, reload_corpus
from charlm.data.vocabulary import Vocabulary
from charlm.engines.base import Engine
from charlm.inference.language_model import LanguageModel
from charlm.models.char_rnn import Model
from charlm.tasks.task import Examples, Task, Validation

SAMPLE_CHARACTERS = 200
SAMPLE_DOCUMENTS = 5  # that share them, where the corpus is one of documents


class Predict(Task):
    """Predict the next character."""

    commands: ClassVar[tuple[str, ...]] = ("sample", "score", "next", "export", "eval")

    def read(self, source: Source, progress: Progress | None = None) -> Corpus:
        return prepare_corpus(source, self.config, progress)

    def reload(
        self,
        known: StoredCorpus,
        vocabulary: Vocabulary,
        search: CorpusSearch,
        progress: Progress | None = None,
    ) -> Corpus:
        return reload_corpus(known, self.config, vocabulary, search, progress)

    def guess_loss(self, vocabulary: Vocabulary) -> float:
        """That of the uniform distribution over characters."""
        return math.log(len(vocabulary))

    def validate(self, engine: Engine, examples: Examples) -> Validation:
        """The loss of the beginning of the validation split."""
        assert isinstance(examples, Corpus) and examples.validated is not None
        model = make_language_model(engine, examples)
        return Validation(model.tally(engine.network(), examples.validated).figures.nats_per_char)

    def show(self, engine: Engine, examples: Examples, seed: int) -> str:
        model = make_language_model(engine, examples)
        end = model.corpus.document_end
        samples = 1 if end is None else SAMPLE_DOCUMENTS
        return (end or "").join(model.samples(samples, len=SAMPLE_CHARACTERS // samples, seed=seed))


def make_language_model(engine: Engine, examples: Examples) -> LanguageModel:
    """The engine's model with its vocabulary."""
    network = engine.model()
    assert isinstance(network, Model)
    prepared = examples.prepared
    return LanguageModel(network, examples.vocabulary, examples.training_characters, prepared.config)
