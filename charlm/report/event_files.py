"""TensorBoard event files of a training: the only module that imports tensorboard.

Its own writer makes them, which needs neither TensorFlow nor PyTorch.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charlm.base.errors import UsageError
from charlm.training.events import LossReport, Report, RollbackReport, ValidationReport


def check_tensorboard() -> None:
    """Check early that event files can be written.

    Raises:
        UsageError: tensorboard is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise UsageError("--tensorboard needs the package tensorboard: pip install 'charlm-rnn[tensorboard]'")


class EventFiles:
    """A new event file in a folder; TensorBoard reads all files of a folder as one run."""

    def __init__(self, folder: Path, step: int) -> None:
        """Begin after a step: what older files say of later ones no longer counts."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(str(folder))
        self._restart(step)

    def write(self, report: Report) -> None:
        """Write the losses of a report, in nats/char, and the learning rate.

        Raises:
            OSError: a file cannot be written.
        """
        match report:
            case LossReport():
                self._add(report.step, {"loss/train": report.train_nats_per_char, "lr": report.lr})
            case ValidationReport() if report.val_nats_per_char is not None:
                self._add(report.step, {"loss/val": report.val_nats_per_char})
            case RollbackReport():
                self._restart(report.back_to)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

    def _add(self, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._event(step, summary=Summary(value=scalars))

    def _restart(self, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import SessionLog

        self._event(step + 1, session_log=SessionLog(status=SessionLog.START))

    def _event(self, step: int, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(wall_time=time.time(), step=step, **content))
