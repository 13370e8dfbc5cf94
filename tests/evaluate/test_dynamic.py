"""Dynamic evaluation: what it learns, from what alone, and that the model stays as it is."""

import json
import math

import numpy as np
import pytest

from charlm.base.arrays import FlatVector
from charlm.base.errors import DivergenceError, UsageError
from charlm.config import CorpusConfig
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate import dynamic
from charlm.evaluate.base import EvalCase
from charlm.evaluate.dynamic import Adaptation, dynamic_costs, dynamic_scores, gradient_rms
from charlm.evaluate.measures import MEASUREMENTS
from charlm.inference.language_model import LanguageModel
from charlm.inference.scoring import joined
from charlm.models.char_rnn import Model
from charlm.nn.cells import CELLS

TRAINING = "abca\nbcab\ncc\n" * 10
FIGURES = (
    "nats_per_char",
    "bits_per_char",
    "bits_per_char_low",
    "bits_per_char_high",
    "bits_per_byte",
    "perplexity",
)
STEPS = Adaptation(chunk=7, rate=0.05, decay=0.01, clip=0)


def nothing(done, total):
    pass


@pytest.fixture
def scores(model):
    """A function that scores a text dynamically, by the model unless it is given another."""

    def made(text, adaptation=STEPS, model=model):
        part, training = model.part_of(text), model.part_of(TRAINING)
        return joined(dynamic_scores(model, part, training, adaptation, nothing))

    return made


@pytest.mark.parametrize("cell", CELLS.names())
@pytest.mark.parametrize("settings", [{}, {"layers": 2, "residual": True, "learned_state": True}])
@pytest.mark.parametrize("corpus", [CorpusConfig(), CorpusConfig(lines=True)], ids=["text", "lines"])
def test_at_a_rate_of_zero_the_figure_is_the_static_one(make_model, scores, cell, settings, corpus):
    vocabulary = Vocabulary(("a", "b", "c"), 3, has_end=True) if corpus.lines else Vocabulary.of(TRAINING)
    network = make_model(len(vocabulary), cell=cell, **settings)
    network.params.flat[:] += 0.1
    model = LanguageModel(network, vocabulary, len(TRAINING), corpus)
    text = "abcab\nc?cab\n" * 9
    found = scores(text, Adaptation(chunk=7, rate=0, decay=0.5), model)
    expected = model.score(text)
    np.testing.assert_allclose(found.costs_nats, expected.costs_nats, atol=1e-6, rtol=0)
    assert np.array_equal(found.known, expected.known) and found.bytes == expected.bytes


def test_a_text_that_changes_half_way_costs_less_than_without_learning(model, scores):
    text = "ab" * 150 + "c\n" * 150
    static, dynamic = model.score(text).costs_nats, scores(text).costs_nats
    for half in (slice(100, 300), slice(400, 600)):
        assert dynamic[half].mean() < 0.8 * static[half].mean()


@pytest.mark.parametrize("place", [6, 7, 8, 20])
def test_a_cost_depends_on_nothing_that_follows(scores, place):
    text = "abcacb\nccab" * 3
    changed = text[:place] + "".join({"a": "b", "b": "c", "c": "\n", "\n": "a"}[each] for each in text[place:])
    # The cost of the character at a place stands one place before it.
    one, other = scores(text).costs_nats, scores(changed).costs_nats
    assert np.array_equal(one[: place - 1], other[: place - 1])
    assert not np.isclose(one[place - 1], other[place - 1])


def test_of_all_symbols_the_probabilities_of_the_next_sum_to_one(scores):
    """Which they do only if nothing has been learned from the next one itself."""
    costs = [scores("abcacb\nccab" + symbol).costs_nats[-1] for symbol in "abc\n"]
    assert np.exp(-np.array(costs)).sum() == pytest.approx(1, abs=1e-9)


def test_the_model_stays_as_it_is_and_the_figure_too(model, scores):
    before = model.network.params.flat.copy()
    first, second = (scores(TRAINING).costs_nats for _ in range(2))
    assert np.array_equal(model.network.params.flat, before)
    assert np.array_equal(first, second)


def test_the_unknown_is_charged_as_ever_and_teaches_nothing(model, scores):
    text = "abcacb\nccab"
    broken = scores("a?bcac??b\nccab!")
    whole = scores(text)
    assert np.array_equal(broken.costs_nats[broken.known], whole.costs_nats)
    static = model.score("a?b").costs_nats[0]
    assert (broken.costs_nats[~broken.known] == static).all() and (~broken.known).sum() == 4


@pytest.mark.parametrize("clip", [0, 0.01])
def test_a_step_is_that_of_the_paper(make_model, clip):
    model = make_model(4)
    x_N, y_N = np.array([0, 1, 2, 3, 1, 0], np.uint8), np.array([1, 2, 3, 1, 0, 2], np.uint8)
    rms_P = np.linspace(0.1, 5, len(model.params.flat))
    rate, decay, trained = 0.1, 0.8, model.params.flat  # the largest pull of all would go too far
    costs = dynamic_costs(model, rms_P, Adaptation(2, rate, decay, clip), nothing)(x_N, y_N)
    learned = Model(model.config, 4, FlatVector(model.shapes, model.dtype, trained.copy()))
    w, state, expected = learned.params.flat, model.initial_state(1), []
    for start in range(0, 6, 2):
        chunk = slice(start, start + 2)
        cost, gradient, state = cost_and_gradient(learned, x_N[chunk], y_N[chunk], state)
        expected.append(cost)
        if clip:
            gradient *= clip / np.linalg.norm(gradient)
        pull = np.minimum(decay * rms_P / rms_P.mean(), 1) * (trained - w)
        w += pull - rate * gradient / rms_P
    np.testing.assert_allclose(costs.reshape(3, 2).sum(axis=1), expected, rtol=1e-9)


def cost_and_gradient(model, x_T, y_T, state, end=None):
    """By central differences; where the state is None, or at the end of a document, it starts afresh."""

    def cost():
        total, after = 0.0, state
        for x, y in zip(x_T, y_T, strict=True):
            if after is None or x == end:
                after = model.initial_state(1)
            logits_BV, after = model.step(np.array([x]), after)
            total += float(np.log(np.exp(logits_BV[0]).sum()) - logits_BV[0, y])
        return total, after

    gradient, flat = np.empty_like(model.params.flat), model.params.flat
    for place, value in enumerate(flat.copy()):
        ends = []
        for shift in (1e-5, -1e-5):
            flat[place] = value + shift
            ends.append(cost()[0])
        flat[place] = value
        gradient[place] = (ends[0] - ends[1]) / 2e-5 / len(x_T)
    total, after = cost()
    return total, gradient, after


@pytest.mark.parametrize("end", [None, 2])
def test_the_rms_is_that_of_single_chunks(make_model, monkeypatch, end):
    model = make_model(4, learned_state=True)
    model.params.flat[:] += 0.1
    ids = np.random.default_rng(1).integers(0, 3, 13).astype(np.uint8)  # code 3 does not occur
    monkeypatch.setattr(dynamic, "SEQUENCES", 1)
    squares, state = [], None
    for start in range(0, 12, 4):
        chunk = slice(start, start + 4)
        _, gradient, state = cost_and_gradient(model, ids[chunk], ids[1:][chunk], state, end)
        squares.append(gradient**2)
    expected = np.sqrt(np.mean(squares, axis=0))
    found = gradient_rms(model, ids, 4, end)
    np.testing.assert_allclose(found, expected + dynamic.FLOOR * expected.mean(), rtol=1e-6, atol=1e-9)


def test_the_rms_of_a_batch_is_about_that_of_single_chunks(make_model, monkeypatch):
    model = make_model(4)
    model.params["readout.W_hy"][:] *= (
        1e-3  # it predicts what is true of these codes, so its gradient's mean is zero
    )
    ids = np.random.default_rng(1).integers(0, 4, 6_000).astype(np.uint8)
    batched = gradient_rms(model, ids, 4)
    monkeypatch.setattr(dynamic, "SEQUENCES", 1)
    assert np.median(batched / gradient_rms(model, ids, 4)) == pytest.approx(1, abs=0.2)


def test_a_training_part_of_two_characters_will_do(model):
    part = model.part_of("ab")
    costs = joined(dynamic_scores(model, part, part, STEPS, nothing)).costs_nats
    assert len(costs) == 1 and np.isfinite(costs).all()


def test_steps_that_lead_astray_are_told_in_one_line(scores):
    told = r"dynamic evaluation diverged at character \d+ of the text: lower its rate, 1e\+308"
    with pytest.raises(DivergenceError, match=told):
        scores(TRAINING, Adaptation(chunk=7, rate=1e308))


@pytest.fixture
def measure(model, pool):
    def measured(text=TRAINING, training=TRAINING, **settings):
        training = None if training is None else model.part_of(training)
        subject = EvalCase("run-1", model, "text", model.part_of(text), training)
        return MEASUREMENTS.find("perplexity")(resamples=100, **settings).measure([subject], pool, nothing)

    return measured


def test_the_figures_stand_beside_the_static_ones(measure, scores):
    (static,), (both,) = measure().records, measure(dynamic=True, dynamic_rate=0.05).records
    assert static.items() <= both.items()
    assert set(both) - set(static) == {f"dynamic_{name}" for name in FIGURES}
    nats = scores(TRAINING, Adaptation(rate=0.05)).costs_nats.mean()
    assert both["dynamic_nats_per_char"] == pytest.approx(nats, rel=1e-12)
    assert both["dynamic_bits_per_char"] == pytest.approx(nats / math.log(2))
    assert both["dynamic_bits_per_char_low"] < both["dynamic_bits_per_char"] < both["dynamic_bits_per_char_high"]
    assert json.dumps(both)


def test_the_table_has_a_row_of_its_own_for_them(measure):
    findings = measure(dynamic=True)
    (table,) = findings.tables
    assert [row[0] for row in table.rows] == ["run-1", "run-1, dynamic", "bigram baseline"]
    nats = [column.heading for column in table.columns].index("loss")
    assert [row[nats] for row in table.rows[:2]] == [
        findings.records[0][key] for key in ("nats_per_char", "dynamic_nats_per_char")
    ]
    assert any(each.startswith("dynamic: a copy of the model learns") for each in findings.explanation)


def test_without_the_training_part_there_are_none_and_a_note_says_so(measure):
    findings = measure(training=None, dynamic=True)
    assert findings.records[0]["dynamic_nats_per_char"] is None
    assert len(findings.tables[0].rows) == 1
    assert "no dynamic figures for run-1: its corpus was not found" in findings.notes


def test_its_settings_need_it(measure):
    with pytest.raises(UsageError, match="--dynamic-rate belongs to --dynamic"):
        measure(dynamic_rate=0.5)
