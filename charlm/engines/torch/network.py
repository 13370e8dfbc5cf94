"""A network for inference on PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charlm.base.arrays import Floats, TokenIds
from charlm.config import DeviceConfig
from charlm.engines.base import Network, Outputs
from charlm.engines.torch.devices import autocast, open_device, report_full_memory, send
from charlm.engines.torch.functions import Functions, nll_nats
from charlm.engines.torch.recurrence import Parameters, Tensor, TensorState
from charlm.engines.torch.resets import Resets
from charlm.models.char_rnn import Model
from charlm.nn.readout import log_softmax_
from charlm.nn.state import States

GPU_PLANS = ((1024, 256),)
"""As many sequences of a long text as keep a GPU busy, with the usual number of characters before each."""


def open_network(model: Model, config: DeviceConfig) -> Network:
    """A network of a model's weights."""
    device = open_device(config)
    weights_P = torch.from_numpy(model.params.flat).to(device)
    return TorchNetwork(Functions(model.spec), weights_P, config)


class TorchNetwork(Network):
    """A network on one device, with the weights as they are at its creation."""

    def __init__(self, functions: Functions, weights_P: Tensor, config: DeviceConfig) -> None:
        self._functions, self._config = functions, config
        self._device = weights_P.device
        self._params = functions.split(weights_P)
        self._prepared = functions.prepare(self._params)
        self._states: tuple[TensorState, ...] = ()
        self.plans = GPU_PLANS if self._device.type == "cuda" else ()

    def begin(self, batch_size: int) -> None:
        """Start sequences."""
        initial = self._functions.initial_state(self._params)
        self._states = tuple(tuple(each.expand(batch_size, -1) for each in layer) for layer in initial)

    @property
    def state(self) -> States:
        """For each layer its variables (B, H)."""
        return to_numpy(self._states)

    @state.setter
    def state(self, state: States) -> None:
        self._states = from_numpy(state, self._device)

    def read(self, x_TB: TokenIds, carry_TB: Floats | None = None) -> TorchOutputs:
        """Read a window."""
        resets = None if carry_TB is None else Resets(carry_TB, self._device)
        with torch.inference_mode(), autocast(self._config, self._device), report_full_memory(self._device):
            x = ids_tensor(x_TB, self._device)
            forward = self._functions.forward
            h_TBH, self._states = forward(self._params, x, self._states, resets, prepared=self._prepared)
        return TorchOutputs(self._functions, self._params, h_TBH)

    def step(self, x_B: TokenIds) -> Floats:
        """Read one character of each sequence."""
        logits_BV: Floats = self.read(x_B[None]).logits()[0]
        return logits_BV


class TorchOutputs(Outputs):
    """Predictions from hidden states (T, B, H) on a device."""

    def __init__(self, functions: Functions, params: Parameters, h_TBH: Tensor) -> None:
        self._functions, self._params, self._h_TBH = functions, params, h_TBH

    def nll(self, y_TB: TokenIds) -> npt.NDArray[np.float64]:
        """Each target's loss in nats (T, B)."""
        with torch.inference_mode():
            nll_N = nll_nats(self._logits(), ids_tensor(y_TB, self._h_TBH.device))
        nll_TB: npt.NDArray[np.float64] = nll_N.view(y_TB.shape).double().cpu().numpy()
        return nll_TB

    def log_probs(self) -> Floats:
        """Log-probabilities (T, B, V)."""
        logits_TBV = self.logits()
        log_softmax_(logits_TBV.reshape(-1, logits_TBV.shape[-1]))
        return logits_TBV

    def logits(self) -> Floats:
        """Logits (T, B, V)."""
        with torch.inference_mode():
            logits_TBV: Floats = self._logits().cpu().numpy()
        return logits_TBV

    def __getitem__(self, times: slice) -> TorchOutputs:
        """Some of the steps."""
        return TorchOutputs(self._functions, self._params, self._h_TBH[times])

    def _logits(self) -> Tensor:
        h_TBH = self._h_TBH.to(self._params["readout.b_y"].dtype)
        return self._functions.logits(self._params, h_TBH)


def ids_tensor(ids: npt.NDArray[Any], device: Any) -> Tensor:
    """Ids as PyTorch's integers."""
    return send(ids.astype(np.int64), device)


def to_numpy(states: tuple[TensorState, ...]) -> States:
    """Copies of states."""
    return tuple(tuple(each.cpu().numpy().copy() for each in layer) for layer in states)


def from_numpy(states: States, device: Any) -> tuple[TensorState, ...]:
    """Copies of states, on a device."""
    return tuple(tuple(torch.tensor(each, device=device) for each in layer) for layer in states)
