"""Small encoders and decoders in double precision, and batches of pairs for them."""

import numpy as np

from charlm.config import ModelConfig
from charlm.data.batches import Batch
from charlm.models.base import NetworkSpec
from charlm.nn.attention import ATTENTIONS
from charlm.nn.dropout import NO_REGULARIZATION

SYMBOLS, OUTPUTS = 5, 4
END = OUTPUTS - 1
SOURCES = [[0, 1, 2, 3], [4], [2, 2], [1, 3, 0, 4, 2, 1, 1]]
TARGETS = [[0, 1], [2, 2, 1, 0, 0], [1], []]
ATTENTION = ("none", *ATTENTIONS.names())


def make(attention="dot", seed=0, bidirectional=True, pyramid=False, **model):
    """A network with small weights, so that no unit is near its bounds."""
    config = ModelConfig(**{"hidden": 3, "embedding_size": 2, "dtype": "float64", **model})
    options = {"attention": attention, "bidirectional": bidirectional, "decoder_hidden": None, "pyramid": pyramid}
    if attention not in ("none", "dot"):
        options["decoder_hidden"] = 4
    made = NetworkSpec("seq2seq", config, SYMBOLS, OUTPUTS, options).build()
    made.params.flat[:] = np.random.default_rng(seed).uniform(-0.8, 0.8, made.params.flat.size)
    return made


def pack(sources=SOURCES, targets=TARGETS, padding=0):
    """A batch of pairs; a target of None makes a column without an example."""
    steps, target_steps = (max(map(len, each)) + padding for each in (sources, [t or [] for t in targets]))
    x_SB = np.zeros((steps, len(sources)), np.uint8)
    y_TB = np.full((target_steps + 1, len(sources)), END, np.uint8)
    for column, (source, target) in enumerate(zip(sources, targets, strict=True)):
        x_SB[steps - len(source) :, column] = source
        y_TB[: len(target or []), column] = target or []
    lengths = np.array([0 if target is None else len(target) + 1 for target in targets])
    fields = {
        "x_SB": x_SB,
        "length_B": np.array([len(source) for source in sources]),
        "y_TB": y_TB,
        "target_mask_TB": np.arange(target_steps + 1)[:, None] < lengths,
    }
    return Batch(fields, 1, resets_state=True)  # one target: gradients are sums, and add up over batches


def run(model, batch, regularization=NO_REGULARIZATION):
    """The loss of each symbol, their sum, and the gradient of a batch; with a seed for dropout."""
    buffers = model.buffers(12, batch["x_SB"].shape[1], regularization)
    nll_BT = model.outputs(batch, buffers)
    grads = model.params.zeros_like()
    grads.flat[:] = np.nan
    loss, _ = model.loss_and_gradient(batch, (), buffers, grads, np.random.default_rng(4))
    return nll_BT, loss, grads
