from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.arrays import FlatVector
from charlm.config import ModelConfig
from charlm.models import torch_layout
from charlm.models.architecture import parameter_shapes
from charlm.models.torch_layout import from_torch, is_of_model, to_torch, torch_shapes
from charlm.nn.cells import CELLS


def numbered(config, vocab_size):
    """Parameters that hold 1, 2, 3 and so on, in charlm's order."""
    params = FlatVector(parameter_shapes(config, vocab_size), config.dtype)
    params.flat[:] = np.arange(1, params.flat.size + 1)
    return params


def test_the_lstm_in_numbers():
    config = ModelConfig(cell="lstm", hidden=1)
    params = FlatVector(parameter_shapes(config, 2), "float32")
    # charlm: columns are the gates, in an order of its own; rows are the symbols.
    of_gate = {"i": 1, "f": 2, "o": 3, "g": 4}
    columns = np.array([of_gate[gate] for gate in CELLS.find("lstm").gates])
    params["layers.0.W_xh"][:] = [columns, columns + 4]
    params["layers.0.W_hh"][:] = [columns + 10]
    params["layers.0.b_h"][:] = columns + 20
    params["readout.W_hy"][:] = [[31, 32]]
    params["readout.b_y"][:] = [41, 42]
    tensors = to_torch(params, config)
    # PyTorch: rows are the gates, i f g o; columns are the symbols.
    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {
        "rnn.weight_ih_l0": [[1, 5], [2, 6], [4, 8], [3, 7]],
        "rnn.weight_hh_l0": [[11], [12], [14], [13]],
        "rnn.bias_ih_l0": [21, 22, 24, 23],
        "rnn.bias_hh_l0": [0, 0, 0, 0],
        "readout.weight": [[31], [32]],
        "readout.bias": [41, 42],
    }


def test_a_block_of_several_units_moves_as_a_whole():
    config = ModelConfig(cell="lstm", hidden=2)
    params = FlatVector(parameter_shapes(config, 1), "float32")
    of_gate = {"i": [1, 2], "f": [3, 4], "o": [5, 6], "g": [7, 8]}
    columns = np.concatenate([of_gate[gate] for gate in CELLS.find("lstm").gates])
    params["layers.0.b_h"][:] = columns
    params["layers.0.W_hh"][:] = [columns, columns + 10]
    tensors = to_torch(params, config)
    assert tensors["rnn.bias_ih_l0"].tolist() == [1, 2, 3, 4, 7, 8, 5, 6]
    assert tensors["rnn.weight_hh_l0"].T.tolist() == [[1, 2, 3, 4, 7, 8, 5, 6], [11, 12, 13, 14, 17, 18, 15, 16]]


def test_the_bias_inside_the_reset_is_its_block_of_bias_hh():
    config = ModelConfig(cell="gru", reset_after=True, hidden=1)
    params = FlatVector(parameter_shapes(config, 1), "float32")
    params["layers.0.b_h"][:] = [1, 2, 3]
    params["layers.0.b_hn"][:] = [9]
    tensors = to_torch(params, config)
    assert tensors["rnn.bias_ih_l0"].tolist() == [1, 2, 3]
    assert tensors["rnn.bias_hh_l0"].tolist() == [0, 0, 9]
    # A file that PyTorch trained has both biases everywhere: they add up, but for the one inside the reset.
    tensors["rnn.bias_hh_l0"][:] = [10, 20, 30]
    read = from_torch(tensors, config, 1)
    assert read["layers.0.b_h"].tolist() == [11, 22, 3]
    assert read["layers.0.b_hn"].tolist() == [30]
    assert tensors["rnn.bias_hh_l0"].tolist() == [10, 20, 30]


def test_a_cell_that_pytorch_lacks_cannot_be_taken_for_one_that_it_has():
    config = ModelConfig(cell="gru", hidden=2, layers=2, encoding="embedding", embedding_size=3)
    assert torch_shapes(config, 5) == {
        "embedding.weight": (5, 3),
        "cell.weight_ih_l0": (6, 3),
        "cell.weight_hh_l0": (6, 2),
        "cell.bias_ih_l0": (6,),
        "cell.bias_hh_l0": (6,),
        "cell.weight_ih_l1": (6, 2),
        "cell.weight_hh_l1": (6, 2),
        "cell.bias_ih_l1": (6,),
        "cell.bias_hh_l1": (6,),
        "readout.weight": (5, 2),
        "readout.bias": (5,),
    }


def test_a_parameter_that_only_one_cell_has_keeps_its_name_and_layout(monkeypatch):
    peephole = SimpleNamespace(gates=("a", "b"), torch_gates=None, recurrent_biases={})
    shapes = {"layers.0.W_xh": (3, 4), "layers.0.b_h": (4,), "layers.0.w_peep": (2, 3), "readout.b_y": (3,)}
    monkeypatch.setattr(torch_layout, "_cell", lambda config: peephole)
    monkeypatch.setattr(torch_layout, "parameter_shapes", lambda config, vocab_size: shapes)
    params = FlatVector(shapes, "float32")
    params.flat[:] = np.arange(params.flat.size)
    tensors = to_torch(params, ModelConfig())
    assert torch_shapes(ModelConfig(), 3)["cell.w_peep_l0"] == (2, 3)
    np.testing.assert_array_equal(tensors["cell.w_peep_l0"], params["layers.0.w_peep"])
    np.testing.assert_array_equal(from_torch(tensors, ModelConfig(), 3).flat, params.flat)


def test_a_tied_network_is_written_with_one_matrix():
    config = ModelConfig(cell="rnn", hidden=2, encoding="embedding", embedding_size=2, tied=True)
    tensors = to_torch(numbered(config, 3), config)
    assert tensors["embedding.weight"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert [name for name in tensors if name.startswith("readout")] == ["readout.bias"]
    assert from_torch(tensors, config, 3).flat.tobytes() == numbered(config, 3).flat.tobytes()


def test_a_learned_initial_state_is_outside_of_what_pytorch_loads():
    config = ModelConfig(cell="lstm", hidden=2, layers=2, learned_state=True)
    params = numbered(config, 3)
    tensors = to_torch(params, config)
    initial = {
        name: values.tolist() for name, values in tensors.items() if is_of_model(name) and "initial" in name
    }
    assert initial == {
        f"initial.{name}_l{layer}": params[f"layers.{layer}.{name}_0"].tolist()
        for layer in (0, 1)
        for name in ("h", "c")
    }
    assert from_torch(tensors, config, 3).flat.tobytes() == params.flat.tobytes()


@given(
    cell=st.sampled_from([*CELLS.names(), "gru-reset-after"]),
    layers=st.integers(1, 3),
    hidden=st.integers(1, 4),
    encoding=st.sampled_from(["one-hot", "embedding"]),
    dtype=st.sampled_from(["float32", "float64"]),
    vocab_size=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_there_and_back_every_bit_is_the_same(cell, layers, hidden, encoding, dtype, vocab_size, seed):
    config = ModelConfig(
        cell=cell.partition("-")[0],
        reset_after=cell.endswith("after"),
        layers=layers,
        hidden=hidden,
        encoding=encoding,
        embedding_size=2,
        dtype=dtype,
    )
    params = FlatVector(parameter_shapes(config, vocab_size), dtype)
    params.flat[:] = np.random.default_rng(seed).standard_normal(params.flat.size)
    params.flat[::3] = -0.0  # adding a zero to it would change its sign
    tensors = to_torch(params, config)
    assert {name: tensor.shape for name, tensor in tensors.items()} == torch_shapes(config, vocab_size)
    assert all(tensor.flags.c_contiguous and tensor.dtype == dtype for tensor in tensors.values())
    assert not any(np.shares_memory(tensor, params.flat) for tensor in tensors.values())
    assert from_torch(tensors, config, vocab_size).flat.tobytes() == params.flat.tobytes()


@pytest.mark.parametrize("cell", CELLS.names())
def test_no_number_is_lost_or_written_twice(cell):
    config = ModelConfig(cell=cell, layers=2, hidden=3, reset_after=cell == "gru")
    params = numbered(config, 4)
    written = np.concatenate([tensor.ravel() for tensor in to_torch(params, config).values()])
    np.testing.assert_array_equal(np.sort(written[written != 0]), params.flat)
