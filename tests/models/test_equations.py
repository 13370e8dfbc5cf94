"""The equations of cells that exported scripts quote: the same next state as the cell's own code."""

import numpy as np
import pytest

from charlm.base.errors import UsageError
from charlm.base.registry import module_names
from charlm.config import ModelConfig
from charlm.models import equations
from charlm.models.equations import find_step
from charlm.models.torch_layout import to_torch
from charlm.nn.cells import CELLS

WRITTEN = sorted(set(module_names("charlm.models.equations")) - {"maths"})
VARIANTS = [*((cell, {}) for cell in WRITTEN), ("gru", {"reset_after": True}), ("rnn", {"nonlinearity": "relu"})]


def test_equations_are_of_cells():
    assert {"rnn", "gru", "lstm"} <= set(WRITTEN) <= set(CELLS.names())


@pytest.mark.parametrize(("cell", "own"), VARIANTS, ids=str)
def test_a_step_is_the_cells(make_model, cell, own):
    model = make_model(5, cell=cell, **own)
    rng = np.random.default_rng(3)
    model.params.flat[:] = rng.normal(size=model.params.flat.size)
    (state,) = model.zero_state(2)
    state = tuple(rng.normal(size=each.shape) for each in state)
    tensors = to_torch(model.params, model.config).items()
    w = {name.partition(".")[2][:-3]: each for name, each in tensors if name.endswith("_l0")}
    ids = np.array([1, 4], np.uint8)
    ours = find_step(model.config)(w, w["weight_ih"].T[ids] + w["bias_ih"], *state)
    _, (theirs,) = model.step(ids, (state,))
    assert len(ours) == len(theirs)
    for own_BH, their_BH in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own_BH, their_BH, rtol=1e-10, atol=1e-12)


def test_a_cell_without_equations_is_refused(monkeypatch):
    monkeypatch.setattr(equations, "module_names", lambda package: ("rnn",))
    with pytest.raises(UsageError, match="equations of --cell gru are not written out"):
        find_step(ModelConfig(cell="gru"))
