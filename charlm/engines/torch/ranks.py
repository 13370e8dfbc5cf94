"""Ranks by torch.distributed: gloo for arrays of a CPU and for control, NCCL for what is on GPUs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist

from charlm.base.errors import WorkerError

AGAIN = "go on from the last checkpoint, by the same command with --or-resume"


class TorchRanks:
    """This process among those that torchrun started."""

    def __init__(self, timeout: float) -> None:
        """Join them.

        Raises:
            WorkerError: they cannot be reached within ``timeout`` seconds.
        """
        self.rank = self.size = 0
        self._timeout = timedelta(seconds=timeout)
        self._gpus: Any = None
        with self._report_loss("cannot reach"):
            store, rank, size = next(dist.rendezvous("env://", timeout=self._timeout))
            # torchrun keeps its store over a restart, with the addresses of the processes before it.
            store = dist.PrefixStore(f"restart-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
            dist.init_process_group("gloo", timeout=self._timeout, store=store, rank=rank, world_size=size)
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def sum_(self, buffer: Any) -> None:
        """Replace an array or a tensor by its sum over ranks."""
        tensor = torch.from_numpy(buffer) if isinstance(buffer, np.ndarray) else buffer
        with self._report_loss():
            if tensor.is_cuda and self._gpus is None:
                self._gpus = dist.new_group(backend="nccl", timeout=self._timeout)
            dist.all_reduce(tensor, group=self._gpus if tensor.is_cuda else None)

    def broadcast(self, message: bytes) -> bytes:
        """Rank 0's message."""
        size = torch.tensor([len(message)])
        with self._report_loss():
            dist.broadcast(size, 0)
            content = (
                _to_tensor(message, int(size)) if self.rank == 0 else torch.empty(int(size), dtype=torch.uint8)
            )
            dist.broadcast(content, 0)
        own: bytes = content.numpy().tobytes()
        return own

    def gather(self, message: bytes) -> list[bytes]:
        """The messages of all ranks, in their order."""
        sizes = torch.zeros(self.size, dtype=torch.int64)
        sizes[self.rank] = len(message)
        self.sum_(sizes)
        longest = int(sizes.max())
        parts = [torch.empty(longest, dtype=torch.uint8) for _ in range(self.size)]
        with self._report_loss():
            dist.all_gather(parts, _to_tensor(message, longest))
        return [part[:size].numpy().tobytes() for part, size in zip(parts, sizes.tolist(), strict=True)]

    def close(self) -> None:
        """Leave the group."""
        with suppress(RuntimeError, ValueError):
            dist.destroy_process_group()

    @contextmanager
    def _report_loss(self, what: str = "has lost") -> Iterator[None]:
        """Turn a failed exchange into one line."""
        try:
            yield
        except RuntimeError as error:
            reason = str(error).splitlines()[0][:200]
            raise WorkerError(
                f"rank {self.rank} on {platform.node()} {what} the other ranks ({reason})", hint=AGAIN
            ) from error


def _to_tensor(message: bytes, size: int) -> Any:
    """Bytes as a tensor, filled up with zeros."""
    content: npt.NDArray[np.uint8] = np.zeros(size, np.uint8)
    content[: len(message)] = np.frombuffer(message, np.uint8)
    return torch.from_numpy(content)
