"""Copies against Python's own search of strings, planted stretches, and hashes that collide on purpose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.base.errors import CorpusError
from charlm.config import CorpusConfig
from charlm.data.alphabet import code_points
from charlm.data.encoded import EncodedText
from charlm.engines.threads import ThreadPool
from charlm.evaluate import copies
from charlm.evaluate.base import EvalCase
from charlm.evaluate.copies import find_copies, find_stretches, without_overlap
from charlm.evaluate.measures.memorization import SIZES, Memorization


def nothing(done, total):
    """No progress is shown."""


def encoded(text):
    return EncodedText.of_text(text, CorpusConfig())


@settings(max_examples=60, deadline=None)
@given(st.text("ab", min_size=1, max_size=40), st.text("abc", min_size=1, max_size=60))
def test_copies_are_those_that_strings_find(text, source):
    with ThreadPool(2) as pool:
        searches = find_copies(code_points(text), encoded(source), (1, 2, 3, 5), pool, nothing)
    for search in searches:
        starts = range(len(text) - search.n + 1)
        assert search.copied_N.tolist() == [text[start : start + search.n] in source for start in starts]
    stretches, is_complete = find_stretches(searches[1], encoded(source), nothing)
    assert is_complete
    wanted = set()
    for start in range(len(text)):
        for place in range(len(source)):
            length = 0
            while text[start + length : start + length + 1] == source[place + length : place + length + 1] != "":
                length += 1
            if length >= 2 and (min(start, place) == 0 or text[start - 1] != source[place - 1]):
                wanted.add((start, place, length))
    assert {(each.start, each.source, each.length) for each in stretches} == wanted
    assert [each.length for each in stretches] == sorted((length for *_, length in wanted), reverse=True)


def test_equal_hashes_of_different_n_grams_are_no_copies(monkeypatch, pool):
    def colliding(prefix_N, n):
        return np.zeros(max(0, len(prefix_N) - n), np.uint64)

    monkeypatch.setattr(copies, "ngram_hashes", colliding)
    (search,) = find_copies(code_points("abcab"), encoded("xyzab"), (2,), pool, nothing)
    assert search.copied_N.tolist() == [True, False, False, True]
    (search,) = find_copies(code_points("abcab"), encoded("xybaz"), (2,), pool, nothing)
    assert not search.copied_N.any()


@pytest.mark.parametrize("block", [64, 1 << 19])
def test_a_planted_stretch_is_found_across_blocks(monkeypatch, pool, block):
    rng = np.random.default_rng(2)
    source = "".join(rng.choice(list("abcdefgh"), 3000))
    text = "".join(rng.choice(list("abcdefgh"), 500))
    text = text[:100] + source[1000:1300] + text[400:]
    monkeypatch.setattr(copies, "BLOCK", block)
    searches = find_copies(code_points(text), encoded(source), SIZES, pool, nothing)
    assert [int(search.copied_N.sum()) for search in searches[-2:]] == [261, 251]
    longest, *_ = find_stretches(searches[-1], encoded(source), nothing)[0]
    assert (longest.start, longest.source) == (100, 1000) and longest.length in (300, 301)


def test_many_places_of_one_n_gram_are_bounded(pool):
    (search,) = find_copies(code_points("a" * 300), encoded("a" * 2000), (5,), pool, nothing)
    stretches, is_complete = find_stretches(search, encoded("a" * 2000), nothing)
    assert not is_complete
    assert len(without_overlap(stretches, 3)) <= 3


def test_the_shares_of_samples_and_of_held_out_text(model, pool):
    training = model.part_of("abcab\ncabcab\nbbacca\n" * 5)
    case = EvalCase("run", model, "text", model.part_of("cabcab\nbb" * 20), training)
    findings = Memorization(characters=120).measure([case], pool, nothing)
    (record,) = findings.records
    assert [each["n"] for each in record["ngrams"]] == list(SIZES)
    training_text = training.text
    samples = model.samples(100, len=2, temperature=1.0, seed=1)
    assert record["ngrams"][0]["samples"] is None and all(len(text) == 2 for text in samples)
    held_out = ("cabcab\nbb" * 20)[:120]
    for each in record["ngrams"]:
        n = each["n"]
        found = [held_out[start : start + n] in training_text for start in range(len(held_out) - n + 1)]
        assert each["held_out"] == pytest.approx(np.mean(found))


def test_the_samples_of_a_file(model, pool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("xx" + "abcab\ncabcab\nbbacca" + "yy")
    case = EvalCase("run", model, "text", model.part_of("c" * 50), model.part_of("abcab\ncabcab\nbbacca\n" * 3))
    (record,) = Memorization(samples="mine.txt").measure([case], pool, nothing).records
    first = record["longest"][0]
    assert (first["characters"], first["text"]) == (19, "abcab\ncabcab\nbbacca")
    assert first["place"] in (0, 20, 40)


def test_without_its_corpus_nothing_is_looked_up(model, pool):
    with pytest.raises(CorpusError, match="--corpus"):
        Memorization().measure([EvalCase("run", model, "text", model.part_of("abc" * 50), None)], pool, nothing)
