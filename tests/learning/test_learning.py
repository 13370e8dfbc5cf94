"""It learns: on sources whose every probability is known, each cell comes as close as there is to come."""

import numpy as np
import pytest

import charlm
from charlm.data.synthetic.brackets import Brackets
from charlm.data.synthetic.markov import Markov
from charlm.data.vocabulary import Vocabulary
from charlm.models.ngram.witten_bell import WittenBell
from tests.data.synthetic.drawing import draw

SOURCES = {
    "markov": Markov(order=2, symbols=4, chain_seed=7),
    "brackets": Brackets(depth=3, kinds=2, opening=0.55),
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
    "workers": 1,
}
CLOSE = 1.02  # times the source's own loss
STANDARD_ERRORS = 3


@pytest.fixture(scope="module")
def texts():
    """For each source a text to learn from, and another one to be measured on."""
    return {
        name: (draw(source, 60_000, np.random.default_rng(1)), draw(source, 20_000, np.random.default_rng(2)))
        for name, source in SOURCES.items()
    }


def own_nats(text):
    """What each character after the first costs its own source."""
    return text.bits[1:] * np.log(2)


def counted(training, text, order):
    """What an n-gram model of the training text makes of another."""
    vocabulary = Vocabulary.of(training)
    ids, text_codes = vocabulary.encode(training, "training"), vocabulary.encode(text, "text")
    return WittenBell(ids, len(vocabulary), order).nll(text_codes[:-1], text_codes[1:])


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("name", SOURCES)
def test_comes_within_two_percent_of_the_source_and_not_below_it(texts, name, cell):
    training, held_out = texts[name]
    model = charlm.train(training.characters, cell=cell, steps=STEPS[name], **SETTINGS)
    costs, own = model.score(held_out.characters).costs_nats, own_nats(held_out)
    assert costs.mean() <= CLOSE * own.mean()
    excess = costs - own
    assert excess.mean() >= -STANDARD_ERRORS * excess.std(ddof=1) / np.sqrt(len(excess))


def test_forgetting_the_stack_or_the_last_but_one_is_not_enough(texts):
    for name, order in (("brackets", 3), ("brackets", 6), ("markov", 1)):
        training, held_out = texts[name]
        costs = counted(training.characters, held_out.characters, order)
        assert costs.mean() > 1.1 * own_nats(held_out).mean()
    training, held_out = texts["markov"]
    assert counted(training.characters, held_out.characters, 2).mean() < 1.005 * own_nats(held_out).mean()
