"""The PyTorch engine: steps on one device, with the files, the slots and the order of parameters of charlm."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from charlm.base.arrays import FlatVector, Floats
from charlm.base.timing import Stopwatch
from charlm.config import EngineConfig, OptimizerConfig
from charlm.data.batches import Batch
from charlm.engines.base import Engine, Meanwhile, Network, Snapshot, do_nothing
from charlm.engines.numpy.predictor import Predictor
from charlm.engines.ranked_network import spread
from charlm.engines.ranks import ALONE, Ranks
from charlm.engines.torch.devices import autocast, open_device, report_full_memory, send
from charlm.engines.torch.functions import Functions, Noise, nll_nats
from charlm.engines.torch.network import TorchNetwork, from_numpy, ids_tensor, to_numpy
from charlm.engines.torch.optimizer import TorchOptimizer
from charlm.engines.torch.recurrence import Tensor
from charlm.engines.torch.resets import Resets
from charlm.models.char_rnn import Model
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from charlm.optim import make_optimizer
from charlm.optim.averaging import AVERAGE


class TorchEngine(Engine):
    """Runs steps on one device."""

    def __init__(
        self,
        model: Model,
        optimizer_config: OptimizerConfig,
        batch_size: int,
        config: EngineConfig,
        ranks: Ranks = ALONE,
    ) -> None:
        """Copy the model to the device; on a CPU, weights and slots stay where they are."""
        self._model, self._config, self._ranks = model, config, ranks
        self._device = device = open_device(config, config.workers)
        self._functions = Functions(model.spec)
        slots = make_optimizer(optimizer_config).init(model.params.flat)
        self._slots = {name: torch.from_numpy(slot).to(device) for name, slot in slots.items()}
        self._weights_P = torch.from_numpy(model.params.flat).to(device).requires_grad_()
        self._optimizer = TorchOptimizer(optimizer_config, self._weights_P, self._slots)
        self._states = self._functions.zero_state(batch_size, self._weights_P.detach())
        rates = Regularization.from_config(optimizer_config)
        self._noise = None if rates == NO_REGULARIZATION else Noise(rates, torch.Generator(device))
        self._norm = 0.0
        self._stopwatch = Stopwatch()

    @property
    def gradient(self) -> Floats:
        """The gradient of the last mean loss (P,); on a GPU, a copy."""
        gradient_P: Floats = self._weights_P.grad.cpu().numpy()
        return gradient_P

    def step(self, batch: Batch, rng: np.random.Generator, meanwhile: Meanwhile = do_nothing) -> float:
        """Forward and backward on a batch."""
        self._stopwatch.begin()
        with report_full_memory(self._device):
            nll_sum = self._differentiate(batch, int(rng.integers(2**63)))
            self._stopwatch.end("forward and backward")
            self._ranks.sum_(self._weights_P.grad)
            self._stopwatch.end("sum over ranks")
            # Both are read at once, so that a GPU is waited for once in a step.
            both = torch.stack((nll_sum, _norm(self._weights_P.grad)))
            meanwhile()
            self._stopwatch.end("next batch")
            loss, self._norm = both.tolist()
        self._stopwatch.end("waiting")
        return float(loss)

    def _differentiate(self, batch: Batch, seed: int) -> Tensor:
        """Leave the gradient; the sum of the losses."""
        if self._noise is not None:
            self._noise.generator.manual_seed(seed)
        if batch.resets_state:
            self._states = self._functions.zero_state(batch["x_TB"].shape[1], self._weights_P.detach())
        carry_TB = self._model.carry(batch)
        resets = None if carry_TB is None or carry_TB.all() else Resets(carry_TB, self._device)
        x_TB, y_TB = (ids_tensor(batch[name], self._device) for name in ("x_TB", "y_TB"))
        self._weights_P.grad = None
        with autocast(self._config, self._device):
            params = self._functions.split(self._weights_P)
            h_TBH, after = self._functions.forward(params, x_TB, self._states, resets, self._noise)
            nll_N = nll_nats(self._functions.logits(params, h_TBH), y_TB)
        mask_TB = batch.get("target_mask_TB")
        if mask_TB is not None:
            nll_N = nll_N * send(mask_TB, self._device).flatten()
        (nll_N.sum() / batch.num_targets).backward()
        self._states = tuple(tuple(each.detach() for each in layer) for layer in after)
        return nll_N.detach().sum(dtype=torch.float64)

    def clip(self, value: float, norm: float) -> float:
        """Clip the gradient in place."""
        gradient_P, before = self._weights_P.grad, self._norm
        if value:
            gradient_P.clamp_(-value, value)
            before = float(_norm(gradient_P))
        if 0 < norm < before < float("inf"):
            gradient_P.mul_(norm / before)
        return before

    def update(self, lr: float, t: int) -> None:
        """Update the weights."""
        self._stopwatch.begin()
        self._optimizer.update(lr, t)
        self._stopwatch.end("optimizer")

    def snapshot(self) -> Snapshot:
        """Copies of the weights, slots and states."""
        slots = {name: _copy(slot) for name, slot in self._slots.items()}
        return Snapshot(_copy(self._weights_P), slots, to_numpy(self._states))

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot."""
        with torch.no_grad():
            self._weights_P.copy_(torch.from_numpy(snapshot.weights_P))
            for name, slot in self._slots.items():
                slot.copy_(torch.from_numpy(snapshot.slots[name]))
        self._states = from_numpy(snapshot.states, self._device)

    def model(self) -> Model:
        """The model, with averaged weights if there are any."""
        weights_P = self._slots.get(AVERAGE, self._weights_P).detach().cpu().numpy()
        return self._model.with_params(FlatVector(self._model.shapes, self._model.dtype, weights_P))

    def network(self) -> Network:
        """That model on the device."""
        weights_P = self._slots.get(AVERAGE, self._weights_P).detach()
        return spread(TorchNetwork(self._functions, weights_P, self._config), self._ranks)

    def predictor(self) -> Predictor:
        """That model on NumPy."""
        return Predictor(self.model())

    def profile(self) -> dict[str, float]:
        """Seconds by activity; those of a GPU are spent in waiting for it."""
        return dict(self._stopwatch.seconds)

    def close(self) -> None:
        """Nothing to end."""


def _norm(gradient_P: Tensor) -> Tensor:
    return torch.linalg.vector_norm(gradient_P, dtype=torch.float64)


def _copy(tensor: Tensor) -> Any:
    return tensor.detach().cpu().numpy().copy()
