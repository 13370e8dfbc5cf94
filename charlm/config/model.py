"""What a model is: its cell, its size, and how its input and its numbers are represented."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.base.errors import UsageError
from charlm.base.registry import module_names
from charlm.config.base import Config, setting


@dataclass(frozen=True)
class ModelConfig(Config):
    """The settings that fix a model's parameters and its arithmetic.

    >>> ModelConfig(cell="gru", hidden=128).layers
    1
    """

    cell: str = setting(
        "lstm", "The recurrent cell of every layer.", choices=lambda: module_names("charlm.nn.cells")
    )
    layers: int = setting(1, "Recurrent layers, one on top of the other.", low=1, high=64)
    hidden: int = setting(256, "Hidden units of each layer.", low=1, high=65_536)
    encoding: str = setting(
        "one-hot", "How a character enters the first layer.", choices=("one-hot", "embedding")
    )
    embedding_size: int = setting(
        64, "Width of the learned embedding (with --encoding embedding).", low=1, high=65_536
    )
    tied: bool = setting(
        False, "The readout's weights are the embedding's, which is as wide as the hidden layers.", since=2
    )
    residual: bool = setting(False, "Each layer after the first adds its input to its output.", since=2)
    learned_state: bool = setting(
        False, "The state that a text or a document starts from is learned; otherwise it is zero.", since=2
    )
    nonlinearity: str = setting("tanh", "Activation of the rnn cell.", choices=("tanh", "relu"))
    reset_after: bool = setting(False, "The gru cell resets after the matrix product, as PyTorch and cuDNN do.")
    forget_bias: float = setting(1.0, "Initial bias of an LSTM's forget gate.", low=-100, high=100)
    dtype: str = setting("float32", "Type of every number of the model.", choices=("float32", "float64"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tied and self.encoding != "embedding":
            raise UsageError("--tied shares the embedding with the readout: it needs --encoding embedding")
        if self.tied and self.embedding_size != self.hidden:
            raise UsageError(
                f"--tied needs an embedding as wide as the hidden layers: give --embedding-size {self.hidden}"
            )
