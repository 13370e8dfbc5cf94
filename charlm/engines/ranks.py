"""The processes of one training, its ranks: torchrun starts them, each trains on its columns of every batch."""

from __future__ import annotations

import importlib.util
import json
import platform
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from charlm.base.errors import CharlmError, UsageError
from charlm.base.torchrun import is_ranked
from charlm.nn.state import States

Result = TypeVar("Result")


class Ranks(Protocol):
    """What one rank does together with the others; every rank must call the same methods in the same order.

    Attributes:
        rank: this process's number, from 0.
        size: the number of processes.
    """

    rank: int
    size: int

    def sum_(self, buffer: Any) -> None:
        """Replace an array of this engine's kind by its sum over ranks, the same bits on every rank.

        Raises:
            WorkerError: another rank has ended or does not answer.
        """

    def broadcast(self, message: bytes) -> bytes:
        """Rank 0's message."""

    def gather(self, message: bytes) -> list[bytes]:
        """The messages of all ranks, in their order."""

    def close(self) -> None:
        """Leave the group."""


class Alone:
    """The only rank."""

    rank: int = 0
    size: int = 1

    def sum_(self, buffer: Any) -> None:
        """Leave the sum of one."""

    def broadcast(self, message: bytes) -> bytes:
        """Its own message."""
        return message

    def gather(self, message: bytes) -> list[bytes]:
        """Its own message."""
        return [message]

    def close(self) -> None:
        """Leave nothing."""


ALONE: Ranks = Alone()


def open_ranks(timeout: float) -> Ranks:
    """Join the other processes that torchrun started; alone without it.

    Raises:
        UsageError: PyTorch is missing.
        WorkerError: the others cannot be reached within ``timeout`` seconds.
    """
    if not is_ranked():
        return ALONE
    if importlib.util.find_spec("torch") is None:
        raise UsageError("torchrun needs PyTorch where charlm is installed: pip install 'charlm-rnn[torch]'")
    from charlm.engines.torch.ranks import TorchRanks

    return TorchRanks(timeout)


def own_columns(ranks: Ranks, count: int) -> slice:
    """A rank's share of columns; shares differ by one at most.

    >>> own_columns(ALONE, 5)
    slice(0, 5, None)
    """
    return slice(count * ranks.rank // ranks.size, count * (ranks.rank + 1) // ranks.size)


def gather_states(ranks: Ranks, states: States) -> States:
    """The states of all ranks' sequences, in their order."""
    if ranks.size == 1 or not states:
        return states
    own = np.stack([np.stack(layer) for layer in states])
    shape = (*own.shape[:2], -1, own.shape[3])
    parts = [np.frombuffer(each, own.dtype).reshape(shape) for each in ranks.gather(own.tobytes())]
    return tuple(tuple(layer) for layer in np.concatenate(parts, axis=2))


def together(
    ranks: Ranks, action: Callable[[], Result], facts: Callable[[Result], Mapping[str, Any]] = lambda result: {}
) -> Result:
    """Do something on every rank: if one fails, all do, and what they find must have the same facts.

    Raises:
        CharlmError: the action failed, here or on another rank.
        UsageError: the facts differ.
    """
    if ranks.size == 1:
        return action()
    failure: CharlmError | None = None
    own: dict[str, Any] = {}
    try:
        result = action()
        own = dict(facts(result))
    except CharlmError as error:
        failure, own = error, {"error": str(error)}
    message = json.dumps({"host": platform.node(), **own}).encode()
    found = [json.loads(each) for each in ranks.gather(message)]
    if failure is not None:
        raise failure
    for rank, other in enumerate(found):
        if "error" in other:
            raise CharlmError(f"rank {rank} on {other['host']}: {other['error']}")
        for name, value in found[0].items():
            if name != "host" and other.get(name) != value:
                where = f"rank {rank} on {other['host']} has {name} {other.get(name)}"
                raise UsageError(f"{where}, rank 0 on {found[0]['host']} has {value}: give all ranks the same")
    return result
