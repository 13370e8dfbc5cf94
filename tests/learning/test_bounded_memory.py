"""Measurements of long texts, in memory that does not grow with them."""

import tracemalloc

import numpy as np
import pytest

from charlm.data.alphabet import Alphabet, code_points
from charlm.data.encoded import EncodedText
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate.base import EvalCase
from charlm.evaluate.measures import MEASUREMENTS
from charlm.inference.language_model import LanguageModel

SYMBOLS = "".join(map(chr, range(0x4E00, 0x4E00 + 1100)))  # too many for a table of all bigrams
MEGABYTE = 1 << 20


@pytest.fixture
def subject(make_model):
    """A subject with a million characters of training and 200,000 to measure, and few different bigrams."""
    steps = np.random.default_rng(1).integers(0, 20, 1_000_000)
    ids = (np.cumsum(steps) % len(SYMBOLS)).astype(np.uint16)
    alphabet = Alphabet.from_counts(np.bincount(code_points(SYMBOLS)), "characters")
    network = make_model(len(SYMBOLS), hidden=1, dtype="float32")
    model = LanguageModel(network, Vocabulary.of(SYMBOLS), len(ids))
    return EvalCase("r", model, "t", EncodedText(ids[:200_000], alphabet), EncodedText(ids, alphabet))


@pytest.mark.parametrize("name", ["perplexity", "baselines", "context", "calibration", "surprisal"])
def test_a_long_text_is_measured_in_little_memory(subject, pool, name):
    # Logits of 1,100 symbols for 4,096 places at once are the largest part of it.
    settings = {
        "baselines": {"max_memory": 200},
        "context": {"longest": 8, "max_memory": 200},
        "calibration": {"characters": 10_000},
        "surprisal": {"characters": 50_000},
    }
    measurement = MEASUREMENTS.find(name)(**settings.get(name, {}))
    tracemalloc.start()
    try:
        measurement.measure([subject], pool, lambda done, total: None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 150 * MEGABYTE
