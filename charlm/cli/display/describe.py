"""Describe networks, texts and runs in words, for people."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

from charlm.base.plural import counted
from charlm.config import ModelConfig, TaskConfig, TaskKind, TrainingConfig, flag
from charlm.nn.cells import CELLS
from charlm.runs.find import RUNS

TEXT_UNITS = ("char", "byte")


def short_network(config: ModelConfig) -> str:
    """A network in a word or two.

    >>> short_network(ModelConfig(cell="gru", hidden=128)), short_network(ModelConfig(layers=2))
    ('GRU 128', 'LSTM 2x256')
    """
    size = f"{config.hidden}" if config.layers == 1 else f"{config.layers}x{config.hidden}"
    return f"{CELLS.find(config.cell).__name__} {size}"


def describe_network(config: ModelConfig) -> str:
    """A network's cell and size.

    >>> describe_network(ModelConfig(cell="gru", hidden=128))
    'GRU, 1 layer x 128'
    """
    return f"{CELLS.find(config.cell).__name__}, {counted(config.layers, 'layers')} x {config.hidden}"


def describe_task(config: TaskConfig) -> str:
    """A task and its settings that differ from the defaults; empty for a plain language model.

    >>> describe_task(TaskConfig()), describe_task(TaskConfig(task="classify", labels="tab", balance="sqrt"))
    ('', 'classify --labels tab --balance sqrt')
    """
    usual = TaskConfig(task=config.task).to_json()
    own = [(flag(name), value) for name, value in config.to_json().items() if value != usual[name]]
    flags = [name if value is True else f"{name} {value}" for name, value in own]
    return " ".join([config.task, *flags]) if flags or config.task != TaskConfig().task else ""


def settings_flags(config: TrainingConfig) -> list[str]:
    """All settings of a run that have a value, as flags."""
    values = {name: value for group in config.to_json().values() for name, value in group.items()}
    return [
        f"{flag(name)} {shlex.quote(str(value))}" for name, value in values.items() if value not in (None, False)
    ]


def describe_loss(loss: float, unit: str) -> str:
    """A loss, in bits as well where it is of characters or bytes.

    >>> describe_loss(1.5, "char")
    '1.500 (2.16 bits/char)'
    """
    return f"{loss:.3f}" + (f" ({loss / math.log(2):.2f} bits/{unit})" if unit in TEXT_UNITS else "")


def find_unit(kind: type[TaskKind], is_bytes: bool) -> str:
    """What a loss is divided by."""
    return "byte" if is_bytes and kind.unit == "char" else kind.unit


def format_speed(per_second: float) -> str:
    """A number of characters in a second.

    >>> format_speed(950), format_speed(68_123), format_speed(1_234_567)
    ('950', '68k', '1.2M')
    """
    if per_second < 1000:
        return f"{per_second:.0f}"
    return f"{per_second / 1e3:.0f}k" if per_second < 999_500 else f"{per_second / 1e6:.1f}M"


def name_run(folder: Path) -> str:
    """How a command line names a run, quoted for a shell."""
    return shlex.quote(folder.name if folder.parent == RUNS else str(folder))
