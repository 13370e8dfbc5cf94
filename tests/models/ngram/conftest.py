"""Characters as ids, and the losses of a text under a model of another."""

import numpy as np
import pytest

from tests.models.ngram.slow_models import ALPHABET


def encode(text):
    return np.array([ALPHABET.index(character) for character in text], np.uint8)


@pytest.fixture(scope="session")
def encoded():
    """A function that gives a text's ids."""
    return encode


@pytest.fixture(scope="session")
def nll_of():
    """A function: the losses of a text under a model of a kind and an order, counted in a training text."""

    def nll(kind, training, text, order, end=None):
        ids = encode(text)
        end_id = None if end is None else ALPHABET.index(end)
        return kind(encode(training), len(ALPHABET), order, end_id).nll(ids[:-1], ids[1:])

    return nll
