"""Scoring: one stateful pass, split or not, and what characters that the model never saw cost."""

import dataclasses
import functools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import charlm
from charlm.base.errors import CorpusError
from charlm.config import CorpusConfig
from charlm.data.encoded import EncodedText
from charlm.data.synthetic.brackets import Brackets
from charlm.data.vocabulary import Vocabulary
from charlm.engines.numpy.network import open_network
from charlm.engines.threads import ThreadPool
from charlm.inference import scoring, unroll
from charlm.inference.language_model import LanguageModel
from charlm.inference.scoring import Scores, joined, network_costs, score_stretches, text_metrics
from charlm.nn.cells import CELLS
from charlm.nn.readout import log_softmax_
from tests.data.synthetic.drawing import draw

VOCABULARY = Vocabulary.of("abc d\n")
CELL = pytest.mark.parametrize("cell", CELLS.names())


def drawn_text(length, seed=0):
    return "".join(np.random.default_rng(seed).choice(list(VOCABULARY.symbols), length))


def encode_alphabet(length, seed=0):
    ids = VOCABULARY.encode(drawn_text(length, seed), "the text")
    return ids[:-1], ids[1:]


def stepped(model, x_N, y_N):
    """What every target costs, one character at a time."""
    state, costs = model.zero_state(1), []
    for x, y in zip(x_N, y_N, strict=True):
        logits, state = model.step(np.array([x]), state)
        costs.append(-log_softmax_(logits)[0, y])
    return np.array(costs)


@pytest.fixture(scope="module", params=[1, 2, 3])
def pool(request):
    with ThreadPool(request.param) as pool:
        yield pool


@pytest.fixture(scope="module")
def trained():
    """A function that gives a model which has learnt to remember, and a text of what it knows."""
    source = Brackets(depth=3, kinds=2, opening=0.55)
    training, text = (draw(source, size, np.random.default_rng(size)) for size in (20_000, 9_000))

    @functools.cache
    def train(cell):
        settings = {
            "hidden": 24, "steps": 150, "seq_len": 32, "batch_size": 8, "lr": 0.02, "val_fraction": 0.0,
            "workers": 1,
        }  # fmt: skip
        return charlm.train(training.characters, cell=cell, **settings), text.characters

    return train


@pytest.fixture
def unsplit(monkeypatch):
    """A function that scores as one stream."""

    def score(model, pool, x_N, y_N):
        with monkeypatch.context() as patch:
            patch.setattr(unroll, "PLANS", ((1, 0),))
            return network_costs(open_network(model, pool))(x_N, y_N)

    return score


@CELL
@pytest.mark.parametrize("length", [2, 64, 65, 66, 300])
def test_is_the_stateful_pass_character_by_character(make_model, pool, cell, length):
    model = make_model(len(VOCABULARY), cell=cell, layers=2)
    x_N, y_N = encode_alphabet(length)
    np.testing.assert_allclose(
        network_costs(open_network(model, pool))(x_N, y_N), stepped(model, x_N, y_N), rtol=1e-11
    )


def in_streams(model, pool, x_N, y_N, streams, priming, end=None):
    costs, network = np.empty(len(y_N)), open_network(model, pool)

    def read():
        gap = yield from unroll.read_as_sequences(network, x_N, streams, priming, model.initial_state(1), end)
        gaps.append(gap)

    gaps = []
    for window, outputs in read():
        window.store(costs, outputs.nll(y_N[window.places_TB]))
    return costs, gaps[0]


@CELL
@pytest.mark.parametrize("priming", [250, 256, 1000])
def test_streams_primed_with_the_whole_text_are_exact(make_model, pool, unsplit, cell, priming):
    model = make_model(len(VOCABULARY), cell=cell, layers=2)
    x_N, y_N = encode_alphabet(251, seed=1)
    split, gap = in_streams(model, pool, x_N, y_N, 6, priming)
    np.testing.assert_allclose(split, unsplit(model, pool, x_N, y_N), rtol=1e-11)
    assert gap < 1e-11


def test_a_stream_is_primed_with_no_more_than_it_is_told(make_model, unsplit):
    model = make_model(len(VOCABULARY), cell="gru")
    x_N, y_N = encode_alphabet(81)
    with ThreadPool(1) as pool:
        split, gap = in_streams(model, pool, x_N, y_N, 2, 10)
        np.testing.assert_allclose(split[:40], unsplit(model, pool, x_N[:40], y_N[:40]), rtol=1e-11)
        second = unsplit(model, pool, x_N[30:], y_N[30:])[10:]
        np.testing.assert_allclose(split[40:], second, rtol=1e-11)
    assert gap > 1e-6


def test_a_state_that_never_forgets_is_scored_in_one_stream(make_model, unsplit, monkeypatch):
    model = make_model(len(VOCABULARY), cell="rnn", nonlinearity="relu")
    for parameter in model.params.values():
        np.abs(parameter, out=parameter)
    model.params["layers.0.W_hh"][:] = np.eye(model.config.hidden)  # every character is added, for ever
    model.params["layers.0.W_xh"][:] *= 1e-3
    monkeypatch.setattr(unroll, "PLANS", ((8, 16), (1, 0)))
    x_N, y_N = encode_alphabet(2_000)
    with ThreadPool(2) as pool:
        assert in_streams(model, pool, x_N, y_N, 8, 16)[1] > unroll.SEAM_TOLERANCE
        np.testing.assert_allclose(
            network_costs(open_network(model, pool))(x_N, y_N), unsplit(model, pool, x_N, y_N), rtol=1e-11
        )


@pytest.mark.parametrize("cell", ["lstm", "mlstm"])
def test_a_memory_behind_a_closed_gate_is_carried_over_the_seams(make_model, pool, unsplit, cell):
    """The first symbol fills a memory that no output shows before the second opens the gate, long after."""
    model = make_model(4, cell=cell, hidden=1)
    model.params.flat[:] = 0
    gates = {gate: place for place, gate in enumerate(model.cell.gates)}
    rows_VG = model.params["layers.0.W_xh"]
    for gate, fills, others in (("i", 30, -30), ("g", 30, 0), ("f", 30, 30), ("o", -30, -30)):
        rows_VG[:, gates[gate]] = [fills, others, others, others]
    rows_VG[1, gates["o"]] = 30
    model.params["readout.W_hy"][:] = [[0, 0, 5, 0]]
    rng = np.random.default_rng(4)
    x_N = np.concatenate([rng.integers(2, 4, 4_000), [0], rng.integers(2, 4, 8_000), [1]]).astype(np.uint8)
    y_N = np.append(x_N[1:], np.uint8(2))
    costs_N = network_costs(open_network(model, pool))(x_N, y_N)
    np.testing.assert_allclose(costs_N, unsplit(model, pool, x_N, y_N), rtol=0, atol=1e-3)
    assert costs_N[-1] < 0.1 < math.log(4) - 0.1 < costs_N[-2]


def test_a_seam_where_a_state_is_no_number_does_not_fit():
    fine, broken = (np.zeros((2, 1)), np.zeros((2, 1))), (np.zeros((2, 1)), np.full((2, 1), np.nan))
    assert math.isnan(unroll.seam_gap((fine, broken), (fine, fine)))
    assert unroll.seam_gap((fine, fine), (fine, fine)) == 0


@given(characters=st.integers(2, 400), streams=st.integers(1, 9), priming=st.integers(0, 70))
def test_every_target_is_scored_however_the_text_is_cut(make_model, characters, streams, priming):
    model = make_model(len(VOCABULARY), hidden=2)
    model.params["readout.W_hy"][:] = 0
    model.params["readout.b_y"][:] = np.arange(len(VOCABULARY))
    x_N, y_N = encode_alphabet(characters)
    with ThreadPool(2) as pool:
        costs, _ = in_streams(model, pool, x_N, y_N, streams, priming)
    np.testing.assert_allclose(costs, stepped(model, x_N, y_N), rtol=1e-11)


@CELL
def test_a_trained_model_s_long_text_costs_what_one_pass_says(trained, unsplit, pool, cell):
    model, text = trained(cell)
    ids = model.vocabulary.encode(text, "the text")
    x_N, y_N = ids[:-1], ids[1:]
    assert len(y_N) >= 8 * unroll.SHORTEST * unroll.PLANS[0][1]
    split = network_costs(model.open(pool))(x_N, y_N)
    single = unsplit(model.network, pool, x_N, y_N)
    assert abs(split.mean() - single.mean()) < 5e-5
    assert np.abs(split - single).max() < 1e-3


def test_progress_ends_at_the_end(make_model):
    told = []
    model = make_model(len(VOCABULARY))
    with ThreadPool(2) as pool:
        network_costs(open_network(model, pool), lambda done, total: told.append((done, total)))(
            *encode_alphabet(5000)
        )
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1][0] == told[-1][1] > 0


@pytest.mark.parametrize("length", [2, 300, 3000])
def test_a_uniform_model_has_perplexity_v(make_model, length):
    model = make_model(len(VOCABULARY))
    model.params["readout.W_hy"][:] = 0
    figures = LanguageModel(model, VOCABULARY, 10).perplexity(drawn_text(length))
    assert figures.perplexity == pytest.approx(len(VOCABULARY), rel=1e-12)
    assert figures.characters == length - 1


@CELL
@pytest.mark.parametrize("end", [None, 5])
@pytest.mark.parametrize("stretch", [1, 63, 64, 70, 1500])
def test_the_state_is_carried_from_stretch_to_stretch(make_model, pool, cell, end, stretch):
    model = make_model(len(VOCABULARY), cell=cell, layers=2, learned_state=cell == "gru")
    x_N, y_N = encode_alphabet(max(200, 3 * stretch - 7), seed=2)
    told = []
    costs = network_costs(
        open_network(model, pool), lambda done, total: told.append((done, total)), end, len(x_N)
    )
    found = [costs(x_N[at : at + stretch], y_N[at : at + stretch]) for at in range(0, len(x_N), stretch)]
    whole = network_costs(open_network(model, pool), end=end)(x_N, y_N)
    np.testing.assert_allclose(np.concatenate(found), whole, rtol=1e-3 if stretch > 1000 else 1e-9)
    assert told == sorted(told) and told[-1] == (len(x_N), len(x_N))


@given(st.text("abcdé?", min_size=2, max_size=60), st.integers(1, 9))
def test_a_text_scored_in_stretches_costs_what_it_costs_at_once(make_model, text, stretch):
    vocabulary = Vocabulary.of("abcd\n")
    model = LanguageModel(make_model(len(vocabulary), cell="gru"), vocabulary, 100)
    with ThreadPool(2) as pool, pytest.MonkeyPatch.context() as patch:
        whole = model.score_with(pool, text)
        patch.setattr(scoring, "STRETCH", stretch)
        stretches = list(model.score_stretches_with(pool, model.part_of(text)))
        tally = model.tally_with(pool, model.part_of(text))
    assert [len(each.costs_nats) for each in stretches[:-1]] == [stretch] * (len(stretches) - 1)
    again = joined(stretches)
    np.testing.assert_allclose(again.costs_nats, whole.costs_nats, rtol=1e-9)
    assert (again.known.tolist(), again.bytes) == (whole.known.tolist(), whole.bytes)
    one, other = (dataclasses.astuple(figures) for figures in (tally.figures, text_metrics(whole)))
    assert one == pytest.approx(other, rel=1e-9)


MIXED = st.text("abcdé?𝄞", min_size=2, max_size=40)


def score_text(text, vocabulary, training_characters, known_costs):
    part = EncodedText.of_text(text, CorpusConfig())
    return joined(score_stretches(part, vocabulary, training_characters, known_costs))


def memory(x_N, y_N):
    """Costs that tell where they came from: of each character and all those before it."""
    return np.cumsum(x_N.astype(float)) + 100.0 * np.arange(len(x_N)) + y_N / 7


@given(MIXED, st.integers(0, 10**9))
def test_unknown_characters_cost_their_price_and_leave_the_state(text, training_characters):
    vocabulary = Vocabulary.of("abcd\n")
    scores = score_text(text, vocabulary, training_characters, memory)
    known = [character in vocabulary.symbols for character in text]
    assert scores.known.tolist() == known[1:]
    price = math.log(training_characters + 1) + math.log(1_112_064 - 5)
    assert np.allclose(scores.costs_nats[~scores.known], price, rtol=1e-12)
    kept = "".join(character for character in text if character in vocabulary.symbols)
    # Where the text's own first character is no context, the model starts as after a newline.
    kept = kept if known[0] else "\n" + kept
    expected = score_text(kept, vocabulary, 1, memory).costs_nats if len(kept) > 1 else np.zeros(0)
    assert np.array_equal(scores.costs_nats[scores.known], expected)
    assert scores.bytes == len(text[1:].encode())


@pytest.mark.parametrize("text", ["éé", "é?é𝄞", "a?", "a??"])
def test_a_text_with_nothing_known_after_its_first_is_all_price(make_model, text):
    model = LanguageModel(make_model(len(VOCABULARY)), VOCABULARY, 1000)
    figures = model.perplexity(text)
    assert figures.nats_per_char == pytest.approx(math.log(1001) + math.log(1_112_064 - 6), rel=1e-12)
    assert figures.unknown == figures.characters == len(text) - 1


def test_the_network_s_state_passes_over_what_it_never_saw(make_model):
    model = LanguageModel(make_model(len(VOCABULARY), cell="lstm"), VOCABULARY, 1000)
    scores = model.score("ab?cé\ndd")
    assert scores.known.tolist() == [True, False, True, False, True, True, True]
    assert np.array_equal(scores.costs_nats[scores.known], model.score("abc\ndd").costs_nats)
    first = model.score("?abc")
    assert np.array_equal(first.costs_nats, model.score("\nabc").costs_nats)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the text is empty"),
        ("a\udc80", r"'\\udc80' at position 1"),
        ("a", "a text of 1 character has"),
        ("é", "of 1 "),
    ],
)
def test_what_is_no_text_or_has_one_character_has_nothing_to_score(text, complaint):
    with pytest.raises(CorpusError, match=complaint):
        score_text(text, VOCABULARY, 1, memory)


def test_figures_follow_from_the_costs():
    costs = np.array([math.log(2), math.log(8), math.log(4), math.log(4)])
    figures = text_metrics(Scores(costs, np.array([True, False, True, True]), bytes=5))
    assert figures.nats_per_char == pytest.approx(2 * math.log(2))
    assert figures.bits_per_char == pytest.approx(2)
    assert figures.bits_per_byte == pytest.approx(8 / 5)
    assert figures.perplexity == pytest.approx(4)
    assert (figures.characters, figures.bytes, figures.unknown) == (4, 5, 1)


def test_a_perplexity_past_the_largest_float_is_infinite():
    assert text_metrics(Scores(np.full(2, 700.0), np.ones(2, bool), 2)).perplexity == math.exp(700)
    assert text_metrics(Scores(np.full(2, 5000.0), np.ones(2, bool), 2)).perplexity == math.inf
