"""Generation: the same seed the same text, a sample alone as beside others, prompts, lengths and stops."""

import dataclasses
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import DivergenceError, UsageError, VocabularyError
from charlm.data.vocabulary import Vocabulary
from charlm.engines.numpy.network import open_network
from charlm.inference import generate
from charlm.inference.filters import FILTERS
from charlm.inference.generate import all_filters, burn_in
from charlm.inference.language_model import LanguageModel
from charlm.nn.cells import CELLS

VOCABULARY = Vocabulary.of("ab\ncdé")
SYMBOLS = "".join(VOCABULARY.symbols)
CELL = pytest.mark.parametrize("cell", CELLS.names())


@pytest.fixture(scope="module")
def model(make_model):
    network = make_model(len(VOCABULARY), cell="gru", hidden=6)
    network.params.flat[:] *= 3  # of its own mind, so that what was read shows
    return LanguageModel(network, VOCABULARY, 100)


@pytest.fixture(scope="module")
def cycle(make_model):
    """A model that says abcdabcd..., whatever it read: the step of the cell is what it read last."""
    vocabulary = Vocabulary.of("abcd")
    network = make_model(4, cell="rnn", hidden=4)
    network.params.flat[:] = 0
    network.params["layers.0.W_xh"][:] = 5 * np.eye(4)
    network.params["readout.W_hy"][:] = 50 * np.roll(np.eye(4), 1, axis=1)
    return LanguageModel(network, vocabulary, 100)


def greedy(model, prompt, length):
    """The likeliest character again and again, from the network's own steps."""
    state, text = model.network.zero_state(1), ""
    ids = model.vocabulary.encode(prompt, "the prompt")
    for code in ids[:-1]:
        _, state = model.network.step(np.array([code]), state)
    last = ids[-1]
    for _ in range(length):
        logits, state = model.network.step(np.array([last]), state)
        last = logits[0].argmax()
        text += model.vocabulary.symbols[last]
    return text


@given(st.integers(0, 2**63 - 1))
def test_the_same_seed_gives_the_same_text(model, seed):
    assert model.sample(30, seed=seed) == model.sample(30, seed=seed)


def test_other_seeds_give_other_texts(model):
    assert len({model.sample(30, seed=seed) for seed in range(20)}) == 20


@pytest.mark.parametrize("num", [1, 2, 5, 9])
def test_a_sample_is_the_same_whatever_is_drawn_beside_it(model, num):
    settings = {"len": 40, "seed": 3, "prompt": "ab"}
    many = model.samples(9, **settings)
    assert len(set(many)) == 9
    assert model.samples(num, **settings) == many[:num]


@given(length=st.integers(0, 20), prompt=st.text(SYMBOLS, max_size=5), num=st.integers(1, 3))
def test_the_length_counts_new_characters_and_the_prompt_comes_first(model, length, prompt, num):
    for sample in model.samples(num, len=length, prompt=prompt):
        assert sample.startswith(prompt)
        assert len(sample) == len(prompt) + length


def test_streaming_gives_the_characters_of_the_samples(model):
    settings = {"len": 12, "seed": 4}
    columns = list(model.stream(num=3, **settings))
    assert len(columns) == 12
    assert ["".join(column[k] for column in columns) for k in range(3)] == model.samples(3, **settings)


def test_a_stream_draws_only_what_is_asked_of_it(model, monkeypatch):
    taken = []
    steps = generate.generate_ids
    monkeypatch.setattr(generate, "generate_ids", lambda *a: (taken.append(1) or step for step in steps(*a)))
    stream = model.stream(len=100)
    next(stream), next(stream)
    assert len(taken) == 2


def test_without_a_prompt_it_starts_as_after_a_newline(model):
    assert model.sample(30, seed=8) == model.sample(30, seed=8, prompt="\n")[1:]
    assert model.sample(30, seed=8) != model.sample(30, seed=8, prompt="a")[1:]


def test_without_a_newline_it_starts_as_after_the_most_frequent_character(model):
    other = LanguageModel(model.network, Vocabulary.of("xyzyzyx wv"), 100)
    assert other.sample(30, seed=8) == other.sample(30, seed=8, prompt="y")[1:]
    assert other.sample(30, seed=8) != other.sample(30, seed=8, prompt=" ")[1:]


def test_an_unseen_character_of_a_prompt_is_named_with_its_place(model):
    with pytest.raises(VocabularyError, match=r"prompt.*'ß' \(U\+00DF\), at position 2"):
        model.sample(5, prompt="abß")


@CELL
@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 600])
def test_priming_in_chunks_is_reading_step_by_step(make_model, cell, length):
    network = make_model(4, cell=cell, layers=2)
    ids = np.random.default_rng(1).integers(4, size=length).astype(np.uint8)
    state = network.zero_state(1)
    for code in ids:
        _, state = network.step(np.array([code]), state)
    primed = open_network(network)
    burn_in(primed, ids, 3)
    for ours, theirs in zip(sum(primed.state, ()), sum(state, ()), strict=True):
        assert ours.shape == (3, 4)
        np.testing.assert_allclose(ours, np.repeat(theirs, 3, axis=0), rtol=1e-11, atol=1e-13)


def test_a_prompt_longer_than_a_chunk_is_read_whole(model):
    tail = "\nabcd" * 60
    assert len(tail) > generate.PROMPT_WINDOW
    assert model.sample(20, temperature=0, prompt="d" + tail)[301:] == greedy(model, "d" + tail, 20)


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"top_k": 1}, {"min_p": 1.0}, {"top_p": 1e-9}])
def test_greedy_is_the_likeliest_each_time_whatever_the_seed(model, settings):
    for seed in (1, 2):
        assert model.sample(40, prompt="a", seed=seed, **settings)[1:] == greedy(model, "a", 40)


def test_what_a_filter_rules_out_is_never_drawn(model, monkeypatch):
    seen = []
    draw = generate.sample_ids

    def watched(logits_BV, uniform_B):
        drawn_B = draw(logits_BV, uniform_B)
        seen.extend(np.sort(-logits_BV, axis=1)[:, :2].max(axis=1) >= -logits_BV[np.arange(3), drawn_B])
        return drawn_B

    monkeypatch.setattr(generate, "sample_ids", watched)
    model.samples(3, len=50, top_k=2, temperature=5)
    assert len(seen) == 150 and all(seen)


def test_the_samples_follow_the_model_s_distribution(model):
    logits, _ = model.network.step(np.array([VOCABULARY.start]), model.network.zero_state(1))
    p = np.exp(logits[0] - logits[0].max())
    expected = 4000 * p / p.sum()
    drawn = VOCABULARY.encode("".join(model.samples(4000, len=1)), "the samples")
    seen = np.bincount(drawn, minlength=len(VOCABULARY))
    assert float(((seen - expected) ** 2 / expected).sum()) < 20.5  # 99.9% of chi-square(5)


def test_a_stop_string_is_kept_and_ends_the_sample(cycle):
    assert cycle.sample(100, prompt="a", temperature=0, stop="cd") == "abcd"
    assert cycle.sample(100, prompt="a", temperature=0, stop="a") == "abcda"
    assert cycle.sample(2, prompt="a", temperature=0, stop="cd") == "abc"


def test_a_stop_string_in_the_prompt_or_across_its_end_does_not_count(cycle):
    assert cycle.sample(9, prompt="abcd", temperature=0, stop="d") == "abcdabcd"
    assert cycle.sample(9, prompt="abc", temperature=0, stop="cd") == "abcdabcd"


@given(st.integers(0, 1000), st.sampled_from(["a", "\n", "dd", "ab"]))
def test_each_of_several_samples_stops_by_itself(model, seed, stop):
    free = model.samples(4, len=25, seed=seed)
    stopped = model.samples(4, len=25, seed=seed, stop=stop)
    for ours, whole in zip(stopped, free, strict=True):
        end = whole.find(stop)
        assert ours == (whole if end < 0 else whole[: end + len(stop)])


def test_a_stream_ends_with_the_last_of_its_samples(model):
    columns = list(model.stream(num=3, len=200, seed=1, stop="a"))
    assert any(columns[-1])
    assert "" in columns[-1]
    assert all("" in later for later in columns[columns.index(next(c for c in columns if "" in c)) :])


def test_filters_apply_in_the_order_of_their_file():
    filters = all_filters({"min_p": 0.1, "temperature": 2})
    assert [type(chosen) for chosen in filters] == list(FILTERS.values())
    values = {name: value for chosen in filters for name, value in dataclasses.asdict(chosen).items()}
    assert (values["min_p"], values["temperature"], values["top_k"]) == (0.1, 2.0, None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"warmth": 1}, "no setting is called warmth"),
        ({"len": -1}, "--len is -1"),
        ({"num": 0}, "--num is 0"),
        ({"stop": ""}, "--stop is empty"),
        ({"top_k": 0}, "--top-k is 0"),
    ],
)
def test_an_impossible_setting_is_named_before_anything_is_drawn(model, settings, message):
    with pytest.raises(UsageError, match=message):
        model.stream(**settings)


@CELL
@pytest.mark.filterwarnings("error")
def test_weights_that_overflow_draw_in_silence_or_are_told(make_model, cell):
    """In float32, products of such weights leave its range; what is no number then is no character."""
    network = make_model(len(VOCABULARY), cell=cell, hidden=6, layers=2, dtype="float32")
    rng = np.random.default_rng(0)
    network.params.flat[:] = rng.choice(np.float32([-1e30, 1e30]), network.params.flat.shape)
    huge = LanguageModel(network, VOCABULARY, 100)
    for settings in ({}, {"temperature": 0.5, "top_p": 0.9}, {"temperature": 0, "min_p": 0.1}):
        with suppress(DivergenceError):
            assert len(huge.sample(20, prompt="ab", **settings)) == 22


def test_a_prediction_that_is_no_number_is_refused(model):
    network = dataclasses.replace(model).network
    broken = LanguageModel(type(network)(network.config, len(VOCABULARY)), VOCABULARY, 100)
    broken.network.params.flat[:] = network.params.flat
    broken.network.params["readout.b_y"][1] = np.inf
    for ask in (lambda: broken.sample(3), lambda: broken.score("abcd"), lambda: broken.perplexity("abab")):
        with pytest.raises(DivergenceError, match="no finite number"):
            ask()


@pytest.mark.parametrize("stop", ["\ufffd", "\ufffdA", "A"])
def test_a_byte_that_brings_two_characters_ends_a_sample_at_the_right_one(stop):
    """0xC3 begins a character that A does not end: both come with A, the first as U+FFFD."""
    vocabulary = dataclasses.replace(Vocabulary.of("\xc3A"), units="bytes")
    sample = generate._Sample(vocabulary, stop)
    text = "".join(sample.take(vocabulary.symbols.index(symbol)) for symbol in "\xc3A\xc3")
    assert sample.is_over and text == {"\ufffd": "\ufffd"}.get(stop, "\ufffdA")
