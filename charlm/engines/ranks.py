"""The processes of one training, its ranks: torchrun starts them, each trains on its columns of every batch."""

from __future__ import annotations

import os
from typing import Any, Protocol


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


def is_ranked() -> bool:
    """Whether torchrun started this process."""
    return "RANK" in os.environ


def local_rank() -> int:
    """This process's number among those of this host."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_size() -> int:
    """The number of processes of this training on this host."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def own_columns(ranks: Ranks, count: int) -> slice:
    """A rank's share of columns; shares differ by one at most.

    >>> own_columns(ALONE, 5)
    slice(0, 5, None)
    """
    return slice(count * ranks.rank // ranks.size, count * (ranks.rank + 1) // ranks.size)
