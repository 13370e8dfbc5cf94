"""The file of n-grams: it comes back as it was, and what is no model is refused by what is wrong with it."""

import dataclasses

import numpy as np
import pytest

from charlm.base.errors import CheckpointError
from charlm.models.ngram.counts import count_levels
from charlm.models.ngram.mixture import TENTHS, NgramMixture
from charlm.models.ngram.trie import NgramTrie
from charlm.runs import ngram_file
from charlm.runs.ngram_file import load_ngram, save_ngram

V = 5


@pytest.fixture(scope="module")
def mixture():
    rng = np.random.default_rng(7)
    levels = count_levels(rng.integers(0, V, 300).astype(np.uint8), V, 3)
    return NgramMixture(NgramTrie.from_levels(levels, most=200), rng.random((TENTHS, TENTHS)))


def test_a_model_comes_back_as_it_was(tmp_path, mixture):
    save_ngram(tmp_path / "n.safetensors", mixture, {"characters": 300})
    found, scalars = load_ngram(tmp_path / "n.safetensors", V)
    assert scalars == {"characters": 300}
    np.testing.assert_array_equal(found.weights, mixture.weights)
    contexts_NK = found.trie.read(found.trie.begin(1), np.arange(40, dtype=np.uint8)[:, None] % V)[:, 0]
    np.testing.assert_array_equal(found.trie.probabilities(contexts_NK), mixture.trie.probabilities(contexts_NK))


@pytest.mark.parametrize("vocab_size", [1, 256, 257, 70_000])
@pytest.mark.parametrize("text", [[0], [0, 0, 0], [0, 0] * 9])
def test_any_text_and_vocabulary_can_be_stored(tmp_path, vocab_size, text):
    ids = np.array(text, np.uint32) * (vocab_size - 1)
    trie = NgramTrie.from_levels(count_levels(ids, vocab_size, 4))
    save_ngram(tmp_path / "n.safetensors", NgramMixture(trie, np.ones((TENTHS, TENTHS))), {})
    found, _ = load_ngram(tmp_path / "n.safetensors", vocab_size)
    assert found.trie.probabilities(found.trie.begin(1)).sum() == pytest.approx(1)


def changed(values, place, value):
    values = values.copy()
    values[place] = value
    return values


FAULTS = {
    "a weight": (lambda t, w: (t, changed(w, (3, 4), 1.5)), "a weight is not between 0 and 1"),
    "a discount": (
        lambda t, w: ({"discounts": changed(t.discounts, (1, 2), 2.5)}, w),
        "a discount is not above 0",
    ),
    "no discount": (
        lambda t, w: ({"discounts": changed(t.discounts, (2, 1), 0)}, w),
        "a discount is not above 0",
    ),
    "a child": (lambda t, w: ({"children": changed(t.children, 0, 4)}, w), "do not form a tree"),
    "children": (lambda t, w: ({"children": changed(t.children, -1, V + 9)}, w), "do not form a tree"),
    "a symbol": (lambda t, w: ({"symbols": changed(t.symbols, 3, V)}, w), "not in the order of their characters"),
    "a twin": (lambda t, w: ({"symbols": changed(t.symbols, 2, 0)}, w), "not in the order of their characters"),
    "a count": (lambda t, w: ({"counts": changed(t.counts, 9, 10**6)}, w), "occurs less often than"),
    "a total": (lambda t, w: ({"totals": changed(t.totals, 0, 3)}, w), "occurs less often than"),
    "a length": (lambda t, w: ({"counts": t.counts[:-1]}, w), "counts has the shape"),
    "its type": (lambda t, w: ({"counts": t.counts.astype("uint16")}, w), "counts is of type U16"),
    "not finite": (lambda t, w: (t, changed(w, (0, 0), np.nan)), "weights holds a number that is not finite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_model_is_refused_by_name(tmp_path, monkeypatch, mixture, fault):
    change, complaint = FAULTS[fault]
    trie, weights = change(mixture.trie, mixture.weights)
    trie = dataclasses.replace(mixture.trie, **trie) if isinstance(trie, dict) else trie
    monkeypatch.setattr("charlm.runs.tensors.np.isfinite", lambda values: np.ones(1, np.bool_))
    save_ngram(tmp_path / "n.safetensors", NgramMixture(trie, weights), {})
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=complaint):
        load_ngram(tmp_path / "n.safetensors", V)


def test_a_file_of_another_vocabulary_or_of_too_many_ngrams_is_refused(tmp_path, monkeypatch, mixture):
    save_ngram(tmp_path / "n.safetensors", mixture, {})
    with pytest.raises(CheckpointError, match="not in the order of their characters"):
        load_ngram(tmp_path / "n.safetensors", V - 2)
    with pytest.raises(CheckpointError, match="symbols is of type U8"):
        load_ngram(tmp_path / "n.safetensors", 300)
    monkeypatch.setattr(ngram_file, "MOST_READ", 150)
    with pytest.raises(CheckpointError, match="it has 192 n-grams"):
        load_ngram(tmp_path / "n.safetensors", V)
