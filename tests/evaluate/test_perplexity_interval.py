import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.vocabulary import Vocabulary
from charlm.engines.threads import ThreadPool
from charlm.evaluate import bootstrap
from charlm.evaluate.base import EvalCase
from charlm.evaluate.bootstrap import block_length_of, mean_interval
from charlm.evaluate.measures.perplexity import Perplexity
from charlm.inference.language_model import LanguageModel
from charlm.inference.unroll import POLICY

TRAINED_ON = 100


def measure(subjects, **settings):
    with ThreadPool(1) as pool:
        return Perplexity(**settings).measure(subjects, pool, lambda done, total: None)


@pytest.fixture
def uniform(make_model):
    """A function that makes a subject whose model finds its four symbols equally likely."""

    def make(text, text_name="t", with_training=True):
        vocabulary = Vocabulary.of("ab \n")
        network = make_model(len(vocabulary))
        network.params.flat[:] = 0
        model = LanguageModel(network, vocabulary, TRAINED_ON)
        training = model.part_of("ab ba\n") if with_training else None
        return EvalCase("r", model, text_name, model.part_of(text), training)

    return make


class Starts:
    """A generator that gives these block starts, resample by resample."""

    def __init__(self, resamples):
        self.left = list(resamples)

    def integers(self, count, size):
        starts = np.array(self.left.pop(0))
        assert starts.shape == (size,) and starts.max() < count
        return starts


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 10_000))
def test_resamples_whole_blocks_of_the_circle(count, block_length, seed):
    rng = np.random.default_rng(seed)
    costs = rng.exponential(size=count)
    length = min(block_length, count)
    starts = rng.integers(count, size=(50, -(-count // length)))
    means = [np.mean([costs[(s + i) % count] for s in own for i in range(length)]) for own in starts]
    found = mean_interval(costs, block_length, 50, Starts(starts))
    assert found == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), rel=1e-12)


def test_independent_costs_have_the_normal_interval():
    costs = np.random.default_rng(1).normal(2, 0.5, 40_000)
    for block_length in (1, 50):
        low, high = mean_interval(costs, block_length, 2000, np.random.default_rng(2))
        assert (high - low) / 2 == pytest.approx(1.96 * 0.5 / 200, rel=0.12)
        assert (high + low) / 2 == pytest.approx(costs.mean(), abs=3e-4)


def autoregression(rng, count, memory):
    """A series around 0 in which each value keeps this share of the one before."""
    values = rng.standard_normal(count)
    for place in range(1, count):
        values[place] += memory * values[place - 1]
    return values


def test_the_interval_covers_the_mean_of_dependent_costs_where_single_characters_do_not():
    rng = np.random.default_rng(3)
    covered = {1: 0, 60: 0}
    series = 120
    for _ in range(series):
        costs = autoregression(rng, 2000, 0.8)
        for block_length in covered:
            low, high = mean_interval(costs, block_length, 150, rng)
            covered[block_length] += low <= 0 <= high
    assert covered[60] / series > 0.86
    assert covered[1] / series < 0.65


@pytest.mark.parametrize(("memory", "share"), [(0.0, 0.9), (0.8, 0.88), (0.96, 0.86)])
def test_blocks_as_long_as_the_dependence_cover_the_mean(memory, share):
    """At n = 4,000, where blocks of the square root cover 83% with a memory of 0.96."""
    rng = np.random.default_rng(3)
    covered, series = 0, 200
    for _ in range(series):
        costs = autoregression(rng, 4000, memory)
        low, high = mean_interval(costs, block_length_of(costs), 200, rng)
        covered += low <= 0 <= high
    assert covered / series > share


def test_the_block_length_is_politis_and_white_s():
    # An AR(1) of memory m has G / g = 2 m / (1 - m^2), so the best block is (6 m^2 / (1 - m^2)^2 n)^(1/3).
    rng = np.random.default_rng(5)
    for memory in (0.3, -0.3, 0.7):
        best = (6 * memory**2 / (1 - memory**2) ** 2 * 10_000) ** (1 / 3)
        lengths = [block_length_of(autoregression(rng, 10_000, memory)) for _ in range(30)]
        assert np.median(lengths) == pytest.approx(best, rel=0.2)


@pytest.mark.parametrize("costs", [[1.0], [1.0, 2.0], [0.1] * 50, [math.log(4)] * 9])
def test_costs_that_do_not_vary_or_are_too_few_make_blocks_of_one(costs):
    assert block_length_of(np.array(costs)) == 1


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 70), st.integers(0, 100))
def test_a_long_series_is_resampled_by_the_means_of_neighbors(count, most, cut, seed):
    rng = np.random.default_rng(seed)
    costs = rng.exponential(size=count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "MOST", most)
        series = bootstrap.MeanSeries(count)
        for start in range(0, count, cut):
            series.take(costs[start : start + cut])
        low, high, length = series.interval(5, 100, np.random.default_rng(1))
    grain = max(1, count // most)
    means = np.array([costs[start : start + grain].mean() for start in range(0, count, grain)])
    assert len(means) < 2 * most + 1
    blocks = min(-(-5 // grain), len(means))
    assert (low, high) == pytest.approx(mean_interval(means, blocks, 100, np.random.default_rng(1)), rel=1e-12)
    assert length == min(blocks * grain, count)


def test_every_figure_of_a_uniform_model(uniform):
    text = "ab  ba\nbab"  # nine scored characters, three words
    (record,) = measure([uniform(text)]).records
    assert record["words"] == 3
    assert record["nats_per_word"] == pytest.approx(9 * math.log(4) / 3)
    assert record["perplexity_per_word"] == pytest.approx(4**3)
    assert [record["bits_per_char_low"], record["bits_per_char_high"]] == pytest.approx([2, 2])
    assert record["block_length"] == 1
    assert record["policy"] == POLICY
    names = "nats_per_char bits_per_char bits_per_byte perplexity characters bytes unknown markov_nats_per_char"
    assert set(names.split()) <= set(record)


def test_a_word_whose_only_character_is_first_is_not_counted(uniform):
    records = [measure([uniform(text)]).records[0] for text in ("a b", "ab b")]
    assert [record["words"] for record in records] == [1, 2]


def test_a_text_without_words_has_no_perplexity_a_word(uniform):
    (record,) = measure([uniform("\n\n\n")]).records
    assert record["nats_per_word"] is None and record["perplexity_per_word"] is None


def test_a_perplexity_past_the_largest_float_is_left_out(uniform):
    (record,) = measure([uniform("a" * 2000)]).records
    assert record["nats_per_word"] == pytest.approx(1999 * math.log(4))
    assert record["perplexity_per_word"] is None


def test_unknown_characters_are_charged_and_the_charge_is_named(uniform):
    findings = measure([uniform("ab" * 20 + "é")])
    each = math.log(TRAINED_ON + 1) + math.log(1_112_064 - 4)
    (record,) = findings.records
    assert record["unknown"] == 1
    assert record["unknown_nats_each"] == pytest.approx(each)
    assert record["nats_per_char"] == pytest.approx((39 * math.log(4) + each) / 40)
    assert any(f"{each:.2f} nats" in note for note in findings.notes)


def test_the_seed_alone_decides_the_interval(uniform):
    subject = uniform("ab" * 20 + "é" + "b" * 60)

    def interval(seed):
        (record,) = measure([subject], seed=seed, block_length=5).records
        return record["bits_per_char_low"], record["bits_per_char_high"]

    assert interval(1) == interval(1) != interval(2)
    low, high = interval(1)
    assert low < measure([subject]).records[0]["bits_per_char"] < high


def test_several_texts_make_one_table_and_shared_notes_stand_once(uniform):
    findings = measure([uniform("abab", "x"), uniform("a\nb", "y", with_training=False)])
    (table,) = findings.tables
    assert [row[:2] for row in table.rows] == [["r", "x"], ["bigram baseline", "x"], ["r", "y"]]
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert len(set(findings.notes)) == len(findings.notes)
    assert findings.records[1]["markov_nats_per_char"] is None
