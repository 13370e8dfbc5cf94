"""Context against a delay line, whose loss falls at one exact length, and a loop of single steps."""

import math

import numpy as np
import pytest

from charlm.base.errors import CorpusError
from charlm.data.vocabulary import Vocabulary
from charlm.engines.numpy.network import open_network
from charlm.evaluate.base import EvalCase
from charlm.evaluate.measures.context import TARGETS, Context, costs_after
from charlm.inference.language_model import LanguageModel
from charlm.models.ngram.kneser_ney import KneserNey

SYMBOLS = "abcd"
LOGIT = 4.0


def nothing(done, total):
    """No progress is shown."""


@pytest.fixture
def delay_line(make_model):
    """A function that makes a network which expects the character that stood ``delay`` places before."""

    def make(delay):
        symbols = len(SYMBOLS)
        network = make_model(symbols, cell="rnn", encoding="one-hot", hidden=delay * symbols)
        network.params.flat[:] = 0
        network.params["layers.0.W_xh"][:, :symbols] = 30 * np.eye(symbols)
        network.params["layers.0.W_hh"][:] = 30 * np.eye(delay * symbols, k=symbols)
        network.params["readout.W_hy"][-symbols:] = LOGIT * np.eye(symbols)
        return LanguageModel(network, Vocabulary.of(SYMBOLS), 100)

    return make


@pytest.mark.parametrize("delay", [1, 3, 4, 5])
def test_the_loss_of_a_delay_line_falls_at_its_delay(delay_line, pool, delay):
    text = "".join(np.random.default_rng(delay).choice(list(SYMBOLS), delay)) * 60
    model = delay_line(delay)
    subject = EvalCase("run", model, "text", model.part_of(text), None)
    (record,) = Context(longest=5, places=200).measure([subject], pool, nothing).records
    sure = math.log(math.exp(LOGIT) + 3) - LOGIT
    assert record["targets"] == min(200, len(text) - 5)
    for point in record["contexts"]:
        wanted = math.log(4) if point["context"] < delay else sure
        assert point["nats_per_char"] == pytest.approx(wanted, rel=1e-9)


def test_costs_are_those_of_single_steps_from_a_fresh_state(make_model, pool):
    model = make_model(4, cell="lstm", layers=2)
    ids = np.random.default_rng(0).integers(0, 4, 400).astype(np.uint8)
    places = np.arange(100, 400, 1)  # more than a group of streams for each worker, and more than a chunk read
    assert len(places) > 2 * TARGETS
    found = costs_after(open_network(model, pool), ids, places, 70, nothing)
    for place in (100, 163, 164, 250, 399):
        state = model.zero_state(1)
        for code in ids[place - 70 : place]:
            logits_BV, state = model.step(np.array([code]), state)
        p_V = np.exp(logits_BV[0]) / np.exp(logits_BV[0]).sum()
        assert found[place - 100] == pytest.approx(-math.log(p_V[ids[place]]), rel=1e-9)


def test_the_n_grams_have_the_same_targets(delay_line, pool):
    model = delay_line(2)
    text = "".join(np.random.default_rng(8).choice(list(SYMBOLS), 300))
    training = model.part_of(text[::-1])
    subject = EvalCase("run", model, "text", model.part_of(text), training)
    findings = Context(longest=16, places=7).measure([subject], pool, nothing)
    (record,) = findings.records
    targets = [16 + number * 284 // 7 for number in range(7)]
    ids = model.vocabulary.encode(text, "the text")
    for order in (1, 2, 8):
        costs = KneserNey(model.read(training)[0], 4, order).nll(ids[:-1], ids[1:])
        wanted = np.mean([costs[target - 1] for target in targets])
        assert record["kneser_ney_nats"][order - 1] == pytest.approx(wanted, rel=1e-12)
    shown = {point["context"]: point["kneser_ney_nats"] for point in record["contexts"]}
    assert [shown[order] for order in (1, 2, 4, 8)] == [
        record["kneser_ney_nats"][order - 1] for order in (1, 2, 4, 8)
    ]
    assert shown[16] is None
    (curve,) = findings.curves
    assert list(curve.series) == ["run", "Kneser-Ney"]


def test_gains_are_paired(model, pool):
    text = "abcab\ncabc" * 20
    subject = EvalCase("run", model, "text", model.part_of(text), None)
    (record,) = Context(longest=2, places=50).measure([subject], pool, nothing).records
    ids = model.vocabulary.encode(text, "the text")
    places = 2 + np.arange(50) * (len(text) - 2) // 50
    one, two = (costs_after(model.open(pool), ids, places, length, nothing) for length in (1, 2))
    first, second = record["contexts"]
    assert (first["gain_nats"], first["gain_standard_error"]) == (None, None)
    assert second["gain_nats"] == pytest.approx(one.mean() - two.mean(), rel=1e-9)
    assert second["gain_standard_error"] == pytest.approx(np.std(one - two, ddof=1) / 50**0.5, rel=1e-9)


def test_a_text_too_short_for_the_longest_context_is_refused(model, pool):
    with pytest.raises(CorpusError, match="--longest 512 it takes 514"):
        Context().measure([EvalCase("run", model, "text", model.part_of("abc" * 100), None)], pool, nothing)
