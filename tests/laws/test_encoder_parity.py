"""Bidirectional layers agree with PyTorch's; ``tests/golden/make_encoder_fixtures.py`` made the fixture."""

import numpy as np
import pytest

from charlm.base.arrays import FlatVector
from charlm.config import ModelConfig
from charlm.models.torch_layout import from_tensors, to_torch
from charlm.nn.bidirectional import Encoder, EncoderBuffers, encoder_shapes
from charlm.nn.cells import CELLS
from charlm.nn.embedding import Encoding
from tests.laws.test_torch_parity import assert_same, load, part

CELL = {"lstm": {"cell": "lstm"}, "gru": {"cell": "gru", "reset_after": True}}
FIXTURE = load("torch_encoders.npz")


@pytest.mark.parametrize("name", CELL)
def test_outputs_final_states_and_all_gradients_of_packed_sequences(name):
    arrays = part(FIXTURE, f"{name}/")
    config = ModelConfig(**CELL[name], hidden=3, layers=2, dtype="float64")
    cell, lengths = CELLS.find(config.cell).from_config(config), arrays["lengths"]
    shapes = encoder_shapes(cell, 3, 2, 5, Encoding(), is_bidirectional=True, has_learned_state=False)
    params = from_tensors(part(arrays, "weight/"), shapes, config)
    encoder = Encoder(cell, params, 2, Encoding(), is_bidirectional=True)
    buffers = EncoderBuffers(encoder, 8, len(lengths))
    moved_TB = (np.arange(6)[:, None] - (6 - lengths)) % 6  # from padding behind to padding in front

    def front(values):
        order = moved_TB.reshape(*moved_TB.shape, *(1,) * (values.ndim - 2))
        return np.take_along_axis(values, order, axis=0)

    out, finals = encoder.forward(front(arrays["x"]).astype(np.uint8), lengths, buffers)
    own = (np.arange(6)[:, None] >= 6 - lengths)[..., None]
    assert_same(np.where(own, out, 0), front(arrays["out"]))
    for place, variable in enumerate(cell.state_names):
        assert_same(np.stack([final[place] for final in finals]), arrays[f"final/{variable}"])
    dfinals = [tuple(arrays[f"dfinal/{v}"][direction] for v in cell.state_names) for direction in range(2)]
    grads = FlatVector(shapes, "float64")
    encoder.backward(front(arrays["dout"]), dfinals, buffers, grads)
    ours = to_torch(grads, config)
    theirs = part(arrays, "gradient/")
    assert set(ours) == set(theirs)
    for tensor, gradient in theirs.items():
        expected = ours[tensor]
        if "bias_hh" in tensor:  # charlm's one bias stands for the sum of two; the reset gate has one of its own
            expected = ours[tensor.replace("bias_hh", "bias_ih")].copy()
            if name == "gru":
                expected[-3:] = ours[tensor][-3:]
        assert_same(expected, gradient)
