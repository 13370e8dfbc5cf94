"""One worker's share of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from charlm.base.arrays import FlatVector
from charlm.config import OptimizerConfig
from charlm.data.batches import Batch
from charlm.engines.numpy.shared_memory import TrainingMemory
from charlm.models.base import BaseModel
from charlm.nn.dropout import Regularization
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


class Replica:
    """One worker's columns, slice, buffers and gradient."""

    def __init__(
        self, model: BaseModel, optimizer: Optimizer, memory: TrainingMemory, number: int, columns: slice,
        seq_len: int, optimisation: OptimizerConfig,
    ) -> None:  # fmt: skip
        self.buffers = model.buffers(
            seq_len, columns.stop - columns.start, Regularization.from_config(optimisation)
        )
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
        self._grads = FlatVector(model.shapes, model.dtype, memory.gradients[number])
        workers, parameters = memory.gradients.shape
        self._stretch = slice(parameters * number // workers, parameters * (number + 1) // workers)

    def run(self, order: StepRequest) -> float:
        """Write the gradient and next state; give the sum of the losses."""
        memory, columns = self._memory, self._columns
        fields = {
            name: np.ascontiguousarray(memory.fields[name][(*map(slice, sizes), columns)])
            for name, sizes in order.sizes.items()
        }
        batch = Batch(fields, order.num_targets, order.resets_state)
        state = tuple(tuple(array[columns] for array in layer) for layer in memory.states[order.state])
        # Overflow is not announced: whoever reads the results checks that they are finite.
        with np.errstate(over="ignore", invalid="ignore"):
            nll_sum, after = self._model.loss_and_gradient(
                batch, state, self.buffers, self._grads, np.random.default_rng(order.seed)
            )
        for layer, own in zip(memory.states[1 - order.state], after, strict=True):
            for array, own_BH in zip(layer, own, strict=True):
                array[columns] = own_BH
        return nll_sum

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
