"""The splits of a stored run: of a text, or of labelled documents."""

from __future__ import annotations

from charlm.base.progress import Progress
from charlm.config import TrainingConfig
from charlm.data.corpus import Corpus
from charlm.data.labelled_text import divide_labelled
from charlm.data.reload import CorpusSearch, StoredCorpus, reload_corpus, reload_texts
from charlm.data.vocabulary import Vocabulary


def reload_splits(
    known: StoredCorpus,
    config: TrainingConfig,
    vocabulary: Vocabulary,
    search: CorpusSearch,
    progress: Progress | None = None,
) -> Corpus:
    """The corpus of a language model's run, with the same splits.

    Raises:
        CorpusError: it is missing, cannot be read, or has changed.
    """
    if config.task.labels is None:
        return reload_corpus(known, config, vocabulary, search, progress)
    prepared, val_corpus = reload_texts(known, config, search, progress)
    return divide_labelled(prepared, config, vocabulary, val_corpus)
