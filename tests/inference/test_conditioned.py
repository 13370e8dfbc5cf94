"""A model that is told a label is, under the label, a plain language model."""

import dataclasses

import numpy as np
import pytest

from charlm.base.errors import CorpusError, UsageError
from charlm.config import CorpusConfig, ModelConfig
from charlm.data.alphabet import Alphabet, code_points
from charlm.data.batches import Batch
from charlm.data.buckets import Sequences
from charlm.data.labelled_text import LabelledText
from charlm.data.vocabulary import Vocabulary
from charlm.engines.threads import ThreadPool
from charlm.inference.conditioned import ConditionedModel
from charlm.inference.language_model import LanguageModel
from charlm.inference.lines import score_lines
from charlm.models.char_rnn import Model
from charlm.tasks.text_classifier import BayesLanguageModels
from tests.laws.gradient_check import relative_errors

VOCABULARY = Vocabulary(("a", "b", "c"), 3, has_end=True, labels=("x", "y"), label_counts=(3, 1))
INPUTS = len(VOCABULARY) + 2
END = "\udc00"
TEXTS = [("abba", 0), ("c", 1), ("bca", 0), ("cc", 1)]
NETWORKS = [{}, {"encoding": "embedding", "embedding_size": 3}]
NETWORKS += [{"encoding": "embedding", "embedding_size": 4, "tied": True}]
NETWORKS += [{"encoding": "embedding", "embedding_size": 3, "tied": True, "adaptive_softmax": True}]
EVERY = pytest.mark.parametrize("network", NETWORKS, ids=["one-hot", "embedding", "tied", "adaptive"])


def conditioned(network, seed=0):
    config = ModelConfig(**{"hidden": 4, "dtype": "float64", **network})
    model = Model(config, len(VOCABULARY), inputs=INPUTS)
    model.initialize(np.random.default_rng(seed))
    return ConditionedModel(model, VOCABULARY, 100, CorpusConfig(lines=True))


def text(pairs):
    points = code_points("".join(each for each, _ in pairs))
    counts = np.bincount(np.append(points, ord(END)), minlength=256)
    texts = Sequences(points, np.cumsum([0, *(len(each) for each, _ in pairs)]))
    labels_D = np.array([label for _, label in pairs], np.int64)
    return LabelledText.of_texts(texts, labels_D, Alphabet.from_counts(counts, "characters", "\n"))


@EVERY
def test_with_the_end_symbol_s_row_a_label_s_costs_are_the_unlabelled_model_s(network):
    model = conditioned(network)
    name = "embedding" if network else "layers.0.W_xh"
    model.network.params[name][len(VOCABULARY)] = model.network.params[name][VOCABULARY.end]
    plain = Model(model.network.config, len(VOCABULARY))
    for each, values in plain.params.items():
        values[:] = model.network.params[each][: len(values)]
    own = LanguageModel(plain, dataclasses.replace(VOCABULARY, labels=(), label_counts=()), 100, model.corpus)
    part = text([(each, 0) for each, _ in TEXTS])
    ((_, whole),) = part.by_label()
    costs_N = model.under("x").score_with(ThreadPool(1), whole).costs_nats
    np.testing.assert_allclose(costs_N, own.score_with(ThreadPool(1), whole).costs_nats, rtol=1e-13)
    assert model.samples(4, seed=3, label="x") == own.samples(4, seed=3)


@EVERY
def test_what_is_trained_is_what_is_scored_under_the_labels(network):
    model = conditioned(network)
    x_TB, y_TB = np.zeros((5, 4), np.uint8), np.zeros((5, 4), np.uint8)
    mask_TB = np.zeros((5, 4), bool)
    for column, (each, label) in enumerate(TEXTS):
        ids = VOCABULARY.encode(each, "a text")
        x_TB[: len(ids) + 1, column] = [len(VOCABULARY) + label, *ids]
        y_TB[: len(ids) + 1, column] = [*ids, VOCABULARY.end]
        mask_TB[: len(ids) + 1, column] = True
    batch = Batch({"x_TB": x_TB, "y_TB": y_TB, "target_mask_TB": mask_TB}, int(mask_TB.sum()), True)
    network_, rng = model.network, np.random.default_rng(1)
    buffers = network_.buffers(5, 4)

    def loss():
        grads = network_.params.zeros_like()
        return np.array([network_.loss_and_gradient(batch, network_.zero_state(4), buffers, grads)[0]])

    tally = model.tally(None, text(TEXTS))
    assert loss()[0] == pytest.approx(tally.nats, rel=1e-12) and tally.characters == mask_TB.sum()
    grads = network_.params.zeros_like()
    grads.flat[:] = np.nan
    network_.loss_and_gradient(batch, network_.zero_state(4), buffers, grads)
    grads.flat[:] *= batch.num_targets
    assert max(relative_errors(loss, dict(network_.params), grads, rng).values()) < 1e-6


def test_bayes_rule_is_what_the_scores_say():
    model, lines = conditioned({}), ["abba", "", "cc "]
    with ThreadPool(1) as pool:
        nats = [score_lines(model.under(label), ["abba", "", "cc"], pool).nats for label in "xy"]
    found = BayesLanguageModels(model).classify(lines)
    for place, each in enumerate(found):
        assert sum(each.probabilities.values()) == pytest.approx(1, rel=1e-12)
        odds = np.log(each.probabilities["x"] / each.probabilities["y"])
        assert odds == pytest.approx(nats[1][place] - nats[0][place] + np.log(3), rel=1e-9)


def test_samples_draw_their_labels_by_share_and_say_them():
    drawn = conditioned({}).samples(2000, len=1, seed=1)
    assert abs([each.label for each in drawn].count("x") / 2000 - 0.75) < 0.03
    assert [*map(str, drawn)] == conditioned({}).samples(2000, len=1, seed=1)


def test_a_label_or_a_text_that_is_not_known_is_refused():
    model = conditioned({})
    with pytest.raises(UsageError, match="no label is called 'z'; there are: x, y"):
        model.under("z")
    with pytest.raises(CorpusError, match="the text has no labels"):
        model.tally(None, next(part for _, part in text(TEXTS).by_label()))
