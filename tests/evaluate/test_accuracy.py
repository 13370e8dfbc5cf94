"""Accuracy, macro-F1, the confusion matrix, Bayes' rule and the linear model, by written-out examples."""

import numpy as np
import pytest

from charlm.data.buckets import Sequences
from charlm.evaluate.linear_counts import count_features, fit_and_predict
from charlm.models.ngram.by_label import BayesClassifier
from charlm.tasks.label_counts import count_labels

# Twelve examples of three labels, of which the last, 2, is never true: what is true, and what is given.
TRUE = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 3, 3, 4])
GIVEN = [0, 0, 0, 1, 2, 1, 1, 0, 1, 3, 0, 1]
LABELS = 4


@pytest.fixture
def twelve():
    log_probs_DL = np.log(np.full((12, LABELS), 0.1))
    log_probs_DL[np.arange(12), GIVEN] = np.log(0.7)
    return count_labels(TRUE, log_probs_DL, LABELS)


def test_twelve_written_out_examples(twelve):
    assert twelve.confusion_LL.tolist() == [
        [3, 1, 1, 0], [1, 3, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1], [0, 1, 0, 0]
    ]  # fmt: skip
    assert twelve.accuracy == 7 / 12  # the label that training never saw, 4, is wrong
    np.testing.assert_allclose(twelve.precision_L, [3 / 5, 3 / 5, 0, 1])
    np.testing.assert_allclose(twelve.recall_L, [3 / 5, 3 / 4, 0, 1 / 2])
    np.testing.assert_allclose(twelve.f1_L, [0.6, 2 / 3, 0, 2 / 3])
    # Over the labels that stand in the split: the third does not.
    assert twelve.macro_f1 == pytest.approx((0.6 + 2 / 3 + 2 / 3) / 3)
    assert twelve.nats == pytest.approx(-(7 * np.log(0.7) + 4 * np.log(0.1)) / 11)


def sequences(texts):
    ids = np.array([ord(letter) - ord("a") for letter in "".join(texts)], np.uint8)
    return Sequences(ids, np.cumsum([0, *map(len, texts)]))


def test_bayes_rule_is_the_prior_times_the_likelihoods_of_the_labels_own_models():
    training, targets = sequences(["aab", "aba", "bb", "cc", "ccb"]), np.array([0, 0, 0, 1, 1])
    bayes = BayesClassifier(training, targets, 2, symbols=4)
    log_probs = bayes.log_probs(sequences(["aa", "ccc", "b"]))
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1)
    assert log_probs[:2].argmax(axis=1).tolist() == [0, 1]
    # The same text alone and among others.
    np.testing.assert_allclose(bayes.log_probs(sequences(["ccc"]))[0], log_probs[1], rtol=1e-12)


def test_a_linear_model_of_counts_counts():
    texts = ["a" * (n % 7) + "b" * (n % 5 + 1) for n in range(60)]
    targets = np.array([text.count("a") for text in texts], float)
    found = fit_and_predict(sequences(texts[:50]), targets[:50], sequences(texts[50:]))
    np.testing.assert_allclose(found, targets[50:], atol=0.5)
    assert count_features(sequences(["ab"])).sum() == 2 + 1 + 1  # two letters, one pair, the constant
