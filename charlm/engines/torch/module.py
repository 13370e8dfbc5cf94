"""A model as a torch.nn.Module: embedding, recurrent layers, output layer."""

from __future__ import annotations

from types import FunctionType
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, one_hot

from charlm.base.arrays import FlatVector
from charlm.config import ModelConfig
from charlm.engines.torch.functions import join_clusters
from charlm.engines.torch.unrolled import Unrolled
from charlm.models.equations import find_step
from charlm.models.torch_layout import is_in_torch, layer_shapes, to_torch
from charlm.nn.cells import CELLS

TorchState: TypeAlias = Tensor | tuple[Tensor, ...]
"""h, or h and c, each (L, B, H)."""

FUNCTIONS = {
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "split": lambda x, parts: x.chunk(parts, -1),
    "normalize": lambda x: layer_norm(x, x.shape[-1:]),
}
"""What ``charlm.models.equations.maths`` has for NumPy."""


class CharRNN(nn.Module):
    """A character-level recurrent network; its state_dict has the names and tensors of a run's file.

    ``rnn`` is a torch.nn.LSTM, GRU or RNN, or where PyTorch lacks the cell, ``cell`` are its equations.
    ``embedding`` is None for one-hot input.
    """

    def __init__(self, config: ModelConfig, params: FlatVector) -> None:
        super().__init__()
        weights = {name: torch.from_numpy(tensor) for name, tensor in to_torch(params, config).items()}
        self._config = config
        self._vocab_size = len(weights["readout.bias"])
        size = config.embedding_size if config.encoding == "embedding" else self._vocab_size
        self.embedding = nn.Embedding(self._vocab_size, size) if config.encoding == "embedding" else None
        prefix, shapes = layer_shapes({name: tuple(tensor.shape) for name, tensor in weights.items()})
        self._layers = prefix
        if is_in_torch(config):
            self.rnn = _make_rnn(config, size)
        else:
            step = FunctionType(find_step(config).__code__, FUNCTIONS)  # the equations with PyTorch's functions
            unrolled: nn.Module = Unrolled(shapes, step, config.residual)
            self.add_module(prefix, unrolled)
        initial = {
            name.partition(".")[2]: tensor for name, tensor in weights.items() if name.startswith("initial.")
        }
        self.initial = nn.ParameterDict(initial)
        self.projection: nn.Module = nn.Identity()
        width = config.hidden
        if "projection.weight" in weights:
            width = size
            self.projection = nn.Linear(config.hidden, size, bias=False)
        self.readout = nn.Linear(width, self._vocab_size)
        self.clusters = nn.Linear(width, len(weights["clusters.bias"])) if "clusters.bias" in weights else None
        if config.tied and self.embedding is not None:
            self.readout.weight = self.embedding.weight
            weights["readout.weight"] = weights["embedding.weight"]
        self.to(torch.float64 if config.dtype == "float64" else torch.float32)
        self.load_state_dict(weights)

    def begin(self, batch_size: int) -> TorchState:
        """The initial state, learned or zero."""
        layers = range(self._config.layers)
        zero = self.readout.bias.new_zeros(self._config.hidden)
        variables = [
            torch.stack([self.initial[f"{name}_l{layer}"] if self.initial else zero for layer in layers])
            for name in CELLS.find(self._config.cell).state_names
        ]
        state = tuple(each[:, None].expand(-1, batch_size, -1).contiguous() for each in variables)
        return state if len(state) > 1 else state[0]

    def forward(self, ids: Tensor, state: TorchState | None = None) -> tuple[Tensor, TorchState]:
        """The logits (T, B, V), or log-probabilities, after each symbol (T, B), and the state after the last."""
        if self.embedding is None:
            x = one_hot(ids, self._vocab_size).to(self.readout.bias.dtype)
        else:
            x = self.embedding(ids)
        h, state = getattr(self, self._layers)(x, self.begin(ids.shape[1]) if state is None else state)
        z = self.projection(h)
        return self.readout(z) if self.clusters is None else join_clusters(
            self.readout(z), self.clusters(z)
        ), state


def _make_rnn(config: ModelConfig, size: int) -> nn.Module:
    """PyTorch's own layers."""
    if config.cell == "rnn":
        return nn.RNN(size, config.hidden, config.layers, nonlinearity=config.to_json()["nonlinearity"])
    kinds: dict[str, Any] = {"gru": nn.GRU, "lstm": nn.LSTM}
    return kinds[config.cell](size, config.hidden, config.layers)
