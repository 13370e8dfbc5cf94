"""The character-level network on PyTorch: one flat vector of parameters, split in each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import cat
from torch.nn.functional import cross_entropy, linear, log_softmax, one_hot

from charlm.engines.torch.cells import STEPS
from charlm.engines.torch.devices import is_native
from charlm.engines.torch.native import NativeLayers
from charlm.engines.torch.recurrence import Parameters, Tensor, TensorState, run_steps
from charlm.engines.torch.resets import Resets, no_resets
from charlm.models.base import NetworkSpec
from charlm.nn.cells import CELLS
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from charlm.nn.readout import split_symbols
from charlm.nn.state import SUFFIX


@dataclass(frozen=True)
class Noise:
    """Dropout of a training step, drawn on the device."""

    rates: Regularization
    generator: Any

    def mask(self, like: Tensor, rate: float, *shape: int) -> Tensor:
        """A mask of 0 and 1 / (1 - rate)."""
        drawn = torch.rand(shape, generator=self.generator, device=like.device, dtype=like.dtype)
        return (drawn >= rate) / (1 - rate)


class Functions:
    """Forward passes with the parameters as an argument."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec = spec
        self._config = config = spec.config
        self._cell = CELLS.find(config.cell).from_config(config)
        self._native = NativeLayers(config) if is_native(config) else None

    def split(self, weights_P: Tensor) -> Parameters:
        """The parameters by charlm's names, as views."""
        shapes = self.spec.shapes
        parts = weights_P.split([prod(shape) for shape in shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}

    def zero_state(self, batch_size: int, like: Tensor) -> tuple[TensorState, ...]:
        """Each layer's zero state (B, H)."""
        zero = like.new_zeros(batch_size, self._config.hidden)
        return tuple((zero,) * len(self._cell.state_names) for _ in range(self._config.layers))

    def initial_state(self, params: Parameters) -> list[TensorState]:
        """Each layer's initial state (H,), learned or zero."""
        zero = next(iter(params.values())).new_zeros(self._config.hidden)
        names = [name + SUFFIX for name in self._cell.state_names]
        return [
            tuple(params.get(f"layers.{layer}.{name}", zero) for name in names)
            for layer in range(self._config.layers)
        ]

    def forward(
        self,
        params: Parameters,
        x_TB: Tensor,
        states: tuple[TensorState, ...],
        resets: Resets | None = None,
        noise: Noise | None = None,
        prepared: Sequence[list[Tensor]] = (),
    ) -> tuple[Tensor, tuple[TensorState, ...]]:
        """The outputs (T, B, H) and the states after, from ids; ``prepared`` weights save time."""
        config, rates = self._config, NO_REGULARIZATION if noise is None else noise.rates
        layers = [self._layer(params, number, noise) for number in range(config.layers)]
        initial = self.initial_state(params)
        x, after = self._encode(params, x_TB, noise), []
        for number, own in enumerate(self._calls(rates)):
            weights = prepared[number] if prepared else None
            h, states_after = self._run(layers[own], x, states[own], initial[own], resets, weights)
            if noise is not None and rates.dropout:
                shape = (1, *h.shape[1:]) if rates.locked_dropout else h.shape
                h = h * noise.mask(h, rates.dropout, *shape)
            x = h + x if config.residual and own.start > 0 else h
            after += states_after
        return x, tuple(after)

    def prepare(self, params: Parameters) -> list[list[Tensor]]:
        """The weights of PyTorch's functions, for many passes without dropout; none for other cells."""
        if self._native is None:
            return []
        layers = [self._layer(params, number, None) for number in range(self._config.layers)]
        return [self._native.weights(layers[own]) for own in self._calls(NO_REGULARIZATION)]

    def _calls(self, rates: Regularization) -> list[slice]:
        """The layers of each call: all in one if there is nothing between them."""
        layers, is_one = self._config.layers, not (rates.dropout or self._config.residual)
        return [slice(0, layers)] if self._native and is_one else [slice(n, n + 1) for n in range(layers)]

    def _layer(self, params: Parameters, number: int, noise: Noise | None) -> Parameters:
        """A layer's own parameters, with W_hh masked."""
        prefix = f"layers.{number}."
        own = {name.removeprefix(prefix): each for name, each in params.items() if name.startswith(prefix)}
        if noise is not None and noise.rates.weight_drop and "W_hh" in own:
            own["W_hh"] = own["W_hh"] * noise.mask(own["W_hh"], noise.rates.weight_drop, *own["W_hh"].shape)
        return own

    def _encode(self, params: Parameters, x_TB: Tensor, noise: Noise | None) -> Tensor:
        """The input as vectors; products with one-hot vectors need no scattered sum in their derivative."""
        x_TBV = one_hot(x_TB, self.spec.inputs).to(params["readout.b_y"].dtype)
        if noise is not None and noise.rates.input_dropout:
            x_TBV = x_TBV * noise.mask(x_TBV, noise.rates.input_dropout, *x_TBV.shape[1:])
        return x_TBV if "embedding" not in params else x_TBV @ params["embedding"]

    def _run(
        self,
        layers: list[Parameters],
        x: Tensor,
        states: tuple[TensorState, ...],
        initial: list[TensorState],
        resets: Resets | None,
        weights: list[Tensor] | None,
    ) -> tuple[Tensor, list[TensorState]]:
        if self._native is not None:
            return self._native(weights or self._native.weights(layers), x, states, initial, resets)
        (params,), (state,), (first,) = layers, states, initial
        a_TBG = linear(x, params["W_xh"].T, params["b_h"])
        by_step = no_resets(len(x)) if resets is None else resets.by_step
        h, after = run_steps(STEPS.find(self._config.cell), params, a_TBG, state, first, by_step)
        return h, [after]

    def logits(self, params: Parameters, h: Tensor) -> Tensor:
        """The logits (..., V); of an adaptive softmax the log-probabilities."""
        bias_V = params["readout.b_y"]
        if "readout.W_he" in params:
            h = h @ params["readout.W_he"]
        weights = params["readout.W_hy"].T if "readout.W_hy" in params else params["embedding"][: len(bias_V)]
        logits = linear(h, weights, bias_V)
        if "readout.W_c" not in params:
            return logits
        return join_clusters(logits, linear(h, params["readout.W_c"].T, params["readout.b_c"]))


def join_clusters(logits: Tensor, clusters: Tensor) -> Tensor:
    """The log-probabilities (..., V) of an adaptive softmax, from logits of symbols and of clusters (..., C)."""
    head, *others = split_symbols(logits.shape[-1])
    first = log_softmax(cat([logits[..., head], clusters], -1), -1)
    parts = [first[..., head]]
    for number, ids in enumerate(others, head.stop):
        parts.append(first[..., number, None] + log_softmax(logits[..., ids], -1))
    return cat(parts, -1)


def nll_nats(logits: Tensor, y: Tensor) -> Tensor:
    """The loss of each target (N,), in nats."""
    return cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none")
