"""A loop over time steps whose derivative is written by hand, for cells that PyTorch has no function for.

Gradients of weights are products over all steps at the end; what no step waits for is computed for all at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import torch
from torch.autograd import Function

Tensor: TypeAlias = Any
TensorState: TypeAlias = tuple[Tensor, ...]
Parameters: TypeAlias = dict[str, Tensor]


class Steps(ABC):
    """A cell's steps over one window, and back.

    ``weight_names`` are the layer's own parameters that the steps read.
    """

    weight_names: ClassVar[tuple[str, ...]] = ("W_hh",)

    @classmethod
    def prepare(cls, params: Parameters, a_TBG: Tensor) -> Tensor:
        """What is computed of the pre-activations before the steps, with its derivative by PyTorch."""
        return a_TBG

    def __init__(self, a_TBG: Tensor, *weights: Tensor) -> None:
        self.a_TBG = a_TBG
        self.saved: list[TensorState] = []
        self.gradients: list[TensorState] = []

    def stacked(self) -> TensorState:
        """What the steps saved, with a time axis."""
        return tuple(torch.stack(each) for each in zip(*self.saved, strict=True))

    def gradient_rows(self) -> TensorState:
        """What the steps back found, in the order of time."""
        return tuple(torch.stack(each[::-1]) for each in zip(*self.gradients, strict=True))

    @abstractmethod
    def step(self, t: int, state: TensorState) -> TensorState:
        """One step; saves what ``back`` needs."""

    @abstractmethod
    def derive(self) -> None:
        """Compute local derivatives, of all steps at once."""

    @abstractmethod
    def back(self, t: int, dstate: TensorState) -> TensorState:
        """The gradient of the state before a step."""

    @abstractmethod
    def finish(self) -> tuple[Tensor, ...]:
        """The gradients of the pre-activations and of each weight."""


class _Recurrence(Function):
    @staticmethod
    def forward(
        ctx: Any,
        kind: type[Steps],
        resets: Sequence[Tensor | None],
        variables: int,
        a_TBG: Tensor,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        state, initial = tensors[:variables], tensors[variables : 2 * variables]
        steps = kind(a_TBG, *tensors[2 * variables :])
        outputs = []
        for t, reset_B1 in enumerate(resets):
            if reset_B1 is not None:
                state = tuple(torch.where(reset_B1, *pair) for pair in zip(initial, state, strict=True))
            state = steps.step(t, state)
            outputs.append(state[0])
        ctx.steps, ctx.resets, ctx.variables = steps, resets, variables
        ctx.autocast = torch.is_autocast_enabled(a_TBG.device.type)
        return (torch.stack(outputs), *(each.clone() for each in state))

    @staticmethod
    def backward(ctx: Any, dh_TBH: Tensor, *dstate: Tensor) -> tuple[Any, ...]:
        steps, dinitial = ctx.steps, [torch.zeros_like(each[0]) for each in dstate]
        with torch.autocast(dh_TBH.device.type, torch.bfloat16, enabled=ctx.autocast):
            steps.derive()
            for t in reversed(range(len(dh_TBH))):
                dstate = steps.back(t, (dstate[0] + dh_TBH[t], *dstate[1:]))
                reset_B1 = ctx.resets[t]
                if reset_B1 is not None:
                    for total_H, each in zip(dinitial, dstate, strict=True):
                        total_H += torch.where(reset_B1, each, 0).sum(0)
                    dstate = tuple(torch.where(reset_B1, 0, each) for each in dstate)
            da_TBG, *dweights = steps.finish()
        return None, None, None, da_TBG, *dstate, *dinitial, *dweights


def run_steps(
    kind: type[Steps],
    params: Parameters,
    a_TBG: Tensor,
    state: TensorState,
    initial: TensorState,
    resets: Sequence[Tensor | None],
) -> tuple[Tensor, TensorState]:
    """The outputs (T, B, H) and the state after, from pre-activations.

    ``resets`` has for each step None, or where (B, 1) the state becomes ``initial`` (H,) before it.
    """
    a_TBG = kind.prepare(params, a_TBG).to(state[0].dtype)
    weights = [params[name] for name in kind.weight_names]
    h_TBH, *after = _Recurrence.apply(kind, resets, len(state), a_TBG, *state, *initial, *weights)
    return h_TBH, tuple(after)


def add_product(a_BG: Tensor, h_BH: Tensor, W_HG: Tensor) -> Tensor:
    """The sum a + h W; under autocast only the product has low precision."""
    if torch.is_autocast_enabled(a_BG.device.type):
        return a_BG + h_BH @ W_HG
    return torch.addmm(a_BG, h_BH, W_HG)


def weight_gradient(before_TBH: Tensor, dproduct_TBG: Tensor) -> Tensor:
    """The gradient of W_hh (H, G), of its products over all steps."""
    return (before_TBH.flatten(0, 1).T @ dproduct_TBG.flatten(0, 1)).to(before_TBH.dtype)
