"""Predict the next character: a language model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from charlm.base.errors import UsageError
from charlm.base.progress import Progress
from charlm.config import TrainingConfig
from charlm.tasks.task import Examples, Task, Validation

if TYPE_CHECKING:
    from charlm.data.corpus import Corpus
    from charlm.data.reading.sources import Source
    from charlm.data.reload import CorpusSearch, StoredCorpus
    from charlm.data.vocabulary import Vocabulary
    from charlm.engines.base import Engine
    from charlm.inference.language_model import LanguageModel

SAMPLE_CHARACTERS = 200
LABELLED_COMMANDS = ("sample", "score", "classify", "eval perplexity", "eval accuracy")
SAMPLE_DOCUMENTS = 5  # that share them, where the corpus is one of documents


class Predict(Task):
    """Predict the next character."""

    commands: ClassVar[tuple[str, ...]] = ("sample", "score", "next", "export", "eval")

    @classmethod
    def commands_of(cls, has_labels: bool) -> tuple[str, ...]:
        return LABELLED_COMMANDS if has_labels else cls.commands

    def complete(self, source: Source) -> TrainingConfig:
        from charlm.data.split_examples import with_default_split

        config = self.config
        if config.task.labels is None:
            return config
        if config.task.labels not in ("file", "tab"):
            raise UsageError(f"--task predict needs --labels file or tab, not {config.task.labels}")
        if not config.corpus.lines:
            raise UsageError("--labels are of separate examples: give --lines too")
        return with_default_split(config)

    def read(self, source: Source, progress: Progress | None = None) -> Corpus:
        from charlm.data.corpus import prepare_corpus
        from charlm.data.labelled_text import read_labelled_corpus

        if self.config.task.labels is not None:
            return read_labelled_corpus(source, self.config, progress)
        return prepare_corpus(source, self.config, progress)

    def reload(
        self,
        known: StoredCorpus,
        vocabulary: Vocabulary,
        search: CorpusSearch,
        progress: Progress | None = None,
    ) -> Corpus:
        from charlm.data.reload_splits import reload_splits

        return reload_splits(known, self.config, vocabulary, search, progress)

    def guess_loss(self, vocabulary: Vocabulary) -> float:
        """That of the uniform distribution over characters."""
        return math.log(len(vocabulary))

    def validate(self, engine: Engine, examples: Examples) -> Validation:
        """The loss of the beginning of the validation split."""
        from charlm.data.corpus import Corpus

        assert isinstance(examples, Corpus) and examples.validated is not None
        model = make_language_model(engine, examples)
        return Validation(model.tally(engine.network(), examples.validated).figures.nats_per_char)

    def show(self, engine: Engine, examples: Examples, seed: int) -> str:
        from charlm.inference.conditioned import LabelledSample

        model = make_language_model(engine, examples)
        end = model.corpus.document_end
        samples = 1 if end is None else SAMPLE_DOCUMENTS
        texts = model.samples(samples, len=SAMPLE_CHARACTERS // samples, seed=seed)
        labels = (f"{text.label}: " if isinstance(text, LabelledSample) else "" for text in texts)
        return (end or "").join(map("".join, zip(labels, texts, strict=True)))


def make_language_model(engine: Engine, examples: Examples) -> LanguageModel:
    """The engine's model with its vocabulary."""
    from charlm.inference.conditioned import ConditionedModel
    from charlm.inference.language_model import LanguageModel
    from charlm.models.char_rnn import Model

    network = engine.model()
    assert isinstance(network, Model)
    kind = ConditionedModel if examples.vocabulary.labels else LanguageModel
    return kind(network, examples.vocabulary, examples.training_characters, examples.prepared.config)
