"""Engine settings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from charlm.base.errors import UsageError
from charlm.config.base import Config, setting

DEVICES = re.compile(r"cpu|cuda(:[0-9]{1,3})?")


@dataclass(frozen=True)
class DeviceConfig(Config):
    """What computes a network, in training and in evaluation.

    Raises:
        UsageError: no such device.
    """

    engine: str = setting(
        "numpy",
        "NumPy, or PyTorch.",
        choices=("numpy", "torch"),
        since=10,
    )
    device: str = setting("cpu", "cpu, cuda or cuda:NUMBER, with --engine torch.", since=10, metavar="DEVICE")
    precision: str = setting(
        "float32",
        "Of matrix products, with --engine torch.",
        choices=("float32", "tf32", "bfloat16"),
        since=10,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.device == "mps":
            raise UsageError("--device mps is not offered, since PyTorch's LSTM is wrong on it: use --device cpu")
        if not DEVICES.fullmatch(self.device):
            raise UsageError(f"--device is {self.device!r:.80}: it must be cpu, cuda or cuda:NUMBER")


@dataclass(frozen=True)
class EngineConfig(DeviceConfig):
    """The settings of a training's engine."""

    workers: int | None = setting(
        None,
        "Processes that share each batch; with --engine torch, threads on a CPU.",
        low=1,
        high=1024,
        otherwise="by cores, hidden units and batch size",
    )
    split_by: str | None = setting(
        None,
        "How the workers split a batch: by sequences or by hidden units.",
        choices=("columns", "rows"),
        since=16,
        otherwise="by cores, hidden units and batch size",
    )
    gflops: float | None = setting(
        None,
        "Training speed in GFLOP/s from which a preset estimates the number of epochs, and from that the "
        "dropout; default: measured.",
        above=0,
        high=1e9,
        since=6,
    )
    rank_timeout: float = setting(
        120.0,
        "With torchrun: seconds after which a process that does not answer ends the training.",
        above=0,
        high=1e6,
        since=10,
    )

    @property
    def shared(self) -> str:
        """The split; runs of formats before 16, which do not store it, are split by columns."""
        return self.split_by or "columns"
