"""A window through a cell, compared with its paper's equations; the sizes that tests try."""

import numpy as np
import pytest

from charlm.config import ModelConfig
from charlm.nn.cells import CELLS


class Window:
    """A cell in double precision with random parameters, a random input and a random state."""

    def __init__(self, cell, steps, batch_size, hidden, seed, **settings):
        rng = np.random.default_rng(seed)
        self.cell = CELLS.find(cell).from_config(ModelConfig(cell=cell, **settings))
        self.hidden = hidden
        self.params = {name: rng.standard_normal(shape) for name, shape in self.cell.shapes(hidden).items()}
        self.a_TBG = rng.standard_normal((steps, batch_size, len(self.cell.gates) * hidden))
        self.carry_TB = (rng.random((steps, batch_size)) > 0.3).astype(float)
        self.state = tuple(rng.standard_normal((batch_size, hidden)) for _ in self.cell.state_names)

    def outputs(self):
        """What the cell makes of it: the outputs (T, B, H), and the state after."""
        cache = self.cell.cache((*self.a_TBG.shape[:2], self.hidden), "float64")
        return self.cell.forward(self.params, self.a_TBG.copy(), self.state, self.carry_TB, cache)

    def by_element(self, advance):
        """The same from a function of one sequence's step: (a_G, one H a variable) to the new variables."""
        batch = range(self.a_TBG.shape[1])
        state = [[variable[b] for variable in self.state] for b in batch]
        h_TBH = np.empty((len(self.a_TBG), len(batch), self.hidden))
        for t, a_BG in enumerate(self.a_TBG):
            for b in batch:
                saved = [variable * self.carry_TB[t, b] for variable in state[b]]
                state[b] = advance(a_BG[b], *saved)
                h_TBH[t, b] = state[b][0]
        return h_TBH, tuple(np.array(variable) for variable in zip(*state, strict=True))

    def assert_follows(self, advance):
        """The cell's outputs and state are the function's, to rounding."""
        (h_TBH, after), (expected_TBH, expected) = self.outputs(), self.by_element(advance)
        np.testing.assert_allclose(h_TBH, expected_TBH, rtol=0, atol=1e-12)
        for ours, theirs in zip(after, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.fixture(params=[(1, 1, 1), (5, 1, 3), (4, 3, 2), (7, 2, 6)], ids=str)
def make_window(request):
    """A function that makes a window for a cell, at several sizes."""

    def make(cell, **settings):
        return Window(cell, *request.param, seed=3, **settings)

    return make
