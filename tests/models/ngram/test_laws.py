"""Every n-gram model against a slow one over dictionaries of strings, and as a distribution."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.models.ngram.kneser_ney import FALLBACK, KneserNey
from charlm.models.ngram.witten_bell import WittenBell
from tests.models.ngram.slow_models import ALPHABET, SlowKneserNey, SlowWittenBell

MODELS = {"witten-bell": (WittenBell, SlowWittenBell), "kneser-ney": (KneserNey, SlowKneserNey)}
# The last symbol is often missing from what is counted, so that it is unseen in every context.
TRAINING = st.one_of(st.text("abc", min_size=1, max_size=80), st.text(ALPHABET, min_size=1, max_size=80))
TEXTS = st.text(ALPHABET, min_size=1, max_size=30)
ORDERS = st.integers(0, 5)


EVERY_PAIR = pytest.mark.parametrize(("kind", "slow"), MODELS.values(), ids=MODELS)
EVERY = pytest.mark.parametrize("kind", [kind for kind, _ in MODELS.values()], ids=MODELS)


@EVERY_PAIR
@given(training=TRAINING, text=TEXTS, order=ORDERS)
def test_is_the_slow_one(kind, slow, nll_of, training, text, order):
    np.testing.assert_allclose(nll_of(kind, training, text, order), slow(training, order).nll(text), rtol=1e-10)


@EVERY_PAIR
@given(training=TRAINING, order=ORDERS)
def test_is_the_slow_one_on_its_own_text(kind, slow, nll_of, training, order):
    expected = slow(training, order).nll(training)
    np.testing.assert_allclose(nll_of(kind, training, training, order), expected, rtol=1e-10)


DOCUMENTS = st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=12)


@EVERY_PAIR
@given(training=DOCUMENTS, text=DOCUMENTS, order=ORDERS)
def test_no_context_reaches_back_over_the_start_of_a_document(kind, slow, nll_of, training, text, order):
    training, text = (f"d{'d'.join(documents)}d" for documents in (training, text))
    expected = slow(training, order, "d").nll(text)
    np.testing.assert_allclose(nll_of(kind, training, text, order, "d"), expected, rtol=1e-10)


@EVERY
@given(training=DOCUMENTS, context=DOCUMENTS, order=ORDERS)
def test_the_symbols_in_a_document_share_all_probability(kind, nll_of, training, context, order):
    training, context = (f"d{'d'.join(documents)}" for documents in (training, context))
    costs = (nll_of(kind, training, context + character, order, "d")[-1] for character in ALPHABET)
    assert sum(math.exp(-cost) for cost in costs) == pytest.approx(1, rel=1e-12)


@EVERY
@given(training=DOCUMENTS, first=DOCUMENTS, order=st.integers(1, 5))
def test_a_document_has_the_same_loss_after_any_other(kind, nll_of, training, first, order):
    training = f"d{'d'.join(training)}d"
    one, other = (nll_of(kind, training, f"{before}dabcad", order, "d")[-5:] for before in ("d", "d" + first[0]))
    np.testing.assert_allclose(one, other, rtol=1e-12)


@EVERY
@given(training=TRAINING, text=TEXTS, order=ORDERS, cut=st.integers(0, 30), end=st.sampled_from([None, 3]))
def test_a_text_read_in_windows_has_the_same_loss(kind, encoded, training, text, order, cut, end):
    ids = encoded(text + "ab")
    cut = min(cut, len(ids) - 2)
    model = kind(encoded(training), len(ALPHABET), order, end)
    whole, read = model.reader()(ids[:-1], ids[1:]), model.reader()
    parts = [read(ids[: cut + 1][:-1], ids[1 : cut + 1])] if cut else []
    parts.append(read(ids[cut:-1], ids[cut + 1 :]))
    for order_costs, *pieces in zip(whole, *parts, strict=True):
        np.testing.assert_allclose(np.concatenate(pieces), order_costs, rtol=1e-12)


@EVERY_PAIR
def test_is_the_slow_one_on_a_long_text(kind, slow, nll_of):
    rng = np.random.default_rng(5)
    rows = rng.dirichlet(np.full(4, 0.3), 4**3)
    ids = [0, 0, 0]
    for _ in range(3000):
        ids.append(int(rng.choice(4, p=rows[ids[-3] * 16 + ids[-2] * 4 + ids[-1]])))
    text = "".join(ALPHABET[code] for code in ids)
    # Long enough for Kneser-Ney's discounts to be estimated.
    assert SlowKneserNey(text[:2500], 5).discounts[5] != FALLBACK
    expected = slow(text[:2500], 5).nll(text[2500:])
    found = nll_of(kind, text[:2500], text[2500:], 5)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14)


@EVERY
@given(training=TRAINING, context=TEXTS, order=ORDERS)
def test_the_symbols_after_a_context_share_all_probability(kind, nll_of, training, context, order):
    total = sum(math.exp(-nll_of(kind, training, context + character, order)[-1]) for character in ALPHABET)
    assert total == pytest.approx(1, rel=1e-12)


@EVERY
def test_every_order_is_the_model_of_that_order(kind, nll_of, encoded):
    training, text = "abcabdabcacbbda" * 3, "abdcabca"
    ids = encoded(text)
    by_order = kind(encoded(training), len(ALPHABET), 4).reader()(ids[:-1], ids[1:])
    for order, costs in enumerate(by_order):
        np.testing.assert_allclose(costs, nll_of(kind, training, text, order), rtol=1e-12)


@EVERY
def test_nothing_to_predict_costs_nothing(kind, nll_of):
    assert nll_of(kind, "abab", "", 2).tolist() == []
    assert nll_of(kind, "abab", "a", 2).tolist() == []


@EVERY
@given(training=st.text(ALPHABET, min_size=4, max_size=40))
def test_codes_of_any_width_count_alike(kind, encoded, training):
    ids = encoded(training)
    wide = ids.astype(np.uint32)
    costs = kind(ids, 300, 3).nll(ids[:-1], ids[1:])
    assert np.array_equal(kind(wide, 300, 3).nll(wide[:-1], wide[1:]), costs)
