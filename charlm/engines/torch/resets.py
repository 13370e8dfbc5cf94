"""Where sequences restart inside a window, for PyTorch's own layers, which only know whole sequences.

A window is either run in segments, from one step with a restart to the next, or cut into pieces at the restarts
of each sequence, which run as one packed batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charlm.base.arrays import Floats
from charlm.engines.torch.devices import send
from charlm.engines.torch.recurrence import Tensor

PACKED_SHARE = {"cpu": 1.0, "cuda": 0.1}
"""A window with a larger share of steps with a restart is cut into pieces; never on a CPU, where they are slower.

Measured by ``tests/bench/restarts.py`` for 256 hidden units and more; that of cuda is an estimate.
"""


@dataclass(frozen=True)
class Pieces:
    """The pieces of a window, longest first, as tensors.

    Attributes:
        rows_N: the place t * B + b of each row of the packed batch.
        back_N: the row of each place.
        sizes_T: how many pieces are longer than each number of steps.
        columns_P: each piece's sequence.
        restarts_P1: whether it starts from the initial state.
        last_B: the last piece of each sequence.
    """

    rows_N: Tensor
    back_N: Tensor
    sizes_T: Tensor
    columns_P: Tensor
    restarts_P1: Tensor
    last_B: Tensor


class Resets:
    """The restarts of a window."""

    def __init__(self, carry_TB: Floats, device: Any) -> None:
        """Take a mask that is 0 where a sequence restarts before a step."""
        marks_TB = carry_TB == 0
        steps = len(marks_TB)
        self.times: list[int] = np.flatnonzero(marks_TB.any(axis=1)).tolist()
        marks = send(marks_TB, device)[..., None]
        self.by_step: list[Tensor | None] = [None] * steps
        for t in self.times:
            self.by_step[t] = marks[t]
        is_packed = len(self.times) > PACKED_SHARE[device.type] * steps
        self.pieces = _cut(marks_TB, device) if is_packed else None


def no_resets(steps: int) -> list[Tensor | None]:
    """No restart in any step."""
    return [None] * steps


def _cut(marks_TB: npt.NDArray[np.bool_], device: Any) -> Pieces:
    """Cut each sequence at its restarts."""
    steps, batch_size = marks_TB.shape
    begins_BT = marks_TB.T.copy()
    begins_BT[:, 0] = True
    columns, starts = np.nonzero(begins_BT)
    places = columns * steps + starts
    lengths = np.diff(places, append=batch_size * steps)
    last = np.searchsorted(columns, np.arange(batch_size), side="right") - 1
    order = np.argsort(-lengths, kind="stable")
    columns, starts, lengths = columns[order], starts[order], lengths[order]
    sizes = [int((lengths > step).sum()) for step in range(int(lengths[0]))]
    rows = np.concatenate(
        [(starts[:count] + step) * batch_size + columns[:count] for step, count in enumerate(sizes)]
    )
    restarts = marks_TB[starts, columns]
    arrays = rows, np.argsort(rows), columns, restarts[:, None], np.argsort(order)[last]
    rows_N, back_N, columns_P, restarts_P1, last_B = (send(each, device) for each in arrays)
    return Pieces(rows_N, back_N, torch.tensor(sizes), columns_P, restarts_P1, last_B)
