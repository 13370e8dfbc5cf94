"""The golden trajectory: the first losses and gradients of tiny training runs, pinned, so that the maths stays.

Whoever changes the maths on purpose makes ``trajectory.json`` anew, from the root of the repository:

    PYTHONPATH=. python tests/golden/test_trajectory.py

Nothing here is random: parameters start on a sine, so the file holds for every version of NumPy.
"""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from charlm.base.arrays import FlatVector
from charlm.config import ModelConfig, OptimizerConfig
from charlm.data.windows import SequentialBatcher
from charlm.engines.numpy.engine import NumpyEngine
from charlm.models.char_rnn import Model

FILE = Path(__file__).with_name("trajectory.json")
TEXT = "a rose is a rose is a rose, said the poet; and the rose said nothing at all. " * 3
STEPS, LR, CLIP = 10, 0.02, 0.4
MODELS = {
    "rnn": {"cell": "rnn", "layers": 2},
    "rnn-relu": {"cell": "rnn", "nonlinearity": "relu"},
    "gru": {"cell": "gru", "encoding": "embedding", "embedding_size": 5},
    "gru-reset-after": {"cell": "gru", "reset_after": True, "layers": 2},
    "lstm": {"cell": "lstm", "layers": 2, "encoding": "embedding", "embedding_size": 5},
    "tied-residual-learned": {
        "layers": 2,
        "encoding": "embedding",
        "embedding_size": 6,
        "tied": True,
        "residual": True,
        "learned_state": True,
    },
}


def trajectory(settings):
    """The losses of ten steps, and by parameter the norm of its gradient, before clipping, at both ends."""
    symbols, ids = np.unique(list(TEXT), return_inverse=True)
    model = Model(ModelConfig(hidden=6, dtype="float64", **settings), len(symbols))
    model.params.flat[:] = 0.5 * np.sin(np.arange(model.params.flat.size) ** 2)
    partition = SequentialBatcher(ids.astype(np.uint8), seq_len=7, batch_size=3)
    batches = list(partition.epoch(np.random.default_rng(0)))[:STEPS]
    losses, norms = [], []
    with closing(NumpyEngine(model, OptimizerConfig(dropout=0.0), seq_len=7, batch_size=3, workers=2)) as engine:
        for number, batch in enumerate(batches, 1):
            losses.append(engine.step(batch, np.random.default_rng(0)) / batch.num_targets)
            named = FlatVector(model.shapes, "float64", engine.gradient)
            norms.append({name: float(np.linalg.norm(gradient)) for name, gradient in named.items()})
            engine.clip(0, CLIP)
            engine.update(LR, number)
    return {"losses": losses, "first_gradient_norms": norms[0], "last_gradient_norms": norms[-1]}


@pytest.mark.parametrize("name", MODELS)
def test_the_trajectory_is_the_golden_one(name):
    golden = json.loads(FILE.read_text(encoding="utf-8"))[name]
    ours = trajectory(MODELS[name])
    assert len(golden["losses"]) == STEPS
    np.testing.assert_allclose(ours["losses"], golden["losses"], rtol=1e-6, atol=0)
    for end in ("first_gradient_norms", "last_gradient_norms"):
        assert ours[end] == pytest.approx(golden[end], rel=1e-6, abs=0)


if __name__ == "__main__":
    made = {name: trajectory(settings) for name, settings in MODELS.items()}
    FILE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
