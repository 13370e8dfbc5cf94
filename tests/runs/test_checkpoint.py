import numpy as np
import pytest

from charlm.base.errors import CheckpointError, DivergenceError
from charlm.config import ModelConfig
from charlm.models.base import NetworkSpec
from charlm.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint


@pytest.fixture
def saved(tmp_path, make_model):
    """A model, its checkpoint with optimiser slots and a carried state, and the file that holds it."""
    model = make_model(cell="lstm", layers=2, dtype="float32")
    rng = np.random.default_rng(1)
    shapes = {"optimizer.m": model.params.flat.shape, "state.0.h": (3, 4), "state.1.c": (3, 4)}
    extras = {name: rng.standard_normal(shape).astype("float32") for name, shape in shapes.items()}
    checkpoint = Checkpoint(model.params, extras, {"step": 7, "seconds": 1.5})
    save_checkpoint(tmp_path / "last.safetensors", checkpoint, model.config)
    return model, checkpoint, shapes, tmp_path / "last.safetensors"


def test_everything_comes_back_bit_for_bit(saved):
    model, checkpoint, shapes, path = saved
    loaded = load_checkpoint(path, model.spec, shapes)
    assert loaded.params.flat.tobytes() == model.params.flat.tobytes()
    assert list(loaded.params) == list(model.params)
    assert {name: extra.tobytes() for name, extra in loaded.extras.items()} == {
        name: extra.tobytes() for name, extra in checkpoint.extras.items()
    }
    assert loaded.scalars == {"step": 7, "seconds": 1.5}


def test_the_model_alone_can_be_read(saved):
    model, _, _, path = saved
    loaded = load_checkpoint(path, model.spec)
    assert loaded.params.flat.tobytes() == model.params.flat.tobytes()
    assert loaded.extras == {} and loaded.scalars["step"] == 7


def test_extras_must_be_those_that_are_expected(saved):
    model, _, shapes, path = saved
    with pytest.raises(CheckpointError, match=r"holds the tensor 'optimizer\.m'"):
        load_checkpoint(path, model.spec, {})
    with pytest.raises(CheckpointError, match=r"lacks the tensor 'optimizer\.v'"):
        load_checkpoint(path, model.spec, {**shapes, "optimizer.v": model.params.flat.shape})
    with pytest.raises(
        CheckpointError, match=r"state\.0\.h has the shape \[3, 4\], and config\.json makes it \[2, 4\]"
    ):
        load_checkpoint(path, model.spec, {**shapes, "state.0.h": (2, 4)})


@pytest.mark.parametrize(
    "other",
    [
        {"cell": "gru"},
        {"layers": 1},
        {"layers": 3},
        {"hidden": 5},
        {"dtype": "float64"},
        {"encoding": "embedding"},
    ],
)
def test_a_checkpoint_of_another_model_is_refused(saved, other):
    _, _, _, path = saved
    config = ModelConfig(**{"cell": "lstm", "layers": 2, "hidden": 4, **other})
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_checkpoint(path, NetworkSpec("char-rnn", config, 5, 5))


def test_a_checkpoint_of_another_vocabulary_is_refused(saved):
    model, _, _, path = saved
    with pytest.raises(CheckpointError, match=r"readout\.\w+ has the shape|weight_ih_l0 has the shape"):
        load_checkpoint(path, NetworkSpec("char-rnn", model.config, 6, 6))


def test_sizes_that_no_machine_has_are_refused_before_anything_is_allocated(saved):
    _, _, _, path = saved
    config = ModelConfig(cell="lstm", layers=64, hidden=65_536, dtype="float64")
    with pytest.raises(CheckpointError):
        load_checkpoint(path, NetworkSpec("char-rnn", config, 1_000_000, 1_000_000))


def test_a_diverged_model_is_not_saved_over_a_good_one(saved):
    model, checkpoint, _, path = saved
    before = path.read_bytes()
    model.params.flat[3] = np.nan
    with pytest.raises(DivergenceError, match="not finite"):
        save_checkpoint(path, checkpoint, model.config)
    assert path.read_bytes() == before
