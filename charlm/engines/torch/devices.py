"""PyTorch's devices: whether they can be used, and how they are set up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt
import torch

from charlm.base.errors import UsageError
from charlm.base.registry import module_names
from charlm.base.torchrun import local_rank, local_size
from charlm.config import DeviceConfig, ModelConfig, OptimizerConfig
from charlm.nn.cells import CELLS as NUMPY_CELLS

OLDEST = (2, 11)
CELLS = "charlm.engines.torch.cells"


def check_torch(config: DeviceConfig) -> None:
    """Check the version of PyTorch and its device.

    Raises:
        UsageError: the version is too old, or the device is missing.
    """
    version = tuple(map(int, re.findall(r"\d+", torch.__version__)[:2]))
    if version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError(
            f"PyTorch {torch.__version__} is installed, and charlm needs {oldest} or later: upgrade it"
        )
    if config.device == "cpu":
        return
    if torch.version.cuda is None:
        raise UsageError(
            f"--device {config.device}: this PyTorch is built without CUDA: install a build with it, or use cpu"
        )
    if not torch.cuda.is_available():
        raise UsageError(
            f"--device {config.device}: PyTorch finds no driver or no GPU: see nvidia-smi, or use cpu"
        )
    count = torch.cuda.device_count()
    _, _, index = config.device.partition(":")
    if index and int(index) >= count:
        names = ", ".join(f"cuda:{number} ({torch.cuda.get_device_name(number)})" for number in range(count))
        raise UsageError(f"--device {config.device}: there is no such GPU; there are: {names}")
    if index and local_size() > 1:
        raise UsageError(f"--device {config.device} is one GPU for {local_size()} processes: give --device cuda")
    if local_size() > count:
        raise UsageError(
            f"torchrun starts {local_size()} processes on this host, which has {count} GPUs: start fewer"
        )
    if config.precision == "bfloat16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UsageError("--precision bfloat16: this GPU has none: use float32 or tf32")


def check_members(config: DeviceConfig, model: ModelConfig, optimizer: OptimizerConfig | None) -> None:
    """Check that cell, data type and optimizer have a counterpart here.

    Raises:
        UsageError: one has none.
    """
    from charlm.engines.torch.optimizer import RULES

    if model.dtype == "float64" and config.precision != "float32":
        raise UsageError(f"--precision {config.precision} is less than --dtype float64: leave out one of the two")
    if not is_native(model) and model.cell not in module_names(CELLS):
        raise UsageError(f"--cell {model.cell} has no implementation in PyTorch: use --engine numpy")
    if optimizer is not None and optimizer.optimizer not in RULES:
        raise UsageError(f"--optimizer {optimizer.optimizer} is NumPy's alone: use --engine numpy")


def is_native(model: ModelConfig) -> bool:
    """Whether a function of PyTorch runs a layer of this cell.

    >>> is_native(ModelConfig(cell="lstm")), is_native(ModelConfig(cell="gru"))
    (True, False)
    """
    return NUMPY_CELLS.find(model.cell).from_config(model).torch_gates is not None


def open_device(config: DeviceConfig, threads: int | None = None) -> Any:
    """The device, with its precision and determinism set."""
    # Read when CUDA starts; without it, products of matrices may differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    precision = "tf32" if config.precision == "tf32" else "ieee"
    # Each by its own name: the setting of all does not reach the recurrent ones.
    torch.backends.cudnn.rnn.fp32_precision = precision
    torch.backends.cuda.matmul.fp32_precision = precision
    if config.device == "cpu":
        if threads is not None:
            torch.set_num_threads(threads)
        return torch.device("cpu")
    device = torch.device(config.device if ":" in config.device else f"cuda:{local_rank()}")
    torch.cuda.set_device(device)
    return device


def send(array: npt.NDArray[Any], device: Any) -> Any:
    """An array as a tensor on a device; from pinned memory, so that the CPU does not wait for the copy."""
    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


@contextmanager
def report_full_memory(device: Any) -> Iterator[None]:
    """Turn a GPU's full memory into a MemoryError that names the card."""
    try:
        yield
    except RuntimeError as error:
        full = ("CUDNN_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_ALLOC_FAILED")
        if not isinstance(error, torch.OutOfMemoryError) and not any(name in str(error) for name in full):
            raise
        card = torch.cuda.get_device_properties(device)
        full_memory = MemoryError()
        full_memory.add_note(
            f"computing on {device} ({card.name}, {card.total_memory / 2**30:.0f} GiB): make the model, "
            "--batch-size or --seq-len smaller, and go on from the last checkpoint"
        )
        raise full_memory from error


def autocast(config: DeviceConfig, device: Any) -> Any:
    """Products in bfloat16, if the settings say so; weights keep their precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16")
