"""Memory shared by workers: parameters, batch, states and gradients."""

from __future__ import annotations

import mmap
import os
import secrets
import sys
import tempfile
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import CACHE_LINE, Floats
from charlm.data.batches import Batch
from charlm.engines.numpy.barrier import Barrier
from charlm.models.base import BaseModel
from charlm.nn.state import States
from charlm.optim.base import Optimizer

SLOT = "slot."
Layout: TypeAlias = dict[str, tuple[tuple[int, ...], npt.DTypeLike]]


class SharedMemory:
    """A nameless mapping that child processes can open."""

    def __init__(self, size: int, address: str | None = None) -> None:
        """Map new memory of zeros, or a parent's."""
        self.inherited: tuple[int, ...]
        if sys.platform == "win32":
            # Windows forgets the name with the last process that knows it.
            self.address = f"charlm-{secrets.token_hex(8)}" if address is None else address
            self.inherited = ()
            self.buffer = mmap.mmap(-1, size, tagname=self.address)
        else:
            file = _nameless_file(size) if address is None else int(address)
            self.address = str(file)
            self.inherited = (file,)
            self.buffer = mmap.mmap(file, size)

    def close_file(self) -> None:
        """Close the inherited file; the mapping stays."""
        for file in self.inherited:
            os.close(file)
        self.inherited = ()


class Arena:
    """Allocates arrays in one memory, in the same order in every process; without a memory, counts bytes."""

    def __init__(self, memory: npt.NDArray[np.uint8] | None = None) -> None:
        self.size = 0
        self._memory = memory

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
        """The next array."""
        start, self.size = self.size, self.size + _room(shape, dtype)
        return np.empty(shape, dtype) if self._memory is None else np.ndarray(shape, dtype, self._memory, start)


class TrainingMemory:
    """The arrays of a step, laid out alike in every process."""

    def __init__(
        self,
        model: BaseModel,
        rule: Optimizer,
        seq_len: int,
        batch_size: int,
        workers: int,
        exchanged: int = 0,
        address: str | None = None,
    ) -> None:
        """Lay out new memory, or a parent's, with ``exchanged`` bytes for the exchange within a step."""
        layout = _layout(model, rule, seq_len, batch_size, workers, exchanged)
        self.shared = SharedMemory(_size(layout), address)
        arrays: dict[str, Any] = {}
        start = 0
        for name, (shape, dtype) in layout.items():
            arrays[name] = np.ndarray(shape, dtype, self.shared.buffer, start)
            start += _room(shape, dtype)
        self.params: Floats = arrays["params"]
        self.slots: dict[str, Floats] = {name: arrays[SLOT + name] for name in rule.slot_names}
        self.candidates: Floats = arrays["candidates"]
        self.losses: npt.NDArray[np.float64] = arrays["losses"]
        self.gradients: Floats = arrays["gradients"]
        self.states: tuple[States, ...] = tuple(
            tuple(tuple(layer) for layer in state) for state in arrays["states"]
        )
        self.counters: npt.NDArray[np.int64] = arrays["counters"]
        self.exchange = Arena(arrays["exchange"])
        self.batch_size = batch_size
        spec = model.batch_spec(seq_len, batch_size)
        self.fields: dict[str, npt.NDArray[Any]] = {name: arrays[name] for name in spec}

    def put(self, batch: Batch) -> None:
        """Lay out a batch."""
        for name, values in batch.fields.items():
            self.fields[name][tuple(map(slice, values.shape))] = values


def shared_bytes(
    model: BaseModel, rule: Optimizer, seq_len: int, batch_size: int, workers: int, exchanged: int = 0
) -> int:
    """The size of the shared memory of a training."""
    return _size(_layout(model, rule, seq_len, batch_size, workers, exchanged))


def _layout(
    model: BaseModel, rule: Optimizer, seq_len: int, batch_size: int, workers: int, exchanged: int
) -> Layout:
    parameters = model.params.flat.size
    carried = len(model.zero_state(1))
    tried = 1 + rule.population if rule.population else 0  # the parameters themselves, too
    state = (carried, len(model.cell.state_names), batch_size, model.config.hidden)
    return {
        "params": ((parameters,), model.dtype),
        **{SLOT + name: (shape, model.dtype) for name, shape in rule.slot_shapes(parameters).items()},
        "candidates": ((tried, parameters), model.dtype),
        "losses": ((tried,), np.float64),
        "gradients": ((workers, parameters), model.dtype),
        "states": ((2, *state), model.dtype),
        "counters": ((Barrier.size(workers),), np.int64),
        "exchange": ((exchanged,), np.uint8),
        **model.batch_spec(seq_len, batch_size),
    }


def _size(layout: Layout) -> int:
    return sum(_room(*entry) for entry in layout.values())


def _room(shape: tuple[int, ...], dtype: npt.DTypeLike) -> int:
    """An array's bytes, rounded up to whole cache lines."""
    return -(-prod(shape) * np.dtype(dtype).itemsize // CACHE_LINE) * CACHE_LINE


def _nameless_file(size: int) -> int:
    """A file in memory, or else an unlinked temporary one."""
    if sys.platform == "linux":
        file = os.memfd_create("charlm")
    else:
        with tempfile.TemporaryFile() as temporary:
            file = os.dup(temporary.fileno())
    os.ftruncate(file, size)
    return file
