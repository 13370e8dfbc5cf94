"""A network whose sequences are divided among ranks: each reads its own, and every rank has all results."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.engines.base import Network, Outputs
from charlm.engines.ranks import Ranks, gather_states, own_columns
from charlm.nn.state import States, select_columns


def spread(network: Network, ranks: Ranks) -> Network:
    """The network on all ranks."""
    return network if ranks.size == 1 else RankedNetwork(network, ranks)


class RankedNetwork(Network):
    """One rank's network, read in step with the others'."""

    def __init__(self, network: Network, ranks: Ranks) -> None:
        self._network, self._ranks = network, ranks
        self._own, self._count = slice(0), 0
        self.plans = network.plans

    def begin(self, batch_size: int) -> None:
        """Start sequences."""
        self._own = own_columns(self._ranks, batch_size)
        self._count = self._own.stop - self._own.start
        # A rank without a sequence reads one that is not used, so that its states have a shape.
        self._network.begin(max(1, self._count))

    @property
    def state(self) -> States:
        """For each layer its variables (B, H)."""
        return gather_states(self._ranks, select_columns(self._network.state, slice(0, self._count)))

    @state.setter
    def state(self, state: States) -> None:
        self.begin(len(state[0][0]))
        if self._count:
            self._network.state = select_columns(state, self._own)

    def read(self, x_TB: TokenIds, carry_TB: Floats | None = None) -> RankedOutputs:
        """Read a window."""
        outputs = None
        if self._count:
            carry = None if carry_TB is None else carry_TB[:, self._own]
            outputs = self._network.read(x_TB[:, self._own], carry)
        return RankedOutputs(outputs, self._own, x_TB.shape[1], self._ranks)

    def step(self, x_B: TokenIds) -> Floats:
        """Read one character of each sequence."""
        logits_BV: Floats = self.read(x_B[None]).logits()[0]
        return logits_BV


class RankedOutputs(Outputs):
    """The predictions of all ranks; None where this one has no sequence."""

    def __init__(self, outputs: Outputs | None, own: slice, batch_size: int, ranks: Ranks) -> None:
        self._outputs, self._own, self._batch_size, self._ranks = outputs, own, batch_size, ranks

    def nll(self, y_TB: TokenIds) -> npt.NDArray[np.float64]:
        """Each target's loss in nats (T, B)."""
        nll_TB = np.zeros(y_TB.shape)
        if self._outputs is not None:
            nll_TB[:, self._own] = self._outputs.nll(y_TB[:, self._own])
        self._ranks.sum_(nll_TB)
        return nll_TB

    def log_probs(self) -> Floats:
        """Log-probabilities (T, B, V)."""
        return self._all(lambda outputs: outputs.log_probs())

    def logits(self) -> Floats:
        """Logits (T, B, V)."""
        return self._all(lambda outputs: outputs.logits())

    def __getitem__(self, times: slice) -> RankedOutputs:
        """Some of the steps."""
        own = None if self._outputs is None else self._outputs[times]
        return RankedOutputs(own, self._own, self._batch_size, self._ranks)

    def _all(self, of: Callable[[Outputs], Floats]) -> Floats:
        """Values (T, B, V) of all ranks, in the order of the sequences."""
        own = None if self._outputs is None else of(self._outputs)
        buffer = io.BytesIO()
        np.save(buffer, np.empty(0) if own is None else own, allow_pickle=False)
        found = (np.load(io.BytesIO(each), allow_pickle=False) for each in self._ranks.gather(buffer.getvalue()))
        return np.concatenate([each for each in found if each.ndim == 3], axis=1)
