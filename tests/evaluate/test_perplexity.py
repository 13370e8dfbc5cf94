"""The perplexity measurement: its records, its table and its baseline against direct computation."""

import math

import numpy as np
import pytest

from charlm.data.vocabulary import unknown_nats
from charlm.evaluate.base import EvalCase, Measurement
from charlm.evaluate.measures import MEASUREMENTS
from charlm.inference.scoring import joined, score_stretches, text_metrics
from charlm.models.ngram.witten_bell import WittenBell

FIGURES = ("nats_per_char", "bits_per_char", "bits_per_byte", "perplexity", "characters", "bytes", "unknown")
TEXT = "abc\ncab\nbcab"


@pytest.fixture
def measure(pool):
    def measured(*subjects):
        return MEASUREMENTS.find("perplexity")().measure(subjects, pool, lambda done, total: None)

    return measured


@pytest.fixture
def subject(model):
    """A function that makes a subject of the model."""

    def make(text=TEXT, run="run-1", counted="abca\nbcab\ncc\n" * 10):
        training = None if counted is None else model.part_of(counted)
        return EvalCase(run, model, f"text of {run}", model.part_of(text), training)

    return make


def test_a_record_is_the_model_s_figures_and_the_baseline_s_nats(measure, subject, model):
    (record,) = measure(subject()).records
    figures = model.perplexity(TEXT)
    assert {name: record[name] for name in FIGURES} == {name: getattr(figures, name) for name in FIGURES}
    assert (record["run"], record["text"]) == ("run-1", "text of run-1")


def test_the_baseline_is_the_first_order_counts_of_the_training_part(measure, subject, model):
    (record,) = measure(subject(text="abcb", counted="abab")).records
    # Order 0: 2 a and 2 b of two kinds, of four symbols, so a and b have (2 + 2/4) / 6 and the others (2/4) / 6.
    a, c = 2.5 / 6, 0.5 / 6
    # After a: b twice of one kind. After b: a once of one kind. After c nothing was counted.
    costs = [-math.log((2 + a) / 3), -math.log(c / 2), -math.log(a)]
    assert record["markov_nats_per_char"] == pytest.approx(np.mean(costs), rel=1e-12)


def test_the_baseline_pays_for_the_unknown_what_the_model_pays(measure, subject, model):
    text = "?abc!c"
    (record,) = measure(subject(text)).records
    training, _ = model.read(subject().training)
    counts = WittenBell(training, len(model.vocabulary), 1)
    figures = text_metrics(
        joined(score_stretches(model.part_of(text), model.vocabulary, model.training_characters, counts.nll))
    )
    assert record["markov_nats_per_char"] == figures.nats_per_char
    assert record["unknown"] == figures.unknown == 1
    scores = model.score(text)
    price = unknown_nats(model.training_characters, len(model.vocabulary))
    assert record["nats_per_char"] * 5 == pytest.approx(scores.costs_nats[scores.known].sum() + price)


def test_a_text_of_nothing_known_costs_both_the_price(measure, subject, model):
    (record,) = measure(subject("????")).records
    price = unknown_nats(model.training_characters, len(model.vocabulary))
    assert record["nats_per_char"] == record["markov_nats_per_char"] == pytest.approx(price)


def test_the_table_has_the_model_and_below_it_the_baseline(measure, subject):
    findings = measure(subject(), subject("abc", "run-2"))
    (table,) = findings.tables
    assert [row[0] for row in table.rows] == ["run-1", "bigram baseline", "run-2", "bigram baseline"]
    assert [record["run"] for record in findings.records] == ["run-1", "run-2"]
    headings = [column.heading for column in table.columns]
    first, markov = (dict(zip(headings, row, strict=True)) for row in table.rows[:2])
    record = findings.records[0]
    assert first["text"] == markov["text"] == "text of run-1"
    assert first["loss"] == record["nats_per_char"]
    assert first["bits/byte"] == record["bits_per_byte"]
    assert markov["loss"] == record["markov_nats_per_char"]
    assert markov["perplexity"] == pytest.approx(math.exp(record["markov_nats_per_char"]))
    assert first["95% CI"] == (record["bits_per_char_low"], record["bits_per_char_high"])
    assert all(column.show(value) for column, value in zip(table.columns, table.rows[0], strict=True))
    assert not any("no bigram baseline" in note for note in findings.notes)


def test_without_the_training_part_there_is_no_baseline_and_a_note_says_so(measure, subject):
    findings = measure(subject(counted=None))
    assert findings.records[0]["markov_nats_per_char"] is None
    assert len(findings.tables[0].rows) == 1
    assert "no bigram baseline for run-1: its corpus was not found" in findings.notes


def test_a_note_says_how_much_was_unknown(measure, subject):
    findings = measure(subject("a??b"))
    unknown = "run-1 never saw 2 characters of text of run-1"
    assert any(note.startswith(unknown) for note in findings.notes)
    assert not any("unknown" in note for note in measure(subject("ab")).notes)


def test_every_measurement_has_a_line_of_help():
    for name in MEASUREMENTS.names():
        kind = MEASUREMENTS.find(name)
        assert issubclass(kind, Measurement)
        assert kind.__doc__.splitlines()[0].endswith(".")
