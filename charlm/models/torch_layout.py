"""Convert parameters to PyTorch's names and layout, and back.

A bias is written as ``bias_ih``, with zeros in ``bias_hh``; other cells' names are ``cell.*``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from charlm.base.arrays import FlatVector, Floats, Shapes
from charlm.config import ModelConfig
from charlm.models.architecture import parameter_shapes
from charlm.nn.cell import Cell
from charlm.nn.cells import CELLS
from charlm.nn.state import SUFFIX


@dataclass(frozen=True)
class _Entry:
    """A parameter's PyTorch name and axes."""

    name: str
    transposed: bool = False
    gated: bool = False


_OUTSIDE = {
    "embedding": _Entry("embedding.weight"),
    "join.W": _Entry("join.weight", transposed=True),
    "join.b": _Entry("join.bias"),
    "readout.W_he": _Entry("projection.weight", transposed=True),
    "readout.W_c": _Entry("clusters.weight", transposed=True),
    "readout.b_c": _Entry("clusters.bias"),
    "readout.W_hy": _Entry("readout.weight", transposed=True),
    "readout.b_y": _Entry("readout.bias"),
}
_LINEAR = {"W": "weight", "b": "bias"}
_IN_A_LAYER = {
    "W_xh": _Entry("weight_ih", transposed=True, gated=True),
    "W_hh": _Entry("weight_hh", transposed=True, gated=True),
    "b_h": _Entry("bias_ih", gated=True),
}
PARTS = (
    "embedding", "initial", "rnn", "cell", "encoder", "bridge", "decoder", "attention", "forward", "backward",
    "join", "projection", "readout", "clusters",
)  # fmt: skip
"""What the names of a model's tensors begin with."""


def is_of_model(name: str) -> bool:
    """Whether a tensor belongs to a model.

    >>> is_of_model("rnn.weight_hh_l1"), is_of_model("optimizer.m")
    (True, False)
    """
    return name.partition(".")[0] in PARTS


def torch_shapes(config: ModelConfig, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """The tensors' shapes under PyTorch's names.

    >>> torch_shapes(ModelConfig(cell="lstm", hidden=8), 5)["rnn.weight_ih_l0"]
    (32, 5)
    """
    return tensor_shapes(parameter_shapes(config, vocab_size), config)


def tensor_shapes(shapes: Shapes, config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The tensors' shapes of parameters with these shapes."""
    cell = _cell(config)
    result = {}
    for name, entry in _entries(cell, shapes).items():
        result[entry.name] = shapes[name][::-1] if entry.transposed else shapes[name]
    for layer in _layers(shapes):
        result[layer.torch_name(cell, "bias_hh")] = shapes[layer.full_name("b_h")]
    return result


def is_in_torch(config: ModelConfig) -> bool:
    """Whether torch.nn.LSTM, GRU or RNN computes the layers.

    >>> is_in_torch(ModelConfig(cell="lstm")), is_in_torch(ModelConfig(cell="gru"))
    (True, False)
    """
    return _cell(config).torch_gates is not None and not (config.residual and config.layers > 1)


def layer_shapes(shapes: Shapes) -> tuple[str, dict[str, tuple[int, ...]]]:
    """The layers' prefix in a file, ``rnn`` or ``cell``, and the shapes of their tensors without it."""
    names = [name for name in shapes if name.startswith(("rnn.", "cell."))]
    return names[0].partition(".")[0], {name.partition(".")[2]: shapes[name] for name in names}


def to_torch(params: Mapping[str, Floats], config: ModelConfig) -> dict[str, Floats]:
    """The parameters as new C-contiguous tensors."""
    cell = _cell(config)
    order = _torch_order(cell)
    tensors = {}
    for name, entry in _entries(cell, params).items():
        tensor = params[name].T if entry.transposed else params[name]
        tensors[entry.name] = _by_gate(tensor, order) if entry.gated else tensor.copy(order="C")
    for layer in _layers(params):
        bias_hh = np.zeros_like(params[layer.full_name("b_h")])
        blocks = bias_hh.reshape(len(cell.gates), -1)
        for gate, own in cell.recurrent_biases.items():
            blocks[cell.gates.index(gate)] = params[layer.full_name(own)]
        tensors[layer.torch_name(cell, "bias_hh")] = _by_gate(bias_hh, order)
    return tensors


def from_torch(tensors: Mapping[str, Floats], config: ModelConfig, vocab_size: int) -> FlatVector:
    """The exact inverse of ``to_torch``."""
    return from_tensors(tensors, parameter_shapes(config, vocab_size), config)


def from_tensors(tensors: Mapping[str, Floats], shapes: Shapes, config: ModelConfig) -> FlatVector:
    """The inverse of ``to_torch`` for parameters with these shapes."""
    cell = _cell(config)
    order = np.argsort(_torch_order(cell)).tolist()
    params = FlatVector(shapes, config.dtype)
    for name, entry in _entries(cell, params).items():
        tensor = _by_gate(tensors[entry.name], order) if entry.gated else tensors[entry.name]
        params[name][:] = tensor.T if entry.transposed else tensor
    for layer in _layers(params):
        bias_hh = _by_gate(tensors[layer.torch_name(cell, "bias_hh")], order)
        blocks = bias_hh.reshape(len(cell.gates), -1)
        for gate, own in cell.recurrent_biases.items():
            block = blocks[cell.gates.index(gate)]
            params[layer.full_name(own)][:] = block
            block[:] = 0
        # Adding a zero would turn a bias of -0.0 into 0.0, and a resumed run continues with the same bits.
        b_h = params[layer.full_name("b_h")]
        np.add(b_h, bias_hh, out=b_h, where=bias_hh != 0)
    return params


def _entries(cell: Cell, names: Iterable[str]) -> dict[str, _Entry]:
    """Each parameter's entry, without ``bias_hh``."""
    result = {}
    for name in names:
        place, _, own = name.rpartition(".")
        if name in _OUTSIDE:
            result[name] = _OUTSIDE[name]
            continue
        if name.startswith(("bridge.", "attention.")):
            result[name] = _Entry(f"{place}.{_LINEAR.get(own, own)}", transposed=own.startswith("W"))
            continue
        layer = _Layer.parse(place)
        if own not in cell.recurrent_biases.values():
            entry = _IN_A_LAYER.get(own, _Entry(own))
            result[name] = replace(entry, name=layer.torch_name(cell, entry.name))
            if own.endswith(SUFFIX):
                result[name] = _Entry(layer.initial_name(own.removesuffix(SUFFIX)))
    return result


@dataclass(frozen=True)
class _Layer:
    """A layer's place in the network, such as ``encoder.reverse.layers.0``."""

    place: str
    part: str
    number: int
    is_reversed: bool

    @classmethod
    def parse(cls, place: str) -> _Layer:
        *parts, _, number = place.split(".")
        is_reversed = parts[-1:] == ["reverse"]
        return cls(place, ".".join(parts[:-1] if is_reversed else parts), int(number), is_reversed)

    def full_name(self, own: str) -> str:
        return f"{self.place}.{own}"

    def torch_name(self, cell: Cell, own: str) -> str:
        """A parameter's name; of a cell that PyTorch lacks, another one."""
        module = "rnn" if cell.torch_gates else "cell"
        if self.part:
            module = self.part if cell.torch_gates else f"{self.part}.cell"
        return f"{module}.{own}{self._ending}"

    def initial_name(self, variable: str) -> str:
        return f"{'.'.join(['initial', self.part]) if self.part else 'initial'}.{variable}{self._ending}"

    @property
    def _ending(self) -> str:
        return f"_l{self.number}{'_reverse' if self.is_reversed else ''}"


def _layers(names: Iterable[str]) -> list[_Layer]:
    """The layers with parameters of these names, in order."""
    places = (name.rpartition(".")[0] for name in names if name.endswith(".b_h"))
    return [_Layer.parse(place) for place in dict.fromkeys(places)]


def _torch_order(cell: Cell) -> list[int]:
    """The gates in PyTorch's order, by charlm's index."""
    return [cell.gates.index(gate) for gate in cell.torch_gates or cell.gates]


def _by_gate(tensor: Floats, order: list[int]) -> Floats:
    """A C-contiguous copy, gates reordered."""
    blocks = tensor.reshape(len(order), -1, *tensor.shape[1:])
    return np.ascontiguousarray(blocks[order]).reshape(tensor.shape)


def _cell(config: ModelConfig) -> Cell:
    return CELLS.find(config.cell).from_config(config)
