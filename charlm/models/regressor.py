"""From a whole text to a number: an encoder, pooling, and one output whose squared error is the loss."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import FlatVector, Floats
from charlm.data.batches import Batch
from charlm.models import classifier
from charlm.nn.readout import logits


class Regressor(classifier.Classifier):
    """A network that gives a text a standardized number; its batches are a classifier's, with numbers ``y_B``."""

    @property
    def target_dtype(self) -> np.dtype[np.generic]:
        """The type of a target: a number."""
        return np.dtype(self.dtype)

    def _output_loss(self, batch: Batch, pooled_BD: Floats, dpooled_BD: Floats, grads: FlatVector) -> float:
        """The squared error; writes the output layer's gradients."""
        errors_B1 = logits(self.params, pooled_BD) - batch["y_B"][:, None]
        errors_B1[batch["length_B"] == 0] = 0
        doutput_B1 = 2 / batch.num_targets * errors_B1 * batch["weight_B"][:, None]
        grads["readout.W_hy"][:] = pooled_BD.T @ doutput_B1
        grads["readout.b_y"][:] = doutput_B1.sum(axis=0)
        np.matmul(doutput_B1, self.params["readout.W_hy"].T, out=dpooled_BD)
        return float(np.square(errors_B1, dtype=np.float64).sum())
