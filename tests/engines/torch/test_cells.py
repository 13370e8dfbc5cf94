"""The derivatives that are written by hand, beside those that PyTorch finds in the cells' equations."""

from types import FunctionType

import pytest

from charlm.config import ModelConfig
from charlm.models.architecture import parameter_shapes
from charlm.models.equations import find_step

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from charlm.engines.torch.cells import STEPS  # noqa: E402
from charlm.engines.torch.module import FUNCTIONS  # noqa: E402
from charlm.engines.torch.recurrence import run_steps  # noqa: E402
from charlm.nn.cells import CELLS  # noqa: E402

STEPS_T, BATCH, HIDDEN = 7, 3, 5


def by_equations(config, params, a_TBG, state, initial, resets):
    """The same window, by the equations that exported scripts quote."""
    step = FunctionType(find_step(config).__code__, FUNCTIONS)
    tensors = {"weight_hh": params["W_hh"].T if "W_hh" in params else None, **params}
    outputs = []
    for a_BG, reset_B1 in zip(a_TBG, resets, strict=True):
        if reset_B1 is not None:
            state = tuple(torch.where(reset_B1, *pair) for pair in zip(initial, state, strict=True))
        state = step(tensors, a_BG, *state)
        outputs.append(state[0])
    return torch.stack(outputs), state


@pytest.mark.parametrize("cell", STEPS.names())
@pytest.mark.parametrize("restarts", [False, True])
def test_a_derivative_by_hand_is_that_of_autograd(cell, restarts):
    config, generator = ModelConfig(cell=cell, hidden=HIDDEN), torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    shapes = parameter_shapes(config, 4)
    params = {
        name.removeprefix("layers.0."): draw(*shape)
        for name, shape in shapes.items()
        if name.startswith("layers.0.") and not name.endswith(("W_xh", "b_h"))
    }
    a_TBG = draw(STEPS_T, BATCH, len(CELLS.find(cell).gates) * HIDDEN)
    variables = len(CELLS.find(cell).state_names)
    state, initial = (tuple(draw(*shape) for _ in range(variables)) for shape in ((BATCH, HIDDEN), (HIDDEN,)))
    resets = [
        torch.rand(BATCH, 1, generator=generator) < 0.4 if restarts and t % 2 else None for t in range(STEPS_T)
    ]
    inputs = [*params.values(), a_TBG, *state, *initial]
    weights = draw(STEPS_T, BATCH, HIDDEN).detach()
    found = []
    for h_TBH, after in (
        run_steps(STEPS.find(cell), params, a_TBG, state, initial, resets),
        by_equations(config, params, a_TBG, state, initial, resets),
    ):
        total = (h_TBH * weights).sum() + sum((each * each).sum() for each in after)
        found.append([h_TBH, *torch.autograd.grad(total, inputs, allow_unused=True, materialize_grads=True)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
