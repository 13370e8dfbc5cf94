"""From a text to scores of a tag for each character: an encoder, and a linear output layer at every step."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from charlm.base.arrays import FlatVector, Floats, id_dtype
from charlm.config import Config
from charlm.config.encoder import DirectionConfig
from charlm.data.batches import Batch, BatchSpec
from charlm.models.classifier import Classifier, ClassifierBuffers, zeros_like
from charlm.nn.buffers import flatten_time
from charlm.nn.dropout import NO_REGULARIZATION, Dropout, Regularization
from charlm.nn.readout import logits, loss_and_gradient
from charlm.nn.state import States


class Tagger(Classifier):
    """A network that gives each character a tag; padding stands in front of the text.

    A batch has ``x_TB``, ``length_B`` (0 for a column without an example) and ``y_TB``, whose ids from the number
    of tags on are no targets. The directions of a layer are joined, since the character itself is given.
    """

    config_type: ClassVar[type[Config]] = DirectionConfig

    def buffers(
        self, seq_len: int, batch_size: int, regularization: Regularization = NO_REGULARIZATION
    ) -> ClassifierBuffers:
        """Buffers for texts of up to ``seq_len`` symbols."""
        made = ClassifierBuffers(self.encoder, seq_len, batch_size, regularization)
        made.dropout = Dropout((seq_len, batch_size, self.encoder.width), self.dtype, regularization.dropout)
        return made

    def batch_spec(self, seq_len: int, batch_size: int) -> BatchSpec:
        """The fields that ``loss_and_gradient`` reads."""
        return {
            "x_TB": ((seq_len, batch_size), id_dtype(self.spec.inputs)),
            "length_B": ((batch_size,), np.dtype(np.int64)),
            "y_TB": ((seq_len, batch_size), id_dtype(self.spec.outputs + 2)),
        }

    def outputs(self, batch: Batch, buffers: ClassifierBuffers) -> Floats:
        """The scores at every step (B, T, L); those of padding have no meaning."""
        h_TBD, _ = self.encoder.forward(batch["x_TB"], batch["length_B"], buffers.encoder)
        scores_NL = logits(self.params, flatten_time(h_TBD))
        return scores_NL.reshape(*h_TBD.shape[:2], -1).swapaxes(0, 1)

    def loss_and_gradient(
        self,
        batch: Batch,
        state: States,
        buffers: ClassifierBuffers,
        grads: FlatVector,
        rng: np.random.Generator | None = None,
    ) -> tuple[float, States]:
        """The summed loss of a batch in nats; ``grads`` receives the mean's gradient."""
        buffers.stopwatch.begin()
        y_TB, steps = batch["y_TB"], len(batch["x_TB"])
        h_TBD, finals = self.encoder.forward(batch["x_TB"], batch["length_B"], buffers.encoder, rng)
        is_target_TB = (np.arange(steps)[:, None] >= steps - batch["length_B"]) & (y_TB < self.spec.outputs)
        h_TBD = buffers.dropout.forward(h_TBD, rng)
        dh_TBD = np.empty_like(h_TBD)
        y_N = np.where(is_target_TB, y_TB, 0).reshape(-1)
        nll_sum = loss_and_gradient(
            self.params, flatten_time(h_TBD), y_N, is_target_TB.reshape(-1), batch.num_targets,
            flatten_time(dh_TBD), grads,
        )  # fmt: skip
        buffers.dropout.backward(dh_TBD)
        buffers.stopwatch.end("readout")
        self.encoder.backward(dh_TBD, [zeros_like(final) for final in finals], buffers.encoder, grads)
        return nll_sum, ()
