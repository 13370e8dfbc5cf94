"""How a character enters the network: as a row of a table, what its symbol adds to pre-activations.

A one-hot vector times a matrix is a row of that matrix, so the first layer's product with its input is a
gather of rows: of W_xh itself for one-hot input, of embedding @ W_xh, projected once a chunk, for a learned
embedding. Both cost the same, because V is far smaller than T * B.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from charlm.base.arrays import Floats, TokenIds
from charlm.config import ModelConfig
from charlm.nn.buffers import Parameters
from charlm.nn.init import normal_, xavier_

# A one-hot input has one active unit, so a row of its weights is all that a step's input has to say; Xavier's
# rule, made for dense input, would make it far too quiet.
ONE_HOT_DEVIATION = 1.0


class Encoding(ABC):
    """The first layer's view of a character, whose W_xh is among the encoding's parameters.

    Attributes of a class:
        shared: the parameters that belong to the network, not to its first layer.
    """

    shared: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def shapes(self, vocab_size: int, width: int) -> dict[str, tuple[int, ...]]:
        """The parameters of the encoding and of the first layer's input, for ``width`` pre-activations."""

    @abstractmethod
    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        """Fill the parameters in place."""

    @abstractmethod
    def rows(self, params: Parameters) -> Floats:
        """What every symbol adds to the first layer's pre-activations (V, G), maybe a view of a parameter."""

    @abstractmethod
    def backward(self, params: Parameters, drows_VG: Floats, grads: Parameters) -> None:
        """Write the gradients of the encoding's own parameters, from the rows'."""


class OneHot(Encoding):
    """One input unit a symbol."""

    def shapes(self, vocab_size: int, width: int) -> dict[str, tuple[int, ...]]:
        """W_xh with a row a symbol."""
        return {"W_xh": (vocab_size, width)}

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        """Large normal rows, in place."""
        normal_(params["W_xh"], ONE_HOT_DEVIATION, rng)

    def rows(self, params: Parameters) -> Floats:
        """W_xh itself."""
        return params["W_xh"]

    def backward(self, params: Parameters, drows_VG: Floats, grads: Parameters) -> None:
        """The rows' gradient is W_xh's."""
        grads["W_xh"][:] = drows_VG


class Embedding(Encoding):
    """A learned vector of E numbers a symbol (Bengio et al. 2003)."""

    shared = ("embedding",)

    def __init__(self, size: int) -> None:
        self.size = size

    def shapes(self, vocab_size: int, width: int) -> dict[str, tuple[int, ...]]:
        """The table of embeddings, and W_xh."""
        return {"embedding": (vocab_size, self.size), "W_xh": (self.size, width)}

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        """Unit normal embeddings, and W_xh such that pre-activations are as loud as one-hot input's."""
        normal_(params["embedding"], 1.0, rng)
        normal_(params["W_xh"], ONE_HOT_DEVIATION * self.size**-0.5, rng)

    def rows(self, params: Parameters) -> Floats:
        """Every symbol's embedding, projected."""
        rows_VG: Floats = params["embedding"] @ params["W_xh"]
        return rows_VG

    def backward(self, params: Parameters, drows_VG: Floats, grads: Parameters) -> None:
        """Back through the projection."""
        np.matmul(drows_VG, params["W_xh"].T, out=grads["embedding"])
        np.matmul(params["embedding"].T, drows_VG, out=grads["W_xh"])


class TiedEmbedding(Embedding):
    """An embedding whose matrix is the readout's too, transposed (Press & Wolf 2017; Inan et al. 2017)."""

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        """Embeddings as the readout wants its weights; W_xh such that pre-activations are as loud as one-hot."""
        xavier_(params["embedding"].T, rng)
        normal_(params["W_xh"], ONE_HOT_DEVIATION, rng)

    def backward(self, params: Parameters, drows_VG: Floats, grads: Parameters) -> None:
        """Back through the projection; the embedding's gradient is added to what the readout has written."""
        dreadout_VE = grads["embedding"].copy()
        super().backward(params, drows_VG, grads)
        grads["embedding"][:] += dreadout_VE


def encoding_of(config: ModelConfig) -> Encoding:
    """The encoding that a model's settings ask for."""
    if config.encoding == "one-hot":
        return OneHot()
    return TiedEmbedding(config.embedding_size) if config.tied else Embedding(config.embedding_size)


def gather_rows(table_VG: Floats, x_TB: TokenIds, out: Floats) -> None:
    """The row of each symbol (T, B, G), written into memory that has the batch innermost."""
    table_GV = np.ascontiguousarray(table_VG.T)
    for x_B, out_BG in zip(x_TB, out, strict=True):
        # Ids are in range by construction; mode "raise" would gather into a temporary first.
        np.take(table_GV, x_B, axis=1, out=out_BG.T, mode="clip")


def sum_by_symbol(x_N: TokenIds, da_NG: Floats, out: Floats) -> None:
    """Sum the rows of a gradient by the symbol that each belongs to: the gather's derivative.

    Args:
        x_N: a symbol a row.
        da_NG: the rows.
        out: the sums (V, G), written.
    """
    out[:] = 0
    order_N = np.argsort(x_N, kind="stable")
    symbols, starts = np.unique(x_N[order_N], return_index=True)
    for symbol, places in zip(symbols, np.split(order_N, starts[1:]), strict=True):
        da_NG[places].sum(axis=0, out=out[symbol])
