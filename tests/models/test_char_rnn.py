"""The model around its cells: names and shapes, settings that belong to other cells, dropout, states."""

import numpy as np
import pytest

from charlm.base.errors import CheckpointError, UsageError
from charlm.config import ModelConfig, OptimizerConfig
from charlm.models.architecture import check_settings, parameter_shapes
from charlm.models.char_rnn import Model
from charlm.nn.cells import CELLS
from charlm.nn.dropout import Regularization, draw_mask
from charlm.nn.init import xavier_
from charlm.nn.state import join_states, named_states
from charlm.runs.format_version import FORMAT

SYMBOLS = 5
PLAIN = OptimizerConfig()


def test_parameters_of_a_one_hot_model():
    assert parameter_shapes(ModelConfig(cell="lstm", hidden=4, layers=2), SYMBOLS) == {
        "layers.0.W_xh": (5, 16),
        "layers.0.b_h": (16,),
        "layers.0.W_hh": (4, 16),
        "layers.1.W_xh": (4, 16),
        "layers.1.b_h": (16,),
        "layers.1.W_hh": (4, 16),
        "readout.W_hy": (4, 5),
        "readout.b_y": (5,),
    }


def test_an_embedding_narrows_the_first_layers_input():
    shapes = parameter_shapes(ModelConfig(hidden=4, encoding="embedding", embedding_size=3), SYMBOLS)
    assert shapes["embedding"] == (5, 3) and shapes["layers.0.W_xh"] == (3, 16)


def test_a_tied_readout_has_no_weights_of_its_own():
    config = ModelConfig(hidden=4, encoding="embedding", embedding_size=4, tied=True)
    assert list(parameter_shapes(config, SYMBOLS))[-2:] == ["layers.0.W_hh", "readout.b_y"]


def test_an_embedding_of_another_width_is_tied_by_a_projection():
    config = ModelConfig(hidden=4, encoding="embedding", embedding_size=3, tied=True)
    assert parameter_shapes(config, SYMBOLS)["readout.W_he"] == (4, 3)
    assert "readout.W_hy" not in parameter_shapes(config, SYMBOLS)


def test_tying_needs_an_embedding():
    words = "--tied shares the embedding with the output layer: it needs --encoding embedding"
    with pytest.raises(UsageError, match=words):
        ModelConfig(tied=True)
    stored = ModelConfig().to_json() | {"tied": True}
    with pytest.raises(CheckpointError, match=f"config.json: {words}"):
        ModelConfig.from_json(stored, "config.json", FORMAT)


def test_a_model_works_on_the_parameters_that_it_is_given(make_model):
    model = make_model(SYMBOLS)
    same = Model(model.config, SYMBOLS, model.params)
    assert same.params is model.params
    x_B, state = np.array([1], np.uint8), model.zero_state(1)
    np.testing.assert_array_equal(same.step(x_B, state)[0], model.step(x_B, state)[0])


@pytest.mark.parametrize(
    ("setting", "value", "owner", "other"),
    [
        ("nonlinearity", "relu", "rnn", "lstm"),
        ("reset_after", True, "gru", "rnn"),
        ("forget_bias", 2.0, "lstm", "gru"),
    ],
)
def test_a_setting_of_another_cell_is_refused(setting, value, owner, other):
    check_settings(ModelConfig(cell=owner, **{setting: value}), PLAIN)
    with pytest.raises(UsageError, match=f"--{setting.replace('_', '-')} belongs to --cell .*{owner}.*{other}"):
        check_settings(ModelConfig(cell=other, **{setting: value}), PLAIN)


def test_the_width_of_an_embedding_that_is_not_there_is_refused():
    check_settings(ModelConfig(encoding="embedding", embedding_size=7), PLAIN)
    with pytest.raises(UsageError, match="--embedding-size needs --encoding embedding: add it"):
        check_settings(ModelConfig(embedding_size=7), PLAIN)


@pytest.mark.parametrize("cell", CELLS.names())
def test_defaults_suit_every_cell(cell):
    check_settings(ModelConfig(cell=cell), PLAIN)


def test_the_output_layer_reads_dropped_units_and_the_state_does_not(make_model):
    model = make_model(SYMBOLS, layers=1, hidden=30)
    x_TB = np.random.default_rng(0).integers(SYMBOLS, size=(8, 3)).astype(np.uint8)
    buffers = model.buffers(8, 3, Regularization(dropout=0.4))
    state = model.zero_state(3)
    plain_TBH, plain_after = model.forward(x_TB, state, buffers)
    plain_TBH = plain_TBH.copy()
    h_TBH, after = model.forward(x_TB, state, buffers, rng=np.random.default_rng(1))
    dropped = h_TBH == 0
    assert 0.3 < dropped.mean() < 0.5
    np.testing.assert_allclose(h_TBH[~dropped], plain_TBH[~dropped] / 0.6)
    np.testing.assert_array_equal(after[0][0], plain_after[0][0])


def test_dropout_lies_between_layers_too(make_model):
    """Masks of the lower layer alone change what the upper one makes, but not the lower one's state."""
    model = make_model(SYMBOLS, layers=2)
    x_TB = np.zeros((4, 2), np.uint8)
    buffers = model.buffers(4, 2, Regularization(dropout=0.5))
    results = [model.forward(x_TB, model.zero_state(2), buffers, rng=np.random.default_rng(s)) for s in (1, 2)]
    first, second = (after for _, after in results)
    np.testing.assert_array_equal(first[0][0], second[0][0])
    assert (first[1][0] != second[1][0]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_a_mask_keeps_the_mean(rate, dtype):
    mask = np.empty((200, 100), dtype)
    draw_mask(mask, rate, np.random.default_rng(0))
    np.testing.assert_allclose(np.unique(mask), [0, 1 / (1 - rate)], rtol=1e-6)
    # Five standard deviations of the mean of 20,000 draws.
    assert abs(mask.mean(dtype=np.float64) - 1) < 5 * (rate / (1 - rate) / mask.size) ** 0.5


def test_xavier_keeps_the_variance_of_a_signal():
    W = np.empty((300, 200))
    xavier_(W, np.random.default_rng(0))
    signal = np.random.default_rng(1).standard_normal((50, 300)) @ W
    assert signal.std() == pytest.approx(1, rel=0.05)


def test_states_of_groups_are_joined_side_by_side(make_model):
    model = make_model(SYMBOLS, layers=2)
    shapes = [(size, 4) for size in (1, 3)]
    groups = tuple(tuple((np.full(s, n), np.full(s, -n)) for _ in range(2)) for n, s in enumerate(shapes, 1))
    joined = join_states(groups)
    for h_BH, c_BH in joined:
        assert h_BH[:, 0].tolist() == [1, 2, 2, 2] and c_BH[:, 0].tolist() == [-1, -2, -2, -2]
    names = named_states(joined, model.cell)
    assert list(names) == ["state.0.h", "state.0.c", "state.1.h", "state.1.c"]
    assert names["state.1.c"] is joined[1][1]
