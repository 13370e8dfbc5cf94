"""Units against a network with a unit that is a switch, and against slow counts; marks of small texts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.config import CorpusConfig
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate.base import EvalCase
from charlm.evaluate.hidden_units import mean_ranks, read_units, unit_name
from charlm.evaluate.marks import inside_brackets, inside_quotes, line_columns
from charlm.evaluate.measures.units import Units, _auc, _correlation
from charlm.inference.language_model import LanguageModel

SWITCH = 3


def nothing(done, total):
    """No progress is shown."""


@pytest.fixture
def switch(make_model):
    """A network of noise whose unit 3 is on from an opening quotation mark to the closing one."""
    vocabulary = Vocabulary.of("ab “”\n")
    network = make_model(len(vocabulary), cell="rnn", hidden=5)
    for name, axis in (("layers.0.W_xh", 1), ("layers.0.W_hh", 1)):
        np.moveaxis(network.params[name], axis, 0)[SWITCH] = 0
    network.params["layers.0.b_h"][SWITCH] = 0
    network.params["layers.0.W_hh"][SWITCH, SWITCH] = 20
    for symbol, push in (("“", 90), ("”", -90)):
        network.params["layers.0.W_xh"][vocabulary.symbols.index(symbol), SWITCH] = push
    return LanguageModel(network, vocabulary, 100)


def test_the_unit_that_is_a_switch_is_found(switch, pool):
    text = "ab “ba ab” baa\nb“a”\n" * 30
    subject = EvalCase("run", switch, "text", switch.part_of(text), None)
    findings = Units().measure([subject], pool, nothing)
    found = {each["property"]: each for each in findings.records[0]["properties"]}
    quotes = found["inside quotes"]
    assert (quotes["unit"], quotes["score"]) == (f"h {SWITCH + 1}", 1.0)
    assert quotes["scores"][SWITCH] == 1.0
    assert quotes["share"] == pytest.approx(np.mean(inside_quotes(text)))
    assert quotes["untrained_score"] < 1.0
    assert found["number"]["unit"] is None  # there is none in the text
    assert findings.records[0]["units"][SWITCH] == f"h {SWITCH + 1}"
    assert "inside quotes" in findings.curves[0].series


def test_units_of_parallel_sequences_are_those_of_single_steps(make_model):
    model = make_model(4, cell="lstm", layers=2, hidden=3)
    ids = np.random.default_rng(0).integers(0, 4, 3000).astype(np.uint8)
    found_SN = read_units(model, ids, end=2)
    state = model.initial_state(1)
    for place, code in enumerate(ids):
        if code == 2:
            state = model.initial_state(1)
        _, state = model.step(np.array([code]), state)
        wanted = np.concatenate([variable[0] for layer in state for variable in layer])
        np.testing.assert_allclose(found_SN[:, place], wanted, atol=1e-6)
    assert [unit_name(model, unit) for unit in (0, 5, 11)] == ["layer 1 h 1", "layer 1 c 3", "layer 2 c 3"]


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40))
def test_auc_and_correlation_are_those_of_slow_counts(pairs):
    values, marks = (np.array(each) for each in zip(*pairs, strict=True))
    ranks = mean_ranks(values)[None]
    assert mean_ranks(values).tolist() == [
        (values < value).sum() + ((values == value).sum() + 1) / 2 for value in values
    ]
    if marks.any() and not marks.all():
        above = [np.sign(inside - outside) for inside in values[marks] for outside in values[~marks]]
        assert _auc(ranks, marks)[0] == pytest.approx(0.5 + np.mean(above) / 2)
    others = np.arange(len(values)) % 3
    if np.ptp(values) and np.ptp(others):
        wanted = np.corrcoef(mean_ranks(values), mean_ranks(others))[0, 1]
        assert _correlation(ranks, others)[0] == pytest.approx(wanted)


def test_only_marks_with_a_partner_count():
    text = 'one "two\n\nthree "four" «é»'
    assert "".join(text[place] for place in np.flatnonzero(inside_quotes(text))) == '"four«é'
    assert not inside_brackets(")a(b[c").any()
    assert line_columns("ab\n\nc").tolist() == [0, 1, 0, 0, 1]


def test_a_text_of_documents_is_read_with_their_ends(make_model, pool):
    vocabulary = Vocabulary(("a", "b"), 2, has_end=True)
    model = LanguageModel(make_model(3, cell="gru"), vocabulary, 100, CorpusConfig(lines=True))
    subject = EvalCase("run", model, "text", model.part_of("ab\nba\nabab\n" * 30), None)
    (record,) = Units().measure([subject], pool, nothing).records
    line = record["properties"][-1]
    assert line["measure"] == "rank_correlation" and -1 <= line["score"] <= 1
