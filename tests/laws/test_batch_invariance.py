"""The law of batch invariance: an example's figures are the same alone, in any batch and at any padding."""

import numpy as np
import pytest

from charlm.config import ModelConfig
from charlm.data.batches import Batch
from charlm.data.buckets import Sequences
from charlm.data.examples import LabelledPart
from charlm.engines.numpy.predictor import Predictor
from charlm.models.base import NetworkSpec
from charlm.nn.cells import CELLS
from charlm.tasks.whole_texts import predict_part
from tests.laws.gradient_check import fill

NETWORKS = ("classifier", "regressor")
OPTIONS = [
    {"bidirectional": bidirectional, "pooling": pooling}
    for bidirectional in (False, True)
    for pooling in ("last", "mean", "max")
]
SYMBOLS, OUTPUTS = 5, 3
TEXTS = [[0, 1, 2, 3], [4], [2, 2], [1, 3, 0, 4, 2, 1, 1]]


def make(network="classifier", options=OPTIONS[-1], seed=0, **model):
    """A network in double precision, away from kinks."""
    config = ModelConfig(**{"hidden": 3, "embedding_size": 2, "dtype": "float64", **model})
    outputs = OUTPUTS if network == "classifier" else 1
    made = NetworkSpec(network, config, SYMBOLS, outputs, options).build()
    fill(made.params, np.random.default_rng(seed), config)
    return made


def pack(model, texts, padding=0, targets=None, weights=None):
    """A batch of texts that end together; an empty text is a column without an example."""
    steps = max(map(len, texts)) + padding
    x_TB = np.zeros((steps, len(texts)), np.uint8)
    for column, text in enumerate(texts):
        x_TB[steps - len(text) :, column] = text
    length_B = np.array([len(text) for text in texts])
    y_B = np.arange(len(texts)) % model.spec.outputs if targets is None else np.array(targets)
    weight_B = np.ones(len(texts)) if weights is None else np.array(weights)
    fields = {"x_TB": x_TB, "length_B": length_B, "y_B": y_B.astype(model.target_dtype), "weight_B": weight_B}
    return Batch(fields, 1, resets_state=True)  # one target: gradients are sums, and add up over batches


def run(model, batch):
    """The outputs, the loss and the gradient of a batch."""
    buffers = model.buffers(*batch["x_TB"].shape)
    outputs = model.outputs(batch, buffers).copy()
    grads = model.params.zeros_like()
    grads.flat[:] = np.nan
    loss, _ = model.loss_and_gradient(batch, (), buffers, grads)
    return outputs, loss, grads.flat


@pytest.mark.parametrize("cell", CELLS.names())
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
@pytest.mark.parametrize("network", NETWORKS)
def test_an_example_is_the_same_alone_and_in_any_batch(network, options, cell):
    settings = [{"layers": 2}, {"encoding": "embedding"}, {"learned_state": True}]
    for number, own in enumerate(settings):
        model = make(network, options, cell=cell, seed=number, **own)
        batch = pack(model, TEXTS)
        targets = batch["y_B"].tolist()
        outputs, loss, gradient = run(model, batch)
        padded = run(model, pack(model, [*TEXTS, [], []], padding=3, targets=[*targets, 0, 0]))
        alone = [run(model, pack(model, [text], targets=[y])) for text, y in zip(TEXTS, targets, strict=True)]
        np.testing.assert_allclose(padded[0][: len(TEXTS)], outputs, rtol=0, atol=1e-12)
        np.testing.assert_allclose(np.concatenate([each[0] for each in alone]), outputs, rtol=0, atol=1e-12)
        assert abs(padded[1] - loss) < 1e-12 and abs(sum(each[1] for each in alone) - loss) < 1e-12
        np.testing.assert_allclose(padded[2], gradient, rtol=0, atol=1e-12)
        np.testing.assert_allclose(sum(each[2] for each in alone), gradient, rtol=0, atol=1e-12)


def test_a_text_is_read_the_same_alone_and_beside_much_longer_ones():
    lengths, rng = np.array([3, 700, 1, 90, *[2] * 40, 66]), np.random.default_rng(0)
    texts = Sequences(rng.integers(SYMBOLS, size=lengths.sum()), np.concatenate([[0], np.cumsum(lengths)]))
    part = LabelledPart([""] * len(lengths), texts, np.zeros(len(lengths), np.int64))
    predictor = Predictor(make())
    alone = [predict_part(predictor, part[number : number + 1]) for number in range(len(part))]
    np.testing.assert_allclose(predict_part(predictor, part), np.concatenate(alone), rtol=0, atol=1e-12)
