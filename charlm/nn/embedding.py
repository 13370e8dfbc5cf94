"""From ids to pre-activations, as rows of a table (V, G)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from charlm.base.arrays import Floats, TokenIds
from charlm.config import ModelConfig
from charlm.nn.buffers import Parameters
from charlm.nn.init import normal_, xavier_

# A one-hot input has one active unit; Xavier's rule, made for dense input, would make its weights far too small.
ONE_HOT_DEVIATION = 1.0


class Encoding:
    """How ids enter the first layer: one-hot by default.

    ``shared`` parameters are the network's.
    """

    shared: ClassVar[tuple[str, ...]] = ()

    def full_name(self, name: str) -> str:
        """The name in the network."""
        return name if name in self.shared else f"layers.0.{name}"

    def shapes(self, vocab_size: int, width: int) -> dict[str, tuple[int, ...]]:
        """The parameters' shapes for ``width`` pre-activations."""
        return {"W_xh": (vocab_size, width)}

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        """Fill the parameters in place."""
        normal_(params["W_xh"], ONE_HOT_DEVIATION, rng)

    def rows(self, params: Parameters) -> Floats:
        """Each id's pre-activations (V, G); can be a view."""
        return params["W_xh"]

    def backward(self, params: Parameters, drows_VG: Floats, grads: Parameters) -> None:
        """Write the parameters' gradients."""
        grads["W_xh"][:] = drows_VG


class Embedding(Encoding):
    """A learned vector of E numbers per character (Bengio et al. 2003)."""

    shared: ClassVar[tuple[str, ...]] = ("embedding",)

    def __init__(self, size: int) -> None:
        self.size = size

    def shapes(self, vocab_size: int, width: int) -> dict[str, tuple[int, ...]]:
        return {"embedding": (vocab_size, self.size), "W_xh": (self.size, width)}

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        normal_(params["embedding"], 1.0, rng)
        normal_(params["W_xh"], ONE_HOT_DEVIATION * self.size**-0.5, rng)

    def rows(self, params: Parameters) -> Floats:
        rows_VG: Floats = params["embedding"] @ params["W_xh"]
        return rows_VG

    def backward(self, params: Parameters, drows_VG: Floats, grads: Parameters) -> None:
        np.matmul(drows_VG, params["W_xh"].T, out=grads["embedding"])
        np.matmul(params["embedding"].T, drows_VG, out=grads["W_xh"])


class TiedEmbedding(Embedding):
    """An embedding shared with the output layer (Press & Wolf 2017; Inan et al. 2017)."""

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        xavier_(params["embedding"].T, rng)
        normal_(params["W_xh"], ONE_HOT_DEVIATION, rng)

    def backward(self, params: Parameters, drows_VG: Floats, grads: Parameters) -> None:
        dreadout_VE = grads["embedding"].copy()
        super().backward(params, drows_VG, grads)
        grads["embedding"][:] += dreadout_VE


class OwnEmbedding(Embedding):
    """An embedding that lies with the parameters of its layer."""

    shared = ()


def make_own_encoding(config: ModelConfig) -> Encoding:
    """The settings' encoding of symbols that nothing else reads."""
    return Encoding() if config.encoding == "one-hot" else OwnEmbedding(config.embedding_size)


def make_encoding(config: ModelConfig) -> Encoding:
    """The settings' encoding."""
    if config.encoding == "one-hot":
        return Encoding()
    return TiedEmbedding(config.embedding_size) if config.tied else Embedding(config.embedding_size)


def gather_rows(table_VG: Floats, x_TB: TokenIds, out: Floats) -> None:
    """Write each id's row (T, B, G), batch innermost."""
    table_GV = np.ascontiguousarray(table_VG.T)
    for x_B, out_BG in zip(x_TB, out, strict=True):
        # Ids are in range by construction; mode "raise" would gather into a temporary first.
        np.take(table_GV, x_B, axis=1, out=out_BG.T, mode="clip")


def sum_by_symbol(x_N: TokenIds, da_NG: Floats, out: Floats) -> None:
    """Write a gradient's sums by id (V, G)."""
    out[:] = 0
    order_N = np.argsort(x_N, kind="stable")
    symbols, starts = np.unique(x_N[order_N], return_index=True)
    for symbol, places in zip(symbols, np.split(order_N, starts[1:]), strict=True):
        da_NG[places].sum(axis=0, out=out[symbol])
