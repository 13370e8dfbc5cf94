"""It learns: on sources whose every probability is known, each cell comes as close as there is to come."""

import numpy as np
import pytest

import charlm
from charlm.ngram.witten_bell import WittenBell
from charlm.text.vocab import Vocabulary
from tests.learning.sources import Brackets, MarkovChain

SOURCES = {
    "markov": MarkovChain(order=2, symbols="abcd", seed=7),
    "brackets": Brackets(opening=(1.0, 0.6, 0.5), skew=0.6),
}
STEPS = {"markov": 500, "brackets": 1000}
SETTINGS = {
    "hidden": 32,
    "lr": 0.01,
    "seq_len": 32,
    "batch_size": 16,
    "dropout": 0.0,
    "val_fraction": 0.0,
    "eval_every": 1000,
    "sample_every": 0,
}
CLOSE = 1.02  # times the source's own loss
STANDARD_ERRORS = 3


@pytest.fixture(scope="module")
def texts():
    """For each source a text to learn from, and another one to be measured on."""
    return {name: (source.draw(60_000, seed=1), source.draw(20_000, seed=2)) for name, source in SOURCES.items()}


def counted(training, text, order):
    """What an n-gram model of the training text makes of another."""
    vocabulary = Vocabulary.of(training)
    codes, text_codes = vocabulary.encode(training, "training"), vocabulary.encode(text, "text")
    return WittenBell(codes, len(vocabulary), order).costs(text_codes[:-1], text_codes[1:])


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("name", SOURCES)
def test_comes_within_two_percent_of_the_source_and_not_below_it(texts, name, cell):
    training, held_out = texts[name]
    model = charlm.train(training.characters, cell=cell, steps=STEPS[name], **SETTINGS)
    costs, own = model.score(held_out.characters).costs_nats, held_out.costs_nats
    assert costs.mean() <= CLOSE * own.mean()
    excess = costs - own
    assert excess.mean() >= -STANDARD_ERRORS * excess.std(ddof=1) / np.sqrt(len(excess))


def test_a_chain_s_text_costs_its_entropy_rate(texts):
    source, (_, text) = SOURCES["markov"], texts["markov"]
    assert text.costs_nats.mean() == pytest.approx(source.entropy_rate_nats, rel=0.01)


def test_a_chain_s_rows_are_what_its_text_shows():
    source = MarkovChain(order=1, symbols="abc", seed=3)
    codes = np.frombuffer(source.draw(50_000, seed=4).characters.encode(), np.uint8) - ord("a")
    counts = np.zeros((3, 3))
    np.add.at(counts, (codes[:-1], codes[1:]), 1)
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), source.rows, atol=0.02)


def test_brackets_match_and_are_no_deeper_than_the_stack(texts):
    stack = []
    for character in texts["brackets"][0].characters:
        if character in "([":
            stack.append(character)
        else:
            assert stack.pop() + character in ("()", "[]")
        assert len(stack) <= 3


def test_the_costs_of_brackets_are_those_of_their_stack():
    source = Brackets(opening=(1.0, 0.6, 0.5), skew=0.75)
    texts = [source.draw(4, seed) for seed in range(200)]
    costs = {text.characters: np.exp(-text.costs_nats).tolist() for text in texts}
    assert costs["([])"] == pytest.approx([0.6 * 0.25, 0.5, 0.4])
    assert costs["((()"] == pytest.approx([0.6 * 0.75, 0.5 * 0.75, 1.0])
    assert costs["()()"] == pytest.approx([0.4, 0.75, 0.4])


def test_forgetting_the_stack_or_the_last_but_one_is_not_enough(texts):
    for name, order in (("brackets", 3), ("brackets", 6), ("markov", 1)):
        training, held_out = texts[name]
        costs = counted(training.characters, held_out.characters, order)
        assert costs.mean() > 1.1 * held_out.costs_nats.mean()
    training, held_out = texts["markov"]
    assert counted(training.characters, held_out.characters, 2).mean() < 1.005 * held_out.costs_nats.mean()
