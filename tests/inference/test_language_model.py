"""A language model: what it hands on to generation and scoring, and in which words it refuses."""

import pytest

from charlm.base.errors import CorpusError, UsageError
from charlm.data.vocabulary import Vocabulary
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel
from charlm.inference.scoring import text_metrics


@pytest.fixture(scope="module")
def model(make_model):
    vocabulary = Vocabulary.of("abc\n")
    return LanguageModel(make_model(len(vocabulary), cell="lstm"), vocabulary, 50)


def test_sample_is_the_first_of_samples(model):
    assert model.sample(20, seed=2, prompt="a") == model.samples(5, len=20, seed=2, prompt="a")[0]


def test_a_sample_is_one_whatever_num_says(model):
    assert model.sample(20, num=3) == model.sample(20)


def test_the_default_length_is_500_new_characters(model):
    assert len(model.sample()) == len(model.samples(1)[0]) == 500


def test_settings_of_filters_reach_them(model):
    flat, sharp = model.sample(300, temperature=1000), model.sample(300, temperature=0.01)
    assert set(flat) == set("abc\n")
    assert flat != sharp
    with pytest.raises(UsageError, match="--top-p is 7"):
        model.sample(top_p=7)
    with pytest.raises(UsageError, match="no setting is called warmth"):
        model.samples(2, warmth=1)


def test_perplexity_is_the_figures_of_the_score(model):
    text = "abc\nab?" * 9
    assert model.perplexity(text) == text_metrics(model.score(text))
    assert model.perplexity(text).unknown == 9


def test_scoring_on_workers_that_run_already_is_the_same(model):
    with ThreadPool(2) as pool:
        assert text_metrics(model.score_with(pool, "abcab")) == model.perplexity("abcab")


def test_scoring_reports_progress(model):
    told = []
    model.score("abc" * 50, lambda done, total: told.append((done, total)))
    assert told[-1] == (149, 149)
    assert len(told) > 1


def test_the_price_of_the_unknown_rests_on_the_training_characters(model):
    more = LanguageModel(model.network, model.vocabulary, 101)
    difference = more.score("a?").costs_nats - model.score("a?").costs_nats
    assert difference[0] == pytest.approx(0.6931471805599453)  # ln(102 / 51)


def test_one_character_is_too_little(model):
    with pytest.raises(CorpusError, match="a text of 1 character has"):
        model.perplexity("a")
