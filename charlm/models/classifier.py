"""From a whole text to scores of labels: an encoder, pooling, and a linear output layer."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from charlm.base.arrays import FlatVector, Floats, Shapes, id_dtype
from charlm.config import Config
from charlm.config.encoder import EncoderConfig
from charlm.data.batches import Batch, BatchSpec
from charlm.models.base import BaseModel, NetworkSpec
from charlm.nn.bidirectional import Encoder, EncoderBuffers, encoder_shapes
from charlm.nn.buffers import State
from charlm.nn.cells import CELLS
from charlm.nn.dropout import NO_REGULARIZATION, Dropout, Regularization
from charlm.nn.embedding import make_encoding
from charlm.nn.pooling import POOLINGS, Pooling
from charlm.nn.readout import initialize_readout, logits, loss_and_gradient, readout_shapes
from charlm.nn.state import States


class ClassifierBuffers:
    """Buffers for texts of up to ``seq_len`` symbols."""

    def __init__(self, encoder: Encoder, seq_len: int, batch_size: int, regularization: Regularization) -> None:
        self.encoder = EncoderBuffers(encoder, seq_len, batch_size, regularization)
        self.stopwatch = self.encoder.stopwatch
        self.dropout = Dropout((1, batch_size, encoder.width), encoder.dtype, regularization.dropout)


class Classifier(BaseModel):
    """A network that gives a text's labels scores; padding stands in front of the text.

    A batch has ``x_TB``, ``length_B`` (0 for a column without an example), ``y_B`` and ``weight_B``, which weighs
    the gradient of each example.
    """

    config_type: ClassVar[type[Config]] = EncoderConfig

    @classmethod
    def from_spec(cls, spec: NetworkSpec, params: FlatVector | None = None) -> Self:
        """The network on these parameters, or on zeros."""
        return cls(spec, params)

    @classmethod
    def parameter_shapes(cls, spec: NetworkSpec) -> Shapes:
        """Every parameter's shape."""
        config, options = spec.config, EncoderConfig(**spec.options)
        shapes = encoder_shapes(
            CELLS.find(config.cell).from_config(config), config.hidden, config.layers, spec.inputs,
            make_encoding(config), options.bidirectional, config.learned_state, is_pyramid=options.pyramid,
        )  # fmt: skip
        width = config.hidden * (1 + options.bidirectional)
        return shapes | readout_shapes(width, spec.outputs)

    def _use(self, params: FlatVector) -> None:
        options = EncoderConfig(**self.spec.options)
        self.params = params
        self._pooling = POOLINGS[options.pooling]
        self.encoder = Encoder(
            self.cell, params, self.config.layers, make_encoding(self.config), options.bidirectional,
            is_pyramid=options.pyramid,
        )  # fmt: skip

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw every parameter."""
        self.encoder.initialize(rng)
        initialize_readout(self.params, rng)

    def zero_state(self, batch_size: int) -> States:
        """Nothing is carried from one batch to the next."""
        return ()

    def buffers(
        self, seq_len: int, batch_size: int, regularization: Regularization = NO_REGULARIZATION
    ) -> ClassifierBuffers:
        """Buffers for texts of up to ``seq_len`` symbols."""
        return ClassifierBuffers(self.encoder, seq_len, batch_size, regularization)

    def batch_spec(self, seq_len: int, batch_size: int) -> BatchSpec:
        """The fields that ``loss_and_gradient`` reads."""
        return {
            "x_TB": ((seq_len, batch_size), id_dtype(self.spec.inputs)),
            "length_B": ((batch_size,), np.dtype(np.int64)),
            "y_B": ((batch_size,), self.target_dtype),
            "weight_B": ((batch_size,), self.dtype),
        }

    @property
    def target_dtype(self) -> np.dtype[np.generic]:
        """The type of a target: a label's id."""
        return np.dtype(id_dtype(self.spec.outputs))

    def outputs(self, batch: Batch, buffers: ClassifierBuffers) -> Floats:
        """The scores of each example (B, L)."""
        h_TBD, finals = self.encoder.forward(batch["x_TB"], batch["length_B"], buffers.encoder)
        return logits(self.params, self._pool(batch).forward(h_TBD, finals))

    def _pool(self, batch: Batch) -> Pooling:
        return self._pooling(self.encoder.output_length(batch["length_B"]))

    def loss_and_gradient(
        self,
        batch: Batch,
        state: States,
        buffers: ClassifierBuffers,
        grads: FlatVector,
        rng: np.random.Generator | None = None,
    ) -> tuple[float, States]:
        """The summed loss of a batch, without the weights; ``grads`` receives the weighted mean's gradient."""
        buffers.stopwatch.begin()
        pooling = self._pool(batch)
        h_TBD, finals = self.encoder.forward(batch["x_TB"], batch["length_B"], buffers.encoder, rng)
        dh_TBD, dfinals = np.zeros_like(h_TBD), [zeros_like(final) for final in finals]
        pooled_BD = buffers.dropout.forward(pooling.forward(h_TBD, finals)[None], rng)[0]
        dpooled_BD = np.empty_like(pooled_BD)
        loss_sum = self._output_loss(batch, pooled_BD, dpooled_BD, grads)
        buffers.dropout.backward(dpooled_BD[None])
        pooling.backward(dpooled_BD, dh_TBD, dfinals)
        buffers.stopwatch.end("readout")
        self.encoder.backward(dh_TBD, dfinals, buffers.encoder, grads)
        return loss_sum, ()

    def _output_loss(self, batch: Batch, pooled_BD: Floats, dpooled_BD: Floats, grads: FlatVector) -> float:
        """The loss of the output layer: cross-entropy in nats; writes its gradients."""
        is_example_B = batch["length_B"] > 0
        return loss_and_gradient(
            self.params, pooled_BD, batch["y_B"], is_example_B, batch.num_targets, dpooled_BD, grads,
            weight_N=batch["weight_B"],
        )  # fmt: skip


def zeros_like(state: State) -> State:
    """Zeros like each variable of a state."""
    return tuple(np.zeros_like(variable) for variable in state)
