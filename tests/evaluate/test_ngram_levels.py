"""How much memory longer n-grams take, and what is done where that is over the limit."""

import tracemalloc

import numpy as np
import pytest

from charlm.base.errors import UsageError
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate import ngram_levels
from charlm.evaluate.base import EvalCase
from charlm.evaluate.measures import MEASUREMENTS
from charlm.evaluate.ngram_levels import plan_of
from charlm.inference.language_model import LanguageModel
from charlm.models.ngram.counts import count_levels, most_pairs, needed_bytes
from charlm.models.ngram.kneser_ney import KneserNey
from charlm.models.ngram.witten_bell import WittenBell

SYMBOLS = "abcdefghijklmnopqrstuvwxyz0123"


@pytest.fixture
def subject(make_model):
    """A subject whose training part has 60,000 characters that nothing predicts."""
    vocabulary = Vocabulary.of(SYMBOLS + "\n")
    model = LanguageModel(make_model(len(vocabulary)), vocabulary, 60_000)
    training = "".join(np.random.default_rng(1).choice(list(SYMBOLS + "\n"), 60_000))
    return EvalCase("run-1", model, "a text", model.part_of(training[:2_000]), model.part_of(training))


@pytest.fixture(autouse=True)
def small_texts(monkeypatch):
    monkeypatch.setattr(ngram_levels, "MEGABYTES_OF_TEXT", 0)


@pytest.mark.parametrize("kind", [WittenBell, KneserNey])
@pytest.mark.parametrize(("symbols", "order"), [(256, 2), (60, 3), (60, 8), (3000, 2), (3000, 5)])
def test_counting_takes_no_more_than_is_said(kind, symbols, order):
    ids = np.random.default_rng(0).integers(0, symbols, 100_000).astype(np.uint16)
    tracemalloc.start()
    try:
        levels = count_levels(ids, symbols, order)
        kind.from_levels(levels).nll(ids[:500], ids[1:501])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    needed = needed_bytes(len(ids), most_pairs(len(ids), symbols, order))
    assert 0.5 < peak / needed < 1.1


def test_as_many_characters_of_context_are_taken_as_fit(subject):
    orders = [plan_of(subject, subject.training, None, limit).order for limit in (1, 7, 9, 12, 100)]
    assert orders == sorted(orders) and len(set(orders)) > 3
    assert (orders[0], orders[-1]) == (1, 8)
    assert plan_of(subject, subject.training, None, 100).note is None
    note = plan_of(subject, subject.training, None, 7).note
    assert "8 characters of context, counted in 60,000, take about 13 MB, over --max-memory 7" in note


def test_an_order_that_does_not_fit_is_refused_before_anything_is_counted(subject, monkeypatch, pool):
    baselines = MEASUREMENTS.find("baselines")(max_order=7, max_memory=7)
    monkeypatch.setattr(LanguageModel, "tally_with", None)
    with pytest.raises(
        UsageError, match=r"--max-order 7: .* take about \d+ MB, over --max-memory 7: give at most"
    ):
        baselines.measure([subject], pool, lambda done, total: None)


@pytest.mark.parametrize("name", ["baselines", "context"])
def test_a_measurement_without_longer_ones_goes_on_and_says_so(subject, pool, name):
    settings = {"max_memory": 1} | ({"longest": 8, "places": 9} if name == "context" else {})
    findings = MEASUREMENTS.find(name)(**settings).measure([subject], pool, lambda done, total: None)
    (record,) = findings.records
    if name == "context":
        assert len(record["kneser_ney_nats"]) == 1
    else:
        assert max(each["order"] or 0 for each in record["baselines"]) == 1
    assert any("so there are none with more than 1" in note for note in findings.notes)


def test_of_a_regular_text_longer_contexts_fit(subject):
    model, regular = subject.model, subject.model.part_of(SYMBOLS * 2_000)
    assert plan_of(subject, regular, None, 7).order == 8 > plan_of(subject, subject.training, None, 7).order
    assert model is subject.model


@pytest.mark.parametrize("name", ["calibration", "surprisal", "context", "gradients", "baselines"])
def test_what_keeps_every_character_says_how_many_it_takes(subject, pool, name):
    settings = {"context": {"longest": 8}, "gradients": {"distance": 4, "positions": 2}}.get(name, {})
    kind = MEASUREMENTS.find(name)
    findings = kind(characters=300, **settings).measure([subject], pool, lambda done, total: None)
    told = "a text: the first 300 of its 2,000 characters are measured (--characters)"
    assert told in findings.notes
    (record,) = findings.records
    assert record.get("characters", 299) == 299
    whole = kind(characters=2_000, **settings).measure([subject], pool, lambda done, total: None)
    assert not any("--characters" in note for note in whole.notes)
