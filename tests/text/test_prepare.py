"""Preparing: the vocabulary is the training part's, and a text that is too short says what it lacks."""

import pytest

from charlm.errors import CorpusError, VocabularyError
from charlm.text.prepare import prepare_corpus
from charlm.text.sources import source_of_text
from charlm.text.vocab import Vocabulary


def test_the_vocabulary_never_sees_the_validation_part():
    source = source_of_text("abcabcabzz")
    corpus = prepare_corpus(source, val_fraction=0.2, seq_len=3)
    assert corpus.vocabulary == Vocabulary.of("abcabcab")
    assert corpus.vocabulary.decode(corpus.train_codes) == "abcabcab"
    assert corpus.validation == "zz"
    assert corpus.source is source


def test_a_given_vocabulary_is_kept():
    vocabulary = Vocabulary.of("abcdef")
    corpus = prepare_corpus(source_of_text("fade"), val_fraction=0.0, seq_len=3, vocabulary=vocabulary)
    assert corpus.vocabulary is vocabulary
    assert corpus.train_codes.tolist() == [5, 0, 3, 4]


def test_a_given_vocabulary_must_have_every_character():
    with pytest.raises(VocabularyError, match=r"training part of text: .*'x' \(U\+0078\), at position 2"):
        prepare_corpus(source_of_text("abx"), val_fraction=0.0, seq_len=1, vocabulary=Vocabulary.of("ab"))


def test_one_chunk_and_the_character_after_it_are_enough():
    assert len(prepare_corpus(source_of_text("a" * 10), val_fraction=0.1, seq_len=8).train_codes) == 9


@pytest.mark.parametrize(("characters", "fraction", "left"), [(9, 0.1, 8), (1, 0.5, 0)])
def test_a_text_shorter_than_a_chunk_is_refused_with_both_numbers(characters, fraction, left):
    with pytest.raises(CorpusError) as raised:
        prepare_corpus(source_of_text("a" * characters), val_fraction=fraction, seq_len=8)
    message = str(raised.value)
    assert f"has {left} characters" in message
    assert "--seq-len 8 needs 9" in message
    assert "--val-fraction" in message
