"""What the laws share: every variant of every cell.

Members are found through their registries, and a cell's variants through its own settings, so a new file is
tested with no change here.
"""

from itertools import product

import pytest

from charlm.inference.filters import FILTERS
from charlm.nn import layer_norm
from charlm.nn.cells import CELLS
from charlm.optim.rules import OPTIMIZERS
from tests.laws.gradient_check import GradientCheck

RULES = [name for name in OPTIMIZERS.names() if not OPTIMIZERS.find(name).moves_weights]
"""The rules that follow a gradient."""


def cell_variants():
    """The settings that name each cell and each choice among its own."""
    variants = []
    for cell in CELLS.names():
        kind = CELLS.find(cell).config_type
        choices = {name: _choices(kind, name, field) for name, field in kind.settings().items()}
        choices = {name: values for name, values in choices.items() if values}
        for values in product(*choices.values()):
            variants.append({"cell": cell, **dict(zip(choices, values, strict=True))})
    return variants


def _choices(kind, name, field):
    limits = field.metadata["limits"]
    if limits.choices is not None:
        return limits.choices()
    return (False, True) if kind.accepted_types(name) == (bool,) else ()


def pytest_generate_tests(metafunc):
    rooms = {"variant": cell_variants(), "optimizer": RULES, "filter_name": tuple(FILTERS)}
    for argument, members in rooms.items():
        if argument in metafunc.fixturenames:
            ids = ["-".join(map(str, m.values())) if isinstance(m, dict) else m for m in members]
            metafunc.parametrize(argument, members, ids=ids)


@pytest.fixture(scope="module", autouse=True)
def smooth_layer_norm():
    """An epsilon that tells in the laws of few units: two units, normalized, are little but a sign."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layer_norm, "EPSILON", 1.0)
        yield


@pytest.fixture(scope="session")
def gradients():
    """The check of gradients, as one object for laws and mutants alike."""
    return GradientCheck()
