"""One worker's share of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from charlm.base.arrays import FlatVector, Floats
from charlm.config import OptimizerConfig
from charlm.data.batches import Batch
from charlm.engines.numpy.barrier import Barrier
from charlm.engines.numpy.shared_memory import Arena, TrainingMemory
from charlm.models.base import BaseModel
from charlm.nn.dropout import Regularization
from charlm.nn.unit_share import UnitShare
from charlm.optim.base import Optimizer


@dataclass(frozen=True)
class StepRequest:
    """A training step without its arrays.

    Attributes:
        sizes: field shapes without the batch axis.
        num_targets: of all workers.
        resets_state: start from the initial state.
        state: which to read.
        seed: this worker's.
    """

    sizes: Mapping[str, Sequence[int]]
    num_targets: int
    resets_state: bool
    state: int
    seed: int


@dataclass(frozen=True)
class LossRequest(StepRequest):
    """A whole batch to score ``count`` candidates on, all with the same seed."""

    count: int


class RowShare:
    """One worker's share of the units, and its barrier with the others."""

    def __init__(
        self, memory: TrainingMemory, number: int, workers: int, hidden: int, has_core: bool,
        check: Callable[[], None],
    ) -> None:  # fmt: skip
        self.barrier = Barrier(memory.counters, number, workers, has_core, check)
        self.units = UnitShare(hidden, number, workers, memory.exchange.empty, self.barrier)

    def begin(self, seed: int) -> None:
        """Start a step."""
        self.barrier.begin()
        self.units.begin(seed)


def exchanged_bytes(
    model: BaseModel, optimisation: OptimizerConfig, seq_len: int, batch_size: int, workers: int
) -> int:
    """The bytes that workers split by rows exchange in a step."""
    counted = Arena()
    units = UnitShare(model.config.hidden, 0, workers, counted.empty, lambda: None)
    model.shared_buffers(seq_len, batch_size, Regularization.from_config(optimisation), units)
    return counted.size


class Replica:
    """One worker's columns or units, slice of the parameters, buffers and gradient."""

    def __init__(
        self, model: BaseModel, optimizer: Optimizer, memory: TrainingMemory, number: int, columns: slice,
        seq_len: int, optimisation: OptimizerConfig, share: RowShare | None = None,
    ) -> None:  # fmt: skip
        sizes = seq_len, columns.stop - columns.start, Regularization.from_config(optimisation)
        self.buffers = model.buffers(*sizes) if share is None else model.shared_buffers(*sizes, share.units)
        self._share = share
        if share is not None:
            share.barrier.stopwatch = self.buffers.stopwatch
        self._units = slice(None) if share is None else share.units.own
        self._model = model
        self._optimizer = optimizer
        self._number = number
        self._whole: tuple[BaseModel, Any] | None = None
        if optimizer.population:
            regularization = Regularization.from_config(optimisation)
            whole = model.buffers(seq_len, memory.batch_size, regularization)
            self._whole = model.with_params(model.params.zeros_like()), whole
        self._memory = memory
        self._columns = columns
        gradients = [FlatVector(model.shapes, model.dtype, gradient) for gradient in memory.gradients]
        self._grads = gradients[number]
        self._partial: list[tuple[Floats, ...]] = []
        if share is not None:
            self._grads = self._grads.with_views(gradients[0], model.own_parameters)
            partial = [name for name in model.shapes if name not in model.own_parameters]
            for name in partial:
                own = share.units.rows(gradients[0][name].size)
                self._partial.append(tuple(gradient[name].reshape(-1)[own] for gradient in gradients))
        workers, parameters = memory.gradients.shape
        self._stretch = slice(parameters * number // workers, parameters * (number + 1) // workers)

    def run(self, order: StepRequest) -> float:
        """Write the gradient and next state; give the sum of the losses."""
        memory, columns, units = self._memory, self._columns, self._units
        fields = {
            name: np.ascontiguousarray(memory.fields[name][(*map(slice, sizes), columns)])
            for name, sizes in order.sizes.items()
        }
        batch = Batch(fields, order.num_targets, order.resets_state)
        state = tuple(tuple(array[columns, units] for array in layer) for layer in memory.states[order.state])
        if self._share is not None:
            self._share.begin(order.seed)
        # No warning of an overflow: the training process checks that the results are finite.
        with np.errstate(over="ignore", invalid="ignore"):
            nll_sum, after = self._model.loss_and_gradient(
                batch, state, self.buffers, self._grads, np.random.default_rng(order.seed)
            )
        for layer, own in zip(memory.states[1 - order.state], after, strict=True):
            for array, own_BH in zip(layer, own, strict=True):
                array[columns, units] = own_BH
        if self._share is not None:
            self._sum_partial(self._share)
        return nll_sum

    def _sum_partial(self, share: RowShare) -> None:
        """Sum this worker's slice of the gradients of which every worker has computed a part."""
        share.barrier()
        for total, *parts in self._partial:
            for part in parts:
                total += part

    def leave(self) -> None:
        """Tell the other workers not to wait for this one."""
        if self._share is not None:
            self._share.barrier.leave()

    def score(self, order: LossRequest) -> None:
        """Write the losses of this worker's candidates; the state after the first one is carried on."""
        assert self._whole is not None
        memory, (model, buffers) = self._memory, self._whole
        fields = {
            name: memory.fields[name][(*map(slice, sizes), slice(None))] for name, sizes in order.sizes.items()
        }
        batch = Batch(fields, order.num_targets, order.resets_state)
        for number in range(self._number, order.count, len(memory.gradients)):
            model.params.flat[:] = memory.candidates[number]
            with np.errstate(over="ignore", invalid="ignore"):
                found = model.loss(batch, memory.states[order.state], buffers, np.random.default_rng(order.seed))
            memory.losses[number], after = found
            if number == 0:
                for layer, own in zip(memory.states[1 - order.state], after, strict=True):
                    for array, own_BH in zip(layer, own, strict=True):
                        array[:] = own_BH

    def update(self, lr: float, t: int) -> None:
        """Update this worker's slice by the summed gradient, the first."""
        memory, own = self._memory, self._stretch
        slots = {name: slot[own] for name, slot in memory.slots.items() if slot.shape == memory.params.shape}
        # Overflow is not announced here either: the next loss tells.
        with np.errstate(over="ignore", invalid="ignore"):
            self._optimizer.update(memory.params[own], memory.gradients[0, own], slots, lr, t)
