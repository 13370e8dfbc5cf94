"""Settings that several tasks share: of encoders, decoders and pairs."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.base.registry import module_names
from charlm.config.base import Config, setting

BEAM = 4  # default number of hypotheses of a beam search
NO_ATTENTION = "none"
TARGET_UNITS = ("characters", "words")


@dataclass(frozen=True)
class DirectionConfig(Config):
    """The direction of an encoder."""

    bidirectional: bool = setting(True, "Read the text in both directions.", since=6)


@dataclass(frozen=True)
class PyramidConfig(DirectionConfig):
    """The settings of an encoder that can be a pyramid."""

    pyramid: bool = setting(
        False, "Pyramidal encoder: each layer after the first halves the number of steps.", since=14
    )


@dataclass(frozen=True)
class EncoderConfig(PyramidConfig):
    """The settings of an encoder and its pooling."""

    pooling: str = setting(
        "max",
        "The text's vector: the final states, or each unit's mean or largest value.",
        choices=("last", "mean", "max"),
        since=6,
    )


@dataclass(frozen=True)
class Seq2SeqConfig(PyramidConfig):
    """The settings of an encoder and a decoder."""

    decoder_hidden: int | None = setting(
        None,
        "Hidden units of the decoder.",
        low=1,
        high=65_536,
        since=11,
        otherwise="the width of the encoder's outputs",
    )
    attention: str = setting(
        "dot",
        "Attention score.",
        choices=lambda: (NO_ATTENTION, *module_names("charlm.nn.attention")),
        since=11,
    )


@dataclass(frozen=True)
class PairsConfig(Config):
    """How targets are read."""

    target_units: str = setting(
        "characters", "Symbols of a target: characters, or words between spaces.", choices=TARGET_UNITS, since=11
    )
