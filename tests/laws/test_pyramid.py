"""The laws of a pyramid: gradients at odd and even lengths, the law of lengths, and what pairs are."""

import numpy as np
import pytest

from charlm.base.errors import UsageError
from charlm.config import ModelConfig
from charlm.models.base import NetworkSpec
from charlm.nn import bidirectional
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from charlm.nn.layer import LayerBuffers, RecurrentLayer
from charlm.nn.pyramid import join_pairs, split_pairs
from tests.laws import pairs
from tests.laws.gradient_check import relative_errors
from tests.laws.test_batch_invariance import SYMBOLS, TEXTS, make, pack, run
from tests.laws.test_whole_texts import errors_of, soften

NOISE = Regularization(dropout=0.3, input_dropout=0.2, weight_drop=0.2)


def classifier(pooling="last", both=True, **model):
    options = {"bidirectional": both, "pooling": pooling, "pyramid": True}
    return soften(make(options=options, **{"layers": 3, **model}), seed=0)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("texts", [TEXTS, [*TEXTS, [1, 4, 2, 0, 3, 1, 2, 2], []]], ids=["odd", "even"])
def test_gradients_of_a_classifier(texts, both):
    model = classifier("mean" if both else "last", both)
    errors = errors_of(model, pack(model, texts), NOISE)
    assert max(errors.values()) < 1e-6, errors


def test_gradients_of_an_encoder_with_attention():
    model = pairs.make(pyramid=True, layers=2)
    _, _, grads = pairs.run(model, pairs.pack(padding=1))
    errors = relative_errors(
        lambda: pairs.run(model, pairs.pack(padding=1))[0], dict(model.params), grads, np.random.default_rng(3)
    )
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_a_text_is_the_same_alone_and_in_any_batch(pooling):
    model = classifier(pooling)
    targets = [0, 1, 2, 0]
    outputs, loss, gradient = run(model, pack(model, TEXTS, targets=targets))
    for padding in (1, 2):
        padded = run(model, pack(model, [*TEXTS, []], padding=padding, targets=[*targets, 0]))
        np.testing.assert_allclose(padded[0][: len(TEXTS)], outputs, rtol=0, atol=1e-12)
        assert abs(padded[1] - loss) < 1e-12
        np.testing.assert_allclose(padded[2], gradient, rtol=0, atol=1e-12)
    alone = [run(model, pack(model, [text], targets=[y])) for text, y in zip(TEXTS, targets, strict=True)]
    np.testing.assert_allclose(np.concatenate([each[0] for each in alone]), outputs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(sum(each[2] for each in alone), gradient, rtol=0, atol=1e-12)


def test_a_pair_is_the_same_alone_and_in_any_batch():
    model = pairs.make(pyramid=True, layers=3)
    _, loss, grads = pairs.run(model, pairs.pack())
    _, padded_loss, padded = pairs.run(model, pairs.pack(padding=3))
    alone = [pairs.run(model, pairs.pack([s], [t])) for s, t in zip(pairs.SOURCES, pairs.TARGETS, strict=True)]
    assert abs(padded_loss - loss) < 1e-12 and abs(sum(each[1] for each in alone) - loss) < 1e-12
    np.testing.assert_allclose(padded.flat, grads.flat, rtol=0, atol=1e-12)
    np.testing.assert_allclose(sum(each[2].flat for each in alone), grads.flat, rtol=0, atol=1e-12)


def test_attention_sees_the_short_axis():
    model = pairs.make(pyramid=True, layers=3)
    batch = pairs.pack()
    weights_BTS = model.weights(batch, model.buffers(12, 4))
    assert weights_BTS.shape[2] == 2  # of 7 steps
    np.testing.assert_allclose(weights_BTS.sum(axis=2), 1, atol=1e-12)
    assert (weights_BTS[:3, :, 0] == 0).all()  # sources of 4 and fewer symbols have one


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_weights_that_ignore_the_first_of_a_pair_are_a_plain_layer_on_every_second_step(cell):
    model = classifier(both=False, layers=2, cell=cell)
    encoder, hidden = model.encoder, model.config.hidden
    upper = encoder.layers[1][0]
    upper.params["W_xh"][:hidden] = 0
    x_TB = np.random.default_rng(1).integers(SYMBOLS, size=(7, 2)).astype(np.uint8)
    length_B = np.array([7, 7])
    buffers = model.buffers(7, 2).encoder
    outputs, finals = encoder.forward(x_TB, length_B, buffers)
    below_TBD = buffers.layers[0][0].output_TBH
    plain = RecurrentLayer(upper.cell, {**upper.params, "W_xh": upper.params["W_xh"][hidden:].copy()})
    size = (4, 2, hidden)
    own = LayerBuffers(upper.cell, size, np.float64, NO_REGULARIZATION, upper.cell.scratch(size, np.float64))
    own.weight_drop.forward(plain.params, None)
    zero = tuple(np.zeros((2, hidden)) for _ in upper.cell.state_names)
    expected, final = plain.forward(below_TBD[::2], zero, None, own, None)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(finals[0], final, rtol=0, atol=1e-14)


def test_the_gradient_of_pairs_goes_back_to_the_steps():
    rng, length_B = np.random.default_rng(0), np.array([5, 2])
    h_TBD, dout = rng.standard_normal((5, 2, 3)), rng.standard_normal((3, 2, 6))
    found = (split_pairs(dout, 5, length_B) * h_TBD).sum()
    np.testing.assert_allclose(found, (dout * join_pairs(h_TBD, length_B)).sum(), rtol=1e-12)


def test_pairs_counted_from_the_start_are_found(monkeypatch):
    def from_the_start(h_TBD, length_B):
        return join_pairs(np.concatenate([h_TBD, np.zeros_like(h_TBD[: len(h_TBD) % 2])]), length_B)

    monkeypatch.setattr(bidirectional, "join_pairs", from_the_start)
    with pytest.raises(AssertionError):
        test_a_text_is_the_same_alone_and_in_any_batch("last")


def test_one_layer_is_no_pyramid():
    options = {"bidirectional": True, "pooling": "last", "pyramid": True}
    with pytest.raises(UsageError, match="--pyramid halves the steps after the first layer"):
        NetworkSpec("classifier", ModelConfig(hidden=3), SYMBOLS, 3, options).build()
