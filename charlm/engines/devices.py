"""The engine that settings choose: NumPy, or PyTorch, which is imported only where it is chosen."""

from __future__ import annotations

import importlib.util

from charlm.base.errors import UsageError
from charlm.config import DeviceConfig, ModelConfig, OptimizerConfig
from charlm.engines.base import Network
from charlm.engines.numpy.network import open_network as open_numpy_network
from charlm.engines.threads import ThreadPool
from charlm.models.char_rnn import Model

NUMPY = DeviceConfig()


def check_device(config: DeviceConfig, stored: bool = False) -> None:
    """Check that this computer has the engine and the device; ``stored``: a run's own, that may be changed.

    Raises:
        UsageError: it lacks one, or a setting of PyTorch is given without it.
    """
    if config.engine == "numpy":
        for name in ("device", "precision"):
            if (value := getattr(config, name)) != getattr(NUMPY, name):
                raise UsageError(f"--{name} {value} is for PyTorch: give --engine torch too, or leave it out")
        return
    if importlib.util.find_spec("torch") is None:
        otherwise = ", or go on with --engine numpy" if stored else ""
        raise UsageError(f"--engine torch needs PyTorch: pip install 'charlm-rnn[torch]'{otherwise}")
    from charlm.engines.torch.devices import check_torch

    check_torch(config)


def check_network(config: DeviceConfig, model: ModelConfig, optimizer: OptimizerConfig | None = None) -> None:
    """Check that the engine has the network's cell, and the optimizer if one is given.

    Raises:
        UsageError: it lacks one.
    """
    if config.engine == "torch":
        from charlm.engines.torch.devices import check_members

        check_members(config, model, optimizer)


def open_network(model: Model, pool: ThreadPool | None = None, config: DeviceConfig = NUMPY) -> Network:
    """A network for inference; on NumPy with a pool's threads, or in the calling thread."""
    if config.engine == "numpy":
        return open_numpy_network(model, pool)
    from charlm.engines.torch.network import open_network as open_torch_network

    return open_torch_network(model, config)
