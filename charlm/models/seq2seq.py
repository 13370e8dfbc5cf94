"""From text to text: an encoder, a bridge, a decoder, attention, and an output layer (Sutskever et al. 2014).

The encoder reads the source, padded in front. The bridge maps its final state to the decoder's initial one. The
decoder predicts the target symbol by symbol after the end symbol, in training with the right symbols as inputs
(teacher forcing), padded behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import FlatVector, Floats, Shapes, TokenIds, id_dtype
from charlm.base.errors import UsageError
from charlm.config.encoder import NO_ATTENTION, Seq2SeqConfig
from charlm.data.batches import Batch, BatchSpec
from charlm.models.base import BaseModel, NetworkSpec
from charlm.nn.attention import ATTENTIONS
from charlm.nn.attention_layer import PREFIX, AttentionCache, AttentionLayer, attention_shapes
from charlm.nn.bidirectional import Encoder, EncoderBuffers, encoder_shapes
from charlm.nn.bridge import Bridge, bridge_shapes
from charlm.nn.buffers import State, flatten_time
from charlm.nn.cells import CELLS
from charlm.nn.dropout import NO_REGULARIZATION, Dropout, Regularization
from charlm.nn.embedding import make_encoding, make_own_encoding
from charlm.nn.readout import initialize_readout, logits, loss_and_gradient, nll_nats, readout_shapes
from charlm.nn.stack import Stack, StackBuffers
from charlm.nn.state import States, select_columns

DECODER = "decoder."


@dataclass(frozen=True)
class Sizes:
    """The widths of a network: ``key`` of the encoder's outputs, ``query`` of the decoder's."""

    key: int
    query: int

    @classmethod
    def of(cls, spec: NetworkSpec) -> Self:
        """The widths of these settings."""
        options = Seq2SeqConfig(**spec.options)
        key = spec.config.hidden * (1 + options.bidirectional)
        return cls(key, options.decoder_hidden or key)


@dataclass(frozen=True)
class Encoded:
    """Sources that were read: the encoder's outputs, where its own steps are, the decoder's first state."""

    k_SBD: Floats
    is_source_SB: npt.NDArray[np.bool_]
    state: States

    def select(self, columns: list[int]) -> Encoded:
        """Some of the sources."""
        return Encoded(self.k_SBD[:, columns], self.is_source_SB[:, columns], select_columns(self.state, columns))


class Seq2SeqBuffers:
    """Buffers for sources and targets of up to ``seq_len`` symbols."""

    def __init__(
        self, model: Seq2Seq, seq_len: int, batch_size: int, regularization: Regularization = NO_REGULARIZATION
    ) -> None:
        sizes = seq_len, batch_size, regularization
        self.encoder = EncoderBuffers(model.encoder, *sizes)
        self.decoder = StackBuffers(model.decoder, *sizes)
        self.keys = Dropout((seq_len, batch_size, model.encoder.width), model.dtype, regularization.dropout)
        self.finals: list[State] = []
        self.attention: AttentionCache | None = None
        self.stopwatch = self.encoder.stopwatch
        self.decoder.layers[0].scratch.stopwatch = self.stopwatch


class Seq2Seq(BaseModel):
    """A network that answers a source with a target.

    A batch has ``x_SB``, ``length_B`` (0 for a column without an example), ``y_TB`` with the ends of the targets,
    and ``target_mask_TB``.
    """

    config_type = Seq2SeqConfig

    @classmethod
    def from_spec(cls, spec: NetworkSpec, params: FlatVector | None = None) -> Self:
        """The network on these parameters, or on zeros."""
        return cls(spec, params)

    @classmethod
    def parameter_shapes(cls, spec: NetworkSpec) -> Shapes:
        """Every parameter's shape.

        Raises:
            UsageError: the attention cannot have these widths.
        """
        config, options, sizes = spec.config, Seq2SeqConfig(**spec.options), Sizes.of(spec)
        cell = CELLS.find(config.cell).from_config(config)
        shapes = encoder_shapes(
            cell, config.hidden, config.layers, spec.inputs, make_encoding(config), options.bidirectional,
            config.learned_state, is_pyramid=options.pyramid,
        )  # fmt: skip
        shapes |= bridge_shapes(cell, sizes.key, config.layers, sizes.query)
        shapes |= encoder_shapes(
            cell, sizes.query, config.layers, spec.outputs, make_own_encoding(config), is_bidirectional=False,
            has_learned_state=False, prefix=DECODER,
        )  # fmt: skip
        if options.attention != NO_ATTENTION:
            score = ATTENTIONS.find(options.attention)
            if reason := score.why_not(sizes.query, sizes.key):
                raise UsageError(
                    f"--attention {options.attention} {reason}: give --attention general or additive"
                )
            shapes |= attention_shapes(score, sizes.query, sizes.key)
        return shapes | readout_shapes(sizes.query, spec.outputs)

    def _use(self, params: FlatVector) -> None:
        config, options = self.config, Seq2SeqConfig(**self.spec.options)
        self.params = params
        self.end = self.spec.outputs - 1
        self.encoder = Encoder(
            self.cell, params, config.layers, make_encoding(config), options.bidirectional,
            is_pyramid=options.pyramid,
        )  # fmt: skip
        self.bridge = Bridge(self.cell, params, config.layers)
        self.decoder = Stack(self.cell, params, config.layers, f"{DECODER}layers.", make_own_encoding(config))
        self.attention: AttentionLayer | None = None
        if options.attention != NO_ATTENTION:
            self.attention = AttentionLayer(ATTENTIONS.find(options.attention)(), params.part(PREFIX))

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw every parameter."""
        self.encoder.initialize(rng)
        self.bridge.initialize(rng)
        self.decoder.initialize(rng)
        if self.attention is not None:
            self.attention.initialize(rng)
        initialize_readout(self.params, rng)

    def zero_state(self, batch_size: int) -> States:
        """Nothing is carried from one batch to the next."""
        return ()

    def buffers(
        self, seq_len: int, batch_size: int, regularization: Regularization = NO_REGULARIZATION
    ) -> Seq2SeqBuffers:
        """Buffers for sources and targets of up to ``seq_len`` symbols."""
        return Seq2SeqBuffers(self, seq_len, batch_size, regularization)

    def batch_spec(self, seq_len: int, batch_size: int) -> BatchSpec:
        """The fields that ``loss_and_gradient`` reads."""
        shape = (seq_len, batch_size)
        return {
            "x_SB": (shape, id_dtype(self.spec.inputs)),
            "length_B": ((batch_size,), np.dtype(np.int64)),
            "y_TB": (shape, id_dtype(self.spec.outputs)),
            "target_mask_TB": (shape, np.dtype(np.bool_)),
        }

    def encode(
        self, x_SB: TokenIds, length_B: npt.NDArray[np.integer], buffers: Seq2SeqBuffers,
        rng: np.random.Generator | None = None,
    ) -> Encoded:  # fmt: skip
        """Read sources, and begin their targets."""
        k_SBD, buffers.finals = self.encoder.forward(x_SB, length_B, buffers.encoder, rng)
        is_source_SB = np.arange(len(k_SBD))[:, None] >= len(k_SBD) - self.encoder.output_length(length_B)
        return Encoded(buffers.keys.forward(k_SBD, rng), is_source_SB, self.bridge.forward(buffers.finals))

    def forward(self, batch: Batch, buffers: Seq2SeqBuffers, rng: np.random.Generator | None = None) -> Floats:
        """What the output layer reads (T, B, H), with teacher forcing."""
        encoded, y_TB = self.encode(batch["x_SB"], batch["length_B"], buffers, rng), batch["y_TB"]
        inputs_TB = np.concatenate([np.full_like(y_TB[:1], self.end), y_TB[:-1]])
        q_TBH, _ = self.decoder.forward(inputs_TB, encoded.state, buffers.decoder, rng=rng)
        if self.attention is None:
            return q_TBH
        output_TBH, buffers.attention = self.attention.forward(q_TBH, encoded.k_SBD, encoded.is_source_SB)
        return output_TBH

    def loss_and_gradient(
        self,
        batch: Batch,
        state: States,
        buffers: Seq2SeqBuffers,
        grads: FlatVector,
        rng: np.random.Generator | None = None,
    ) -> tuple[float, States]:
        """The summed loss of a batch in nats; ``grads`` receives the mean's gradient."""
        buffers.stopwatch.begin()
        output_TBH = self.forward(batch, buffers, rng)
        dh_TBH = np.empty_like(output_TBH)
        loss_sum = loss_and_gradient(
            self.params, flatten_time(output_TBH), batch["y_TB"].reshape(-1),
            batch["target_mask_TB"].reshape(-1), batch.num_targets, flatten_time(dh_TBH), grads,
        )  # fmt: skip
        buffers.stopwatch.end("readout")
        steps, batch_size = batch["x_SB"].shape
        dk_SBD: Floats = np.zeros(
            (-(-steps // 2**self.encoder.halvings), batch_size, self.encoder.width), self.dtype
        )
        if self.attention is not None and buffers.attention is not None:
            dh_TBH, dk_SBD = self.attention.backward(dh_TBH, buffers.attention, grads.part(PREFIX))
            buffers.stopwatch.end("attention")
        zero = self.decoder.zero_state(dh_TBH.shape[1])
        _, dstate = self.decoder.backward(dh_TBH, zero, buffers.decoder, grads)
        buffers.keys.backward(dk_SBD)
        dfinals = self.bridge.backward(buffers.finals, dstate, grads)
        self.encoder.backward(dk_SBD, dfinals, buffers.encoder, grads)
        return loss_sum, ()

    def outputs(self, batch: Batch, buffers: Seq2SeqBuffers) -> Floats:
        """The loss of each target symbol (B, T) in nats, 0 where there is none."""
        h_NH, y_TB = flatten_time(self.forward(batch, buffers)), batch["y_TB"]
        nll_TB = nll_nats(self.params, h_NH, y_TB.reshape(-1)).reshape(y_TB.shape)
        return np.where(batch["target_mask_TB"], nll_TB, 0).T

    def weights(self, batch: Batch, buffers: Seq2SeqBuffers) -> Floats:
        """The attention of each target step to each source step (B, T, S), with teacher forcing."""
        self.forward(batch, buffers)
        assert buffers.attention is not None, "the network has no attention"
        return buffers.attention.alpha_BTS

    def step(self, y_BK: TokenIds, state: States, encoded: Encoded) -> tuple[Floats, States]:
        """Read a symbol in each of K hypotheses of B sources: the logits (B, K, V), and the state (B x K, H)."""
        (batch_size, hypotheses), width = y_BK.shape, self.decoder.hidden
        q_NH, after = self.decoder.step(y_BK.reshape(-1), state)
        if self.attention is not None:
            q_KBH = q_NH.reshape(batch_size, hypotheses, width).transpose(1, 0, 2)
            output_KBH, _ = self.attention.forward(q_KBH, encoded.k_SBD, encoded.is_source_SB)
            q_NH = output_KBH.transpose(1, 0, 2).reshape(-1, width)
        return logits(self.params, q_NH).reshape(batch_size, hypotheses, -1), after
