"""The NumPy network of inference: its predictions are the model's, however its columns are split over threads."""

from threading import Thread

import numpy as np
import pytest

from charlm.data.vocabulary import Vocabulary
from charlm.engines.numpy.network import open_network
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel
from charlm.nn.cells import CELLS
from charlm.nn.readout import log_softmax_
from charlm.nn.state import select_columns

STEPS, SEQUENCES, SYMBOLS = 7, 5, 6


@pytest.fixture(params=[None, 1, 3], ids=["no pool", "1 thread", "3 threads"])
def pool(request):
    if request.param is None:
        yield None
        return
    with ThreadPool(request.param) as pool:
        yield pool


def drawn(*shape):
    return np.random.default_rng(3).integers(SYMBOLS, size=shape).astype(np.uint8)


@pytest.mark.parametrize("cell", CELLS.names())
def test_reading_a_window_is_stepping_through_it(make_model, pool, cell):
    model = make_model(SYMBOLS, cell=cell, layers=2, learned_state=True)
    x_TB, y_TB = drawn(2, STEPS, SEQUENCES)
    carry_TB = (drawn(STEPS, SEQUENCES) != 0).astype(np.float32)
    one, other = open_network(model, pool), open_network(model, pool)
    one.begin(SEQUENCES), other.begin(SEQUENCES)
    initial = other.state
    outputs = one.read(x_TB, carry_TB)
    for t, x_B in enumerate(x_TB):
        where_B = np.where(carry_TB[t] == 0, np.arange(SEQUENCES) + SEQUENCES, np.arange(SEQUENCES))
        both = tuple(
            tuple(map(np.concatenate, zip(*pair, strict=True))) for pair in zip(other.state, initial, strict=True)
        )
        other.state = select_columns(both, where_B.tolist())
        logits_BV = other.step(x_B)
        np.testing.assert_allclose(outputs.logits()[t], logits_BV, rtol=1e-9, atol=1e-12)
        log_probs_BV = log_softmax_(logits_BV)
        np.testing.assert_allclose(outputs.log_probs()[t], log_probs_BV, rtol=1e-9)
        np.testing.assert_allclose(outputs.nll(y_TB)[t], -log_probs_BV[range(SEQUENCES), y_TB[t]], rtol=1e-9)
        # A product of other rows may round differently.
        np.testing.assert_allclose(outputs[t : t + 1].nll(y_TB[[t]])[0], outputs.nll(y_TB)[t], rtol=1e-12)
    for ours, theirs in zip(sum(one.state, ()), sum(other.state, ()), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_a_state_that_was_set_is_read_on_from_with_another_batch_size(make_model, pool):
    network = open_network(make_model(SYMBOLS), pool)
    x_TB = drawn(STEPS, SEQUENCES)
    network.begin(SEQUENCES)
    network.read(x_TB[:3])
    kept = select_columns(network.state, [4, 1])
    whole_TBV = network.read(x_TB[3:]).logits()
    network.state = kept
    np.testing.assert_allclose(network.read(x_TB[3:, [4, 1]]).logits(), whole_TBV[:, [4, 1]], rtol=1e-9)


def test_two_threads_score_with_one_model(make_model):
    model = LanguageModel(make_model(4, cell="lstm", layers=2), Vocabulary.of("abc\n"), 100)
    texts = ["abc\nacb" * 700, "cabba\n" * 900]
    wanted, found = [model.perplexity(text) for text in texts], [None, None]

    def score(number):
        found[number] = model.perplexity(texts[number])

    threads = [Thread(target=score, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == wanted
