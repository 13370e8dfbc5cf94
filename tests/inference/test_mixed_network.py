"""A mixed network: each of the two where the other has no weight, and a distribution between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import UsageError
from charlm.config import CorpusConfig
from charlm.data.encoded import EncodedText
from charlm.data.vocabulary import Vocabulary
from charlm.engines.numpy.network import open_network
from charlm.engines.threads import ThreadPool
from charlm.inference import unroll
from charlm.inference.language_model import LanguageModel
from charlm.inference.lines import score_lines
from charlm.inference.mixed_network import MixedNetwork
from charlm.inference.scoring import text_metrics
from charlm.models.ngram.counts import count_levels
from charlm.models.ngram.mixture import TENTHS, NgramMixture
from charlm.models.ngram.trie import NgramTrie

TEXT = "abcab cab\nbacab abc\n" * 12
IDS = st.lists(st.integers(0, 4), min_size=2, max_size=40)


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.of("abc \n")


@pytest.fixture(scope="module")
def trie(vocabulary):
    ids = vocabulary.encode(TEXT, "the text")
    return NgramTrie.from_levels(count_levels(ids, len(vocabulary), 4))


@pytest.fixture(scope="module")
def network(make_model, vocabulary):
    made = make_model(len(vocabulary), cell="lstm", hidden=6, dtype="float32")
    made.params.flat[:] *= 3
    return made


@pytest.fixture(scope="module")
def some_weights():
    return np.random.default_rng(2).random((TENTHS, TENTHS))


def windows_of(network, ids):
    network.begin(2)
    return network.read(np.array([ids, ids[::-1]], np.uint8).T)


def constant(weight):
    return np.full((TENTHS, TENTHS), weight)


@given(ids=IDS)
def test_with_all_weight_on_the_network_it_is_the_network_bit_for_bit(network, trie, ids):
    mixed = MixedNetwork(open_network(network), NgramMixture(trie, constant(1.0)))
    both, alone = windows_of(mixed, ids), windows_of(open_network(network), ids)
    targets = np.zeros((len(ids), 2), np.uint8)
    np.testing.assert_array_equal(both.nll(targets), alone.nll(targets))
    np.testing.assert_array_equal(both.log_probs(), alone.log_probs())


@given(ids=IDS)
def test_with_no_weight_on_the_network_it_is_the_ngram_model_bit_for_bit(network, trie, ids):
    mixed = MixedNetwork(open_network(network), NgramMixture(trie, constant(0.0)))
    outputs = windows_of(mixed, ids)
    contexts_TBK = trie.read(trie.begin(2), np.array([ids, ids[::-1]], np.uint8).T)
    expected = np.log(trie.probabilities(contexts_TBK.reshape(-1, trie.order)))
    np.testing.assert_array_equal(outputs.nll(np.ones((len(ids), 2), np.uint8)).ravel(), -expected[:, 1])
    np.testing.assert_array_equal(outputs.log_probs().reshape(-1, 5), expected.astype("float32"))


@given(ids=IDS)
def test_a_mixture_is_a_distribution_between_the_two(network, trie, some_weights, ids):
    mixture = NgramMixture(trie, some_weights)
    outputs = windows_of(MixedNetwork(open_network(network), mixture), ids)
    p_TBV = np.exp(outputs.log_probs().astype(float))
    np.testing.assert_allclose(p_TBV.sum(axis=2), 1, rtol=1e-6)
    one, other = (
        windows_of(MixedNetwork(open_network(network), NgramMixture(trie, constant(w))), ids) for w in (0, 1)
    )
    low, high = np.sort(np.exp([one.log_probs(), other.log_probs()]), axis=0)
    assert (p_TBV >= low - 1e-6).all() and (p_TBV <= high + 1e-6).all()
    for symbol in range(5):
        targets = np.full((len(ids), 2), symbol, np.uint8)
        np.testing.assert_allclose(np.exp(-outputs.nll(targets)), p_TBV[:, :, symbol], rtol=1e-5)


@given(ids=IDS, cut=st.integers(1, 39))
def test_steps_and_windows_predict_alike(network, trie, some_weights, ids, cut):
    mixed = MixedNetwork(open_network(network), NgramMixture(trie, some_weights))
    whole = windows_of(mixed, ids).log_probs()
    mixed.begin(2)
    pairs = np.array([ids, ids[::-1]], np.uint8).T
    state = None
    for place, x_B in enumerate(pairs):
        if place == cut:  # a state can be put back
            state, _ = mixed.state, mixed.begin(1)
            mixed.state = state
        logits_BV = mixed.step(x_B).astype(float)
        log_probs_BV = logits_BV - np.log(np.exp(logits_BV).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(np.exp(log_probs_BV), np.exp(whole[place]), atol=1e-5)


def test_a_part_of_a_window_predicts_as_in_the_whole(network, trie, some_weights):
    whole = windows_of(
        MixedNetwork(open_network(network), NgramMixture(trie, some_weights)), [0, 1, 2, 3, 4, 0, 1]
    )
    y_TB = np.array([[1, 2], [3, 4], [0, 1]], np.uint8)
    np.testing.assert_allclose(whole[3:6].log_probs(), whole.log_probs()[3:6], rtol=1e-5)
    np.testing.assert_allclose(
        whole[3:6].nll(y_TB),
        -np.take_along_axis(whole.log_probs()[3:6], y_TB[..., None].astype(int), axis=2)[..., 0],
        rtol=1e-5,
    )


def make_model_of(network, vocabulary, mixture, corpus=None):
    return LanguageModel(network, vocabulary, 240, corpus or CorpusConfig(), mixture)


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.6}, {"top_k": 3, "temperature": 1.3}, {"min_p": 0.1}])
def test_samples_at_weight_one_are_the_networks(network, vocabulary, trie, settings):
    model = make_model_of(network, vocabulary, NgramMixture(trie, constant(1.0)))
    assert model.samples(4, len=200, **settings) == model.samples(4, len=200, mix=False, **settings)


def test_sampled_frequencies_are_those_of_the_mixture(network, vocabulary, trie, some_weights):
    model = make_model_of(network, vocabulary, NgramMixture(trie, some_weights))
    drawn = [text[-1] for text in model.samples(4000, len=1, prompt="abcab", seed=4)]
    expected = dict(model.next("abcab", k=5))
    counts = np.array([drawn.count(symbol) for symbol in expected])
    chi_square = (
        (counts - 4000 * np.array([*expected.values()])) ** 2 / (4000 * np.array([*expected.values()]))
    ).sum()
    assert chi_square < 18.5  # 99.9% of draws, at 4 degrees of freedom
    alone = dict(model.next("abcab", k=5, mix=False))
    assert max(abs(alone[symbol] - expected[symbol]) for symbol in expected) > 0.05


def test_a_text_read_as_parallel_sequences_has_the_same_loss(
    network, vocabulary, trie, some_weights, monkeypatch
):
    model = make_model_of(network, vocabulary, NgramMixture(trie, some_weights))
    parallel = model.score(TEXT * 40).costs_nats
    monkeypatch.setattr(unroll, "PLANS", ((1, 0),))
    np.testing.assert_allclose(parallel, model.score(TEXT * 40).costs_nats, atol=1e-3)


def test_unknown_characters_cost_what_they_cost_the_network(network, vocabulary, trie, some_weights):
    model = make_model_of(network, vocabulary, NgramMixture(trie, some_weights))
    mixed, alone = model.score("abc?ab"), model.score("abc?ab", mix=False)
    np.testing.assert_array_equal(mixed.known, alone.known)
    assert mixed.costs_nats[2] == alone.costs_nats[2]
    assert (mixed.costs_nats[[0, 1, 3, 4]] != alone.costs_nats[[0, 1, 3, 4]]).all()
    # What the unknown one stands between is read as if it were not there.
    np.testing.assert_allclose(mixed.costs_nats[[0, 1, 3, 4]], model.score("abcab").costs_nats, rtol=1e-6)


def test_what_is_scored_and_asked_for_is_mixed_unless_it_is_told_not_to(network, vocabulary, trie, some_weights):
    model = make_model_of(network, vocabulary, NgramMixture(trie, some_weights))
    alone = make_model_of(network, vocabulary, None)
    text = "abcab bca\n"
    assert model.perplexity(text) == model.perplexity(text, mix=True) != model.perplexity(text, mix=False)
    assert model.perplexity(text, mix=False) == alone.perplexity(text)
    assert model.surprisal(text, mix=False).tolist() == alone.surprisal(text).tolist()
    assert model.sample(50, mix=False) == alone.sample(50) != model.sample(50)
    for ask in (alone.perplexity, alone.surprisal, alone.next, alone.score):
        with pytest.raises(UsageError, match="no n-gram model to mix: add one with charlm train --resume RUN"):
            ask(text, mix=True)


@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=2, max_size=8))
def test_a_document_has_the_same_loss_wherever_it_stands(make_model, some_weights, stories):
    vocabulary, corpus = Vocabulary(("a", "b", "c"), start=3, has_end=True), CorpusConfig(lines=True)
    ids = np.array([3, 0, 1, 2, 0, 1, 3, 2, 0, 1, 3, 1, 1, 3] * 9, np.uint8)
    trie = NgramTrie.from_levels(count_levels(ids, 4, 5, end=3))
    network = make_model(4, cell="lstm", hidden=6)
    model = make_model_of(network, vocabulary, NgramMixture(trie, some_weights), corpus)
    together = model.score("\n".join(stories)).costs_nats
    alone = [model.score(story).costs_nats for story in stories]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-6)
    with ThreadPool(1) as pool:
        lines = score_lines(model, stories, pool)
    np.testing.assert_allclose(lines.nats, [costs.sum() for costs in alone], rtol=1e-6)


def test_lines_of_a_text_are_scored_each_by_itself(network, vocabulary, trie, some_weights, pool):
    model = make_model_of(network, vocabulary, NgramMixture(trie, some_weights))
    lines = ["abcab", "cab abc", "b"]
    found = score_lines(model, lines, pool).nats
    np.testing.assert_allclose(found, [model.score(f"\n{line}\n").costs_nats.sum() for line in lines], rtol=1e-5)


def test_bytes_are_mixed_too(make_model, some_weights):
    vocabulary = Vocabulary(tuple(map(chr, range(256))), start=10, units="bytes")
    part = EncodedText.of_text("Ünder – nobody woke it.\n" * 9, CorpusConfig(bytes=True))
    network = make_model(256, cell="gru", hidden=4, dtype="float32")
    model = make_model_of(network, vocabulary, None, CorpusConfig(bytes=True))
    ids, _ = model.read(part)
    trie = NgramTrie.from_levels(count_levels(ids, 256, 5))
    mixed = make_model_of(network, vocabulary, NgramMixture(trie, constant(0.0)), CorpusConfig(bytes=True))
    assert text_metrics(mixed.score("nobody woke Ünder\n")).bits_per_byte < 2
    assert mixed.sample(24, prompt="Ü", temperature=0) == "Ünder – nobody woke it."
