"""A corpus made ready for training: split, and its training part encoded."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.arrays import Codes
from charlm.errors import CorpusError
from charlm.text.sources import Source
from charlm.text.split import split_tail
from charlm.text.vocab import Vocabulary


@dataclass(frozen=True)
class Corpus:
    """A source that is ready for training.

    Attributes:
        source: the text and where it came from.
        vocabulary: the characters of the training part, or those of the run that is continued.
        train_codes: the training part's codes (N,).
        validation: the validation part, still as text: it may hold characters that the vocabulary lacks.
    """

    source: Source
    vocabulary: Vocabulary
    train_codes: Codes
    validation: str


def prepare_corpus(
    source: Source, val_fraction: float, seq_len: int, vocabulary: Vocabulary | None = None
) -> Corpus:
    """Hold out a source's tail and encode the rest.

    Args:
        source: the text.
        val_fraction: the share of the text, from its end, that is held out.
        seq_len: the time steps of a chunk; the training part must fill at least one.
        vocabulary: what to encode with; left out, it is made from the training part.

    Raises:
        CorpusError: the training part is shorter than one chunk and the character after it.
        VocabularyError: the training part has a character that the given vocabulary lacks.

    >>> from charlm.text.sources import source_of_text
    >>> corpus = prepare_corpus(source_of_text("to be or not to be"), val_fraction=0.25, seq_len=4)
    >>> corpus.vocabulary.decode(corpus.train_codes), corpus.validation
    ('to be or not ', 'to be')
    """
    train, validation = split_tail(source.text, val_fraction)
    if len(train) < seq_len + 1:
        raise CorpusError(
            f"{source.name}: the training part has {len(train)} characters, and a chunk of "
            f"--seq-len {seq_len} needs {seq_len + 1}: give a longer text, a smaller --seq-len, or a smaller "
            f"--val-fraction (it is {val_fraction})"
        )
    if vocabulary is None:
        vocabulary = Vocabulary.of(train)
    codes = vocabulary.encode(train, where=f"the training part of {source.name}")
    return Corpus(source, vocabulary, codes, validation)
