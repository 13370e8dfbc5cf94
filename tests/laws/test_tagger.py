"""The laws of a tagger: gradients through padding, and a text's tags alone and in any batch."""

import numpy as np
import pytest

from charlm.config import ModelConfig
from charlm.data.batches import Batch
from charlm.models.base import NetworkSpec
from charlm.nn.cells import CELLS
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from tests.laws.gradient_check import relative_errors
from tests.laws.test_batch_invariance import OUTPUTS, SYMBOLS, TEXTS


def make(seed=0, bidirectional=True, **model):
    config = ModelConfig(**{"hidden": 3, "embedding_size": 2, "dtype": "float64", **model})
    made = NetworkSpec("tagger", config, SYMBOLS, OUTPUTS, {"bidirectional": bidirectional}).build()
    made.params.flat[:] = np.random.default_rng(seed).uniform(-0.8, 0.8, made.params.flat.size)
    return made


def pack(texts, padding=0):
    """A batch of texts whose tags follow from their symbols; one in five has no target."""
    steps = max(map(len, texts)) + padding
    x_TB, y_TB = np.zeros((2, steps, len(texts)), np.uint8)
    for column, text in enumerate(texts):
        x_TB[steps - len(text) :, column] = text
        y_TB[steps - len(text) :, column] = [(3 * symbol + 1) % 4 for symbol in text]
    fields = {"x_TB": x_TB, "length_B": np.array([len(text) for text in texts]), "y_TB": y_TB}
    return Batch(fields, 1, resets_state=True)  # one target: gradients are sums, and add up over batches


def run(model, batch, regularization=NO_REGULARIZATION):
    buffers = model.buffers(*batch["x_TB"].shape, regularization)
    grads = model.params.zeros_like()
    grads.flat[:] = np.nan
    loss, _ = model.loss_and_gradient(batch, (), buffers, grads, np.random.default_rng(4))
    return loss, grads


@pytest.mark.parametrize(("cell", "bidirectional"), [("lstm", True), ("gru", False)])
def test_gradients_through_padding(cell, bidirectional):
    noise = Regularization(dropout=0.3, input_dropout=0.2, weight_drop=0.2)
    model = make(cell=cell, bidirectional=bidirectional, layers=2, encoding="embedding", learned_state=True)
    batch = pack([*TEXTS, []], padding=1)
    _, grads = run(model, batch, noise)
    errors = relative_errors(
        lambda: np.array([run(model, batch, noise)[0]]), dict(model.params), grads, np.random.default_rng(3)
    )
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("cell", CELLS.names())
def test_a_text_has_the_same_tags_alone_and_in_any_batch(cell):
    model = make(cell=cell, layers=2)
    loss, grads = run(model, pack(TEXTS))
    padded_loss, padded = run(model, pack([*TEXTS, [], []], padding=3))
    alone = [run(model, pack([text])) for text in TEXTS]
    assert abs(padded_loss - loss) < 1e-12 and abs(sum(each for each, _ in alone) - loss) < 1e-12
    np.testing.assert_allclose(padded.flat, grads.flat, rtol=0, atol=1e-12)
    np.testing.assert_allclose(sum(each.flat for _, each in alone), grads.flat, rtol=0, atol=1e-12)
    batch = pack([*TEXTS, []], padding=2)
    scores_BTL = model.outputs(batch, model.buffers(*batch["x_TB"].shape))
    for own_TL, text in zip(scores_BTL, TEXTS, strict=False):
        single = pack([text])
        expected = model.outputs(single, model.buffers(*single["x_TB"].shape))[0]
        np.testing.assert_allclose(own_TL[len(own_TL) - len(text) :], expected, rtol=0, atol=1e-12)
