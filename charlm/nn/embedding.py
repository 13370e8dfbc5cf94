"""From ids to pre-activations, as rows of a table (V, G)."""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.config import ModelConfig
from charlm.nn.buffers import Parameters
from charlm.nn.init import normal_, xavier_

# A one-hot input has one active unit; Xavier's rule, made for dense input, would make its weights far too small.
ONE_HOT_DEVIATION = 1.0

Ids: TypeAlias = npt.NDArray[Any] | slice
"""Different ids (S,)."""
EVERY_ID: Final = slice(None)


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

    def rows(self, params: Parameters, ids: Ids = EVERY_ID) -> Floats:
        """The pre-activations of ids (S, G), of all by default; can be a view."""
        rows_SG: Floats = params["W_xh"][ids]
        return rows_SG

    def backward(self, params: Parameters, drows_SG: Floats, grads: Parameters, ids: Ids = EVERY_ID) -> None:
        """Write the parameters' gradients, from those of the ids' rows."""
        _put_rows(grads["W_xh"], ids, drows_SG)


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

    def rows(self, params: Parameters, ids: Ids = EVERY_ID) -> Floats:
        rows_SG: Floats = params["embedding"][ids] @ params["W_xh"]
        return rows_SG

    def backward(self, params: Parameters, drows_SG: Floats, grads: Parameters, ids: Ids = EVERY_ID) -> None:
        self._put(grads["embedding"], ids, drows_SG @ params["W_xh"].T)
        np.matmul(params["embedding"][ids].T, drows_SG, out=grads["W_xh"])

    def _put(self, dembedding_VE: Floats, ids: Ids, drows_SE: Floats) -> None:
        _put_rows(dembedding_VE, ids, drows_SE)


class TiedEmbedding(Embedding):
    """An embedding shared with the output layer (Press & Wolf 2017; Inan et al. 2017)."""

    def initialize(self, params: Parameters, rng: np.random.Generator) -> None:
        xavier_(params["embedding"].T, rng)
        normal_(params["W_xh"], ONE_HOT_DEVIATION, rng)

    def _put(self, dembedding_VE: Floats, ids: Ids, drows_SE: Floats) -> None:
        dembedding_VE[ids] += drows_SE  # to the output layer's


class OwnEmbedding(Embedding):
    """An embedding that lies with the parameters of its layer."""

    shared = ()


def _put_rows(out_VX: Floats, ids: Ids, rows_SX: Floats) -> None:
    """Write the rows of ids, and zeros elsewhere."""
    if ids is not EVERY_ID:
        out_VX[:] = 0
    out_VX[ids] = rows_SX


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
