"""A model as a PyTorch module: charlm's logits, the run's tensors, gradients that flow."""

import numpy as np
import pytest

from charlm.nn.cells import CELLS

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from charlm.engines.numpy.network import open_network  # noqa: E402
from charlm.engines.torch.module import CharRNN  # noqa: E402
from charlm.models.torch_layout import is_in_torch, to_torch  # noqa: E402

CASES = [
    *({"cell": cell, "layers": layers} for cell in CELLS.names() for layers in (1, 2)),
    {"cell": "gru", "reset_after": True, "layers": 2},
    {"cell": "rnn", "nonlinearity": "relu"},
    {"cell": "lstm", "layers": 3, "residual": True},
    {"cell": "gru", "layers": 2, "residual": True, "learned_state": True},
    {"cell": "lstm", "encoding": "embedding", "learned_state": True},
    {"cell": "lnlstm", "encoding": "embedding", "embedding_size": 4, "tied": True},
    {"cell": "gru", "encoding": "embedding", "embedding_size": 3, "tied": True, "adaptive_softmax": True},
    {"cell": "lstm", "dtype": "float32"},
]


@pytest.fixture(params=CASES, ids=str)
def both(request, make_model):
    model = make_model(6, **request.param)
    model.params.flat[:] = np.random.default_rng(1).normal(size=model.params.flat.size, scale=0.4)
    return model, CharRNN(model.config, model.params)


def test_logits_and_their_continuation(both):
    model, module = both
    ids = np.random.default_rng(2).integers(0, 6, (7, 3)).astype(np.uint8)
    network = open_network(model)
    network.begin(3)
    logits = [network.read(part).logits() for part in (ids[:4], ids[4:])]
    state, found = None, []
    for part in (ids[:4], ids[4:]):
        own, state = module(torch.tensor(part.astype(np.int64)), state)
        found.append(own.detach().numpy())
    tolerance = 1e-10 if model.config.dtype == "float64" else 1e-5
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(logits), rtol=0, atol=tolerance)


def test_the_tensors_have_the_names_of_a_run(both):
    model, module = both
    tensors = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    if model.config.tied:
        np.testing.assert_array_equal(tensors.pop("readout.weight"), tensors["embedding.weight"])
    expected = to_torch(model.params, model.config)
    assert tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        np.testing.assert_array_equal(tensors[name], tensor)
    layers = module.rnn if hasattr(module, "rnn") else module.cell
    assert isinstance(layers, torch.nn.RNNBase) is is_in_torch(model.config)


def test_every_parameter_has_a_gradient(both):
    _, module = both
    logits, _ = module(torch.tensor([[0, 1], [2, 3], [4, 5]]))
    logits.log_softmax(-1)[..., 0].sum().backward()
    unused = {name for name, each in module.named_parameters() if each.grad is None}
    assert unused <= {name for name, _ in module.named_parameters() if "bias_hh" in name}
