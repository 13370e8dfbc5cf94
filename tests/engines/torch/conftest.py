"""Both engines on the same batches."""

import numpy as np
import pytest

from charlm.config import EngineConfig, ModelConfig, OptimizerConfig
from charlm.data.batches import Batch
from charlm.engines.numpy.engine import NumpyEngine
from charlm.models.char_rnn import Model

STEPS, BATCH, SYMBOLS = 9, 4, 7


@pytest.fixture
def make_engines():
    """A function that makes an engine of NumPy and one of PyTorch, with the same weights."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from charlm.engines.torch.engine import TorchEngine

    made = []

    def make(config, optimizer=None):
        engines = []
        for kind in (NumpyEngine, TorchEngine):
            model = Model(ModelConfig(**{"hidden": 6, "dtype": "float64"} | config), SYMBOLS)
            model.initialize(np.random.default_rng(1))
            model.params.flat[:] += 0.1 * np.random.default_rng(2).standard_normal(model.params.flat.size)
            settings = OptimizerConfig(**{"dropout": 0.0} | (optimizer or {}))
            if kind is NumpyEngine:
                engines.append(kind(model, settings, STEPS, BATCH, 1))
            else:
                engines.append(kind(model, settings, BATCH, EngineConfig(engine="torch", workers=1)))
        made.extend(engines)
        return engines

    yield make
    for engine in made:
        engine.close()


@pytest.fixture(scope="session")
def draw_batches():
    """A function that draws batches, with a share of restarts."""

    def draw(count, restarts=0.0):
        rng = np.random.default_rng(3)
        for number in range(count):
            x_TB, y_TB = rng.integers(0, SYMBOLS, (2, STEPS - number % 2, BATCH)).astype(np.uint8)
            mask_TB = rng.random(x_TB.shape) < 0.9
            fields = {"x_TB": x_TB, "y_TB": y_TB, "target_mask_TB": mask_TB}
            if restarts:
                fields["carry_TB"] = rng.random(x_TB.shape) >= restarts
            yield Batch(fields, int(mask_TB.sum()), resets_state=number == 0)

    return draw
