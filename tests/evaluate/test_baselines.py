"""Baselines against closed forms, sources of known entropy, and the compressors' own programs' formats."""

import gzip
import lzma
import math

import numpy as np
import pytest

from charlm.data.vocabulary import Vocabulary, unknown_nats
from charlm.evaluate.base import EvalCase
from charlm.evaluate.measures.baselines import COMPRESSORS, Baselines, compressed_bits
from charlm.inference.language_model import LanguageModel

TEXT = "abc\ncab\nbcab"
COUNTED = "abca\nbcab\ncc\n" * 10


@pytest.fixture
def measure(pool):
    def measured(*subjects, **settings):
        return Baselines(**settings).measure(subjects, pool, lambda done, total: None)

    return measured


def subject_of(model, text=TEXT, counted=COUNTED):
    training = None if counted is None else model.part_of(counted)
    return EvalCase("run-1", model, "a text", model.part_of(text), training)


def nats(record, model, order=None):
    (found,) = [
        each["nats_per_char"] for each in record["baselines"] if (each["model"], each["order"]) == (model, order)
    ]
    return found


def test_a_known_source_costs_its_own_entropy(measure, make_model):
    # After a: b with 0.9; after b: a with 0.4. So a is met with 0.4 / 1.3.
    rng = np.random.default_rng(1)
    ids = [0]
    for uniform in rng.random(40_000):
        ids.append(int(uniform < 0.9) if ids[-1] == 0 else int(uniform >= 0.4))
    text = "".join("ab"[code] for code in ids)
    vocabulary = Vocabulary.of("ab")
    model = LanguageModel(make_model(2), vocabulary, 30_000)
    (record,) = measure(subject_of(model, text[30_000:], text[:30_000]), max_order=3).records

    def entropy(p):
        return -p * math.log(p) - (1 - p) * math.log(1 - p)

    a = 0.4 / 1.3
    rate = a * entropy(0.9) + (1 - a) * entropy(0.4)
    assert nats(record, "uniform") == pytest.approx(math.log(2), rel=1e-12)
    assert nats(record, "unigram", 0) == pytest.approx(entropy(a), abs=0.01)
    for name, order in [("first-order Markov (Witten-Bell)", 1), ("Witten-Bell", 3), ("Kneser-Ney", 1)]:
        assert nats(record, name, order) == pytest.approx(rate, abs=0.01)
    assert nats(record, "xz") > rate


def test_compressors_are_charged_what_the_text_adds_after_its_first_character(measure, model):
    (record,) = measure(subject_of(model)).records
    before, whole = (COUNTED + TEXT[0]).encode(), (COUNTED + TEXT).encode()
    added = {
        "gzip": len(gzip.compress(whole)) - len(gzip.compress(before)),
        "xz": len(lzma.compress(whole, preset=9)) - len(lzma.compress(before, preset=9)),
    }
    for name, size in added.items():
        assert nats(record, name) == pytest.approx(8 * size * math.log(2) / (len(TEXT) - 1), rel=1e-12)


@pytest.mark.parametrize("name", COMPRESSORS)
def test_noise_costs_a_compressor_its_entropy_and_a_repetition_next_to_nothing(name):
    rng = np.random.default_rng(3)
    noise, more = (bytes(rng.integers(0, 128, 8_000).astype(np.uint8)) for _ in range(2))
    _, compress = COMPRESSORS[name]
    assert compressed_bits(compress, noise, more) > 0.98 * 7 * 8_000
    assert compressed_bits(compress, noise, b"ab" * 4_000) < 0.05 * 8_000


def test_unknown_characters_cost_every_counting_model_the_same(measure, model):
    (record,) = measure(subject_of(model, "a?b?")).records
    price = unknown_nats(model.training_characters, len(model.vocabulary))
    assert nats(record, "uniform") == pytest.approx((2 * price + math.log(len(model.vocabulary))) / 3, rel=1e-12)
    assert record["unknown"] == 2
    for name in ("Witten-Bell", "Kneser-Ney"):
        assert 2 * price / 3 < nats(record, name, 2) < (2 * price + math.log(20)) / 3


def test_the_model_stands_in_its_place(measure, model):
    findings = measure(subject_of(model), max_order=2)
    (record,), (table,) = findings.records, findings.tables
    bits = [row[2] for row in table.rows]
    assert bits == sorted(bits)
    assert (
        "run-1",
        "whole",
        *(record[name] for name in ("nats_per_char", "bits_per_char", "bits_per_byte")),
    ) in [tuple(row) for row in table.rows]
    shown = [table.columns[0].show(row[0]) for row in table.rows]
    assert "> run-1" in shown and "Witten-Bell (bigram)" in shown and "Kneser-Ney" in shown
    assert record["nats_per_char"] == model.perplexity(TEXT).nats_per_char
    names = [each["model"] for each in record["baselines"]]
    assert sorted(names) == sorted(
        [
            "uniform",
            "unigram",
            "first-order Markov (Witten-Bell)",
            "Witten-Bell",
            *["Kneser-Ney"] * 2,
            *COMPRESSORS,
        ]
    )


def test_what_is_missing_or_unfair_is_said(measure, model):
    without = measure(subject_of(model, counted=None))
    assert [each["model"] for each in without.records[0]["baselines"]] == ["uniform"]
    assert any("was not found" in note for note in without.notes)
    assert any("trained on" in note for note in measure(subject_of(model, COUNTED)).notes)
