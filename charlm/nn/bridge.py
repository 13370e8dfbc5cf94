"""The bridge from an encoder to a decoder: the final state becomes the initial one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charlm.base.arrays import FlatVector, Floats, Shapes
from charlm.nn.buffers import Parameters, State
from charlm.nn.cell import Cell
from charlm.nn.init import xavier_
from charlm.nn.state import States


class Bridge:
    """One linear map for each variable of the state (h, and an LSTM's c), W [D, L x H] and b [L x H].

    It reads the variable of all directions of the encoder's last layer, joined (B, D), and gives that of each of
    the decoder's L layers (B, H).
    """

    def __init__(self, cell: Cell, params: FlatVector, layers: int) -> None:
        self._names, self._layers = cell.state_names, layers
        self._params = params

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw every parameter."""
        for name in self._names:
            xavier_(self._params[f"bridge.{name}.W"], rng)
            self._params[f"bridge.{name}.b"][:] = 0

    def forward(self, finals: Sequence[State]) -> States:
        """The decoder's initial state, from the final state of each direction."""
        variables = []
        for name, final_BD in zip(self._names, _join(finals), strict=True):
            mapped = final_BD @ self._params[f"bridge.{name}.W"] + self._params[f"bridge.{name}.b"]
            variables.append(np.split(mapped, self._layers, axis=-1))
        return tuple(zip(*variables, strict=True))

    def backward(self, finals: Sequence[State], dstate: States, grads: Parameters) -> list[State]:
        """The gradient of the final states; writes those of the parameters."""
        parts: list[list[Floats]] = []
        for name, final_BD, *dlayers in zip(self._names, _join(finals), *dstate, strict=True):
            dmapped = np.concatenate(dlayers, axis=-1)
            np.matmul(final_BD.T, dmapped, out=grads[f"bridge.{name}.W"])
            dmapped.sum(axis=0, out=grads[f"bridge.{name}.b"])
            dfinal_BD = dmapped @ self._params[f"bridge.{name}.W"].T
            parts.append([np.ascontiguousarray(part) for part in np.split(dfinal_BD, len(finals), axis=-1)])
        return list(zip(*parts, strict=True))


def _join(finals: Sequence[State]) -> list[Floats]:
    """Each variable of all directions (B, D)."""
    return [np.concatenate(directions, axis=-1) for directions in zip(*finals, strict=True)]


def bridge_shapes(cell: Cell, width: int, layers: int, hidden: int) -> Shapes:
    """Every parameter's shape, from an encoder of this width to layers of a decoder."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name in cell.state_names:
        shapes |= {f"bridge.{name}.W": (width, layers * hidden), f"bridge.{name}.b": (layers * hidden,)}
    return shapes
