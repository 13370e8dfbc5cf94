"""Scoring and sampling by documents and by bytes: each document by itself, each byte once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.config import CorpusConfig
from charlm.data.encoded import EncodedText
from charlm.data.vocabulary import Vocabulary, unknown_nats
from charlm.engines.numpy.network import open_network
from charlm.engines.threads import ThreadPool
from charlm.inference import unroll
from charlm.inference.language_model import LanguageModel
from charlm.inference.lines import score_lines
from charlm.inference.scoring import network_costs, text_metrics
from charlm.nn.cells import CELLS
from charlm.nn.readout import log_softmax_

LINES = CorpusConfig(lines=True)
NAMES = Vocabulary(("a", "b", "c"), start=3, has_end=True)
STORIES = st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def pool():
    with ThreadPool(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def names(make_model):
    network = make_model(len(NAMES), cell="lstm", hidden=6)
    network.params.flat[:] *= 3
    return LanguageModel(network, NAMES, 100, LINES)


def alone(model, story):
    """What each symbol of a document and its end cost, read one by one from a zero state."""
    state, costs = model.network.zero_state(1), []
    ids = [NAMES.end, *("abc".index(character) for character in story), NAMES.end]
    for read, predicted in pairwise(ids):
        logits_BV, state = model.network.step(np.array([read]), state)
        costs.append(-log_softmax_(logits_BV)[0, predicted])
    return costs


@given(stories=STORIES)
def test_each_document_costs_what_it_does_alone(names, pool, stories):
    scores = names.score_with(pool, "\n".join(stories))
    np.testing.assert_allclose(scores.costs_nats, np.concatenate([alone(names, story) for story in stories]))
    assert scores.bytes == len(scores.costs_nats) == sum(len(story) + 1 for story in stories)


@pytest.mark.parametrize("cell", CELLS.names())
def test_documents_cost_the_same_in_parallel_streams(make_model, pool, monkeypatch, cell):
    model = make_model(len(NAMES), cell=cell)
    ids = np.random.default_rng(1).integers(0, 4, 3_000).astype(np.uint8)  # an end every four symbols or so
    costs = network_costs(open_network(model, pool), end=NAMES.end)
    whole_N = costs(ids[:-1], ids[1:])
    monkeypatch.setattr(unroll, "PLANS", ((9, 60),))
    monkeypatch.setattr(unroll, "SEAM_TOLERANCE", 1e-9)
    gaps = []
    monkeypatch.setattr(
        unroll, "seam_gap", lambda *states, gap=unroll.seam_gap: gaps.append(gap(*states)) or gaps[0]
    )
    split_N = network_costs(open_network(model, pool), end=NAMES.end)(ids[:-1], ids[1:])
    np.testing.assert_allclose(split_N, whole_N, rtol=1e-9)
    (gap,) = gaps
    assert gap < 1e-9  # priming of 60 symbols has an end in it, where all that came before is forgotten


def test_the_end_counts_as_a_symbol_and_as_the_bytes_of_what_ends_a_document(names):
    figures = text_metrics(names.score("ab\r\n\nc"))
    assert (figures.characters, figures.bytes, figures.unknown) == (5, 5, 0)
    costs = [*alone(names, "ab"), *alone(names, "c")]
    assert figures.nats_per_char == pytest.approx(np.mean(costs))


@pytest.fixture
def spelling(make_model):
    """A model that says abc, then the end; the unknown symbol, if it has one, is likelier than all."""

    def make(vocabulary, corpus=LINES):
        count = len(vocabulary)
        network = make_model(count, cell="rnn", hidden=count)
        network.params.flat[:] = 0
        network.params["layers.0.W_xh"][:] = 5 * np.eye(count)
        network.params["readout.W_hy"][:4, :4] = 50 * np.roll(np.eye(4), 1, axis=1)
        if vocabulary.unknown is not None:
            network.params["readout.b_y"][vocabulary.unknown] = 1000
        return LanguageModel(network, vocabulary, 100, corpus)

    return make


def test_a_sample_is_a_new_document_and_stops_at_its_end(spelling):
    model = spelling(NAMES)
    assert model.samples(3, len=50) == ["abc"] * 3
    assert model.sample(50, prompt="b") == "bc"
    assert model.sample(2) == "ab"
    assert list(model.stream(num=2, len=50)) == [["a"] * 2, ["b"] * 2, ["c"] * 2]


def test_a_prompt_is_read_from_a_document_s_start(names):
    state = names.network.zero_state(1)
    for code in (NAMES.end, 0, 1):
        logits_BV, state = names.network.step(np.array([code]), state)
    likeliest = int(logits_BV[0].argmax())
    expected = "" if likeliest == NAMES.end else NAMES.symbols[likeliest]
    assert names.sample(1, prompt="ab", temperature=0) == "ab" + expected


def test_samples_end_each_by_itself(names):
    samples = names.samples(40, len=60, seed=2)
    assert len({len(sample) for sample in samples}) > 5
    assert names.samples(3, len=60, seed=2) == samples[:3]


def test_a_prompt_of_several_documents_is_its_last_one(names):
    assert names.sample(5, prompt="a\nb") == "a\n" + names.sample(5, prompt="b")


def test_the_unknown_symbol_is_read_and_never_drawn(spelling):
    model = spelling(Vocabulary(("a", "b", "c"), 3, has_end=True, rare=("x", "y")))
    assert model.sample(50) == "abc"
    assert set(model.sample(50, prompt="x", seed=3, temperature=9.0)[1:]) <= set("abc")


@pytest.fixture
def byte_cycle(make_model):
    """A model of bytes that says é for ever, but after a says an unfinished character and an a again."""
    vocabulary = Vocabulary(tuple(map(chr, range(256))), 0, "bytes")
    network = make_model(256, cell="rnn", hidden=256)
    network.params.flat[:] = 0
    network.params["layers.0.W_xh"][:] = 5 * np.eye(256)
    after_VV = network.params["readout.W_hy"]
    after_VV[:, 0xC3] = 50
    after_VV[0xC3] = 0
    after_VV[0xC3, 0xA9] = 50
    after_VV[ord("a"), :] = 0
    after_VV[ord("a"), 0xE4] = 50
    after_VV[0xE4, :] = 0
    after_VV[0xE4, ord("a")] = 50
    return LanguageModel(network, vocabulary, 100, CorpusConfig(bytes=True))


def test_a_character_is_handed_out_with_its_last_byte(byte_cycle):
    assert list(byte_cycle.stream(len=4, temperature=0)) == [[""], ["é"], [""], ["é"]]
    assert byte_cycle.sample(5, temperature=0, prompt="é") == "ééé"
    assert byte_cycle.sample(100, temperature=0, stop="éé") == "éé"


def test_bytes_that_are_no_character_are_shown_as_such(byte_cycle):
    assert byte_cycle.sample(4, temperature=0, prompt="a") == "a\ufffda\ufffda"


def test_any_bytes_are_scored_each_once(byte_cycle, pool):
    scores = byte_cycle.score("aé𝄞")
    assert (len(scores.costs_nats), scores.bytes, scores.known.all()) == (6, 6, True)
    raw = EncodedText(np.arange(256, dtype=np.uint8), byte_cycle.part_of("a").alphabet)
    assert byte_cycle.score_with(pool, raw).bytes == 255
    assert raw.utf8 == bytes(range(256))


def test_a_line_is_a_document_to_a_model_of_such(names, pool):
    scores = score_lines(names, ["abc", "", "c?"], pool)
    last = sum(alone(names, "c")) + unknown_nats(100, len(NAMES))
    np.testing.assert_allclose(scores.nats, [sum(alone(names, "abc")), alone(names, "")[0], last])
    assert (scores.characters.tolist(), scores.unknown.tolist()) == ([4, 1, 3], [0, 0, 1])


def test_a_line_s_rare_characters_are_charged_and_its_case_is_the_corpus_s(make_model, pool):
    vocabulary = Vocabulary(("\n", "a"), 0, rare=("b", "c"))
    network = make_model(len(vocabulary))
    network.params["readout.W_hy"][:] = 0
    model = LanguageModel(network, vocabulary, 100, CorpusConfig(lowercase=True))
    scores = score_lines(model, ["AB", "aa"], pool)
    assert np.diff(scores.nats)[0] == pytest.approx(-np.log(3))
    assert scores.unknown.tolist() == [1, 0]


def test_a_line_of_bytes_has_as_many_symbols_as_bytes(byte_cycle, pool):
    assert score_lines(byte_cycle, ["é𝄞"], pool).characters.tolist() == [7]
