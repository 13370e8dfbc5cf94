"""The survey of a source: figures against what they are by definition, on texts that can be counted by hand."""

import bz2
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import CorpusError
from charlm.data.reading.sources import find_source, make_text_source
from charlm.data.synthetic.markov import Markov
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate import survey as module
from charlm.evaluate.survey import MAX_ORDER, conditional_entropies, duplicate_share, survey_source
from tests.data.synthetic.drawing import draw


def survey_of(text):
    return survey_source(make_text_source(text), lambda done, total: None)


def entropies_of(text):
    vocabulary = Vocabulary.of(text)
    return conditional_entropies(vocabulary.encode(text, "the text"), len(vocabulary))


def block_entropy(text, length):
    blocks = [text[start : start + length] for start in range(len(text) - length + 1)]
    shares = [blocks.count(block) / len(blocks) for block in set(blocks)]
    return -sum(share * log2(share) for share in shares)


@given(st.text("abc", min_size=MAX_ORDER + 1, max_size=40))
def test_entropies_are_by_definition(text):
    for order, bits in enumerate(entropies_of(text)):
        contexts = [text[start : start + order] for start in range(len(text) - order)]
        cost = 0.0
        for context in set(contexts):
            after = [text[start + order] for start, each in enumerate(contexts) if each == context]
            cost -= sum(log2(after.count(character) / len(after)) for character in after)
        assert bits == pytest.approx(cost / len(contexts), abs=1e-9)


def test_entropies_fall_to_the_rate_of_a_chain_at_its_order():
    source = Markov(order=2, symbols=3, chain_seed=1)
    text = draw(source, 60_000, np.random.default_rng(0)).characters
    entropies = entropies_of(text)
    assert len(entropies) == MAX_ORDER + 1 and entropies == sorted(entropies, reverse=True)
    assert entropies[1] > 1.02 * source.bits_per_char
    assert entropies[2] == pytest.approx(source.bits_per_char, rel=0.01)
    assert entropies[0] == pytest.approx(block_entropy(text, 1))


def test_a_text_that_is_too_short_for_an_order_has_no_entropy_of_it():
    assert entropies_of("a") == [0.0]
    assert len(entropies_of("abc")) == 3


def test_duplicate_lines_are_those_that_have_come_before():
    assert duplicate_share(["x", "y", "x", "", ""]) == pytest.approx(1 / 3)
    assert duplicate_share([""]) == duplicate_share([]) == 0


def test_a_survey_says_it_all():
    survey = survey_of("äb\nab\nab\n")
    assert (survey.bytes, survey.characters, survey.distinct, survey.dtype, survey.lines) == (
        10,
        9,
        4,
        "uint8",
        3,
    )
    assert survey.most_common[:2] == [("\n", 3), ("b", 3)]
    assert survey.duplicate_lines == pytest.approx(1 / 3)
    assert survey.compressed["bz2"] == len(bz2.compress("äb\nab\nab\n".encode(), 9))
    assert survey.bits_per_char["bz2"] == pytest.approx(8 * survey.compressed["bz2"] / 9)
    assert survey.bits_per_byte["bz2"] == pytest.approx(8 * survey.compressed["bz2"] / 10)
    assert survey_of("".join(map(chr, range(0x4E00, 0x4F01)))).dtype == "uint16"


def test_what_is_long_is_counted_whole_and_sampled_from_its_beginning(monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 1000)
    survey = survey_of("ab" * 500 + "xyz" * 1000)
    assert (survey.characters, survey.distinct, survey.sample_characters, survey.sample_bytes) == (
        4000,
        5,
        1000,
        1000,
    )
    assert survey.entropies[:2] == pytest.approx([1, 0])


def test_several_files_are_one_text_and_progress_is_told(tmp_path):
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "b.txt").write_bytes(b"two\r\n")
    reports = []
    survey = survey_source(find_source([str(tmp_path)], "*.txt"), lambda *report: reports.append(report))
    assert (survey.files, survey.characters, survey.oddities) == (2, 9, {"line ends CR LF": 1})
    assert reports[-1] == (9, 9)


def test_nothing_to_look_into_is_told(tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"empty\.txt' is empty"):
        survey_source(find_source([str(tmp_path / "empty.txt")], "*"), lambda done, total: None)
