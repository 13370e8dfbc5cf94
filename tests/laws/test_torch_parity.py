"""charlm agrees with PyTorch 2.13 in float64; ``tests/golden/make_torch_fixtures.py`` made the fixtures."""

from pathlib import Path

import numpy as np
import pytest

from charlm.config import ModelConfig
from charlm.models.char_rnn import Model
from charlm.models.torch_layout import from_torch, to_torch
from charlm.nn.readout import logits, loss_and_gradient, nll_nats
from charlm.optim.rules import OPTIMIZERS

GOLDEN = Path(__file__).parents[1] / "golden"
SYMBOLS, LR = 5, 0.05
KINDS = {
    "rnn-tanh": {"cell": "rnn"},
    "rnn-relu": {"cell": "rnn", "nonlinearity": "relu"},
    "gru": {"cell": "gru", "reset_after": True},
    "lstm": {"cell": "lstm"},
}


def load(name):
    with np.load(GOLDEN / name, allow_pickle=False) as arrays:
        return dict(arrays)


CELLS_FIXTURE = load("torch_cells.npz")
PATHS = load("torch_optimizers.npz")
CASES = [f"{kind}-{size}" for kind in KINDS for size in (1, 2, 3, "embedding")]


def part(arrays, prefix):
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def assert_same(ours, theirs):
    """Equal to 1e-10 of the largest value."""
    assert np.shape(ours) == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10 * np.abs(theirs).max())


def by_layer(arrays, prefix):
    """A fixture's state [L, B, H] as charlm's: for each layer its variables."""
    variables = part(arrays, prefix).values()
    return tuple(tuple(array[layer] for array in variables) for layer in range(len(next(iter(variables)))))


@pytest.fixture(scope="module", params=CASES)
def both(request):
    """A case of the fixture, and charlm's results for the same weights, input and gradients."""
    arrays = part(CELLS_FIXTURE, request.param + "/")
    kind, size = request.param.rsplit("-", 1)
    layers, encoding = (2, "embedding") if size == "embedding" else (int(size), "one-hot")
    sizes = {"layers": layers, "encoding": encoding, "hidden": 4, "embedding_size": 3}
    config = ModelConfig(**KINDS[kind], **sizes, dtype="float64")
    return arrays, config, charlms(arrays, config)


def charlms(arrays, config):
    """charlm's own arrays under the fixture's names, with gradients under PyTorch's."""
    model = Model(config, SYMBOLS, from_torch(part(arrays, "weight/"), config, SYMBOLS))
    x_TB, y_TB = (arrays[name].astype(np.uint8) for name in "xy")
    buffers = model.buffers(*x_TB.shape)
    h_TBH, after = model.forward(x_TB, by_layer(arrays, "before/"), buffers)
    ours = {"h": h_TBH.copy(), "logits": logits(model.params, h_TBH.reshape(-1, 4)).reshape(*x_TB.shape, -1)}
    grads = model.params.zeros_like()
    dh_NH = np.empty((x_TB.size, 4))
    nll_sum = loss_and_gradient(
        model.params, h_TBH.reshape(-1, 4), y_TB.reshape(-1), None, x_TB.size, dh_NH, grads
    )
    ours["loss"] = nll_sum / x_TB.size
    dh_TBH = dh_NH.reshape(h_TBH.shape) + arrays["dh"]
    before = model.backward(dh_TBH, by_layer(arrays, "dafter/"), buffers, grads)
    for place, name in enumerate(model.cell.state_names):
        ours[f"after/{name}"] = np.stack([layer[place] for layer in after])
        ours[f"dbefore/{name}"] = np.stack([layer[place] for layer in before])
    return ours | {f"gradient/{name}": array for name, array in to_torch(grads, config).items()}


def test_outputs_logits_and_loss(both):
    theirs, _, ours = both
    for name in ("h", "logits", "loss"):
        assert_same(ours[name], theirs[name])


def test_the_last_state(both):
    theirs, _, ours = both
    for name in part(theirs, "after/"):
        assert_same(ours[f"after/{name}"], theirs[f"after/{name}"])


def test_every_named_gradient(both):
    theirs, config, ours = both
    names = [name for name in theirs if name.startswith("gradient/")]
    assert set(names) == {name for name in ours if name.startswith("gradient/")}
    for name in names:
        if "bias_hh" in name:
            # charlm's one bias stands for the sum of two, so its gradient is that of both; a bias inside the
            # reset gate is a parameter of its own.
            expected = ours[name.replace("bias_hh", "bias_ih")].copy()
            if config.cell == "gru":
                expected[-config.hidden :] = ours[name][-config.hidden :]
            assert_same(expected, theirs[name])
        else:
            assert_same(ours[name], theirs[name])


def test_the_gradient_of_the_first_state(both):
    theirs, _, ours = both
    for name in part(theirs, "dbefore/"):
        assert_same(ours[f"dbefore/{name}"], theirs[f"dbefore/{name}"])


@pytest.mark.parametrize("path", [name for name in PATHS if "/" in name])
def test_ten_steps_of_an_optimizer(path):
    name, weight_decay = path.split("/")
    optimizer = OPTIMIZERS.find(name)(float(weight_decay))
    w_P = PATHS["start"].copy()
    slots = optimizer.init(w_P)
    for t, (gradient, theirs_P) in enumerate(zip(PATHS["gradients"], PATHS[path], strict=True), 1):
        optimizer.update(w_P, gradient.copy(), slots, LR, t)
        np.testing.assert_allclose(w_P, theirs_P, rtol=1e-10, atol=0)


def test_every_optimizer_of_the_fixture_is_there_with_and_without_decay():
    assert sum("/" in name for name in PATHS) == 10


def test_an_adaptive_softmax():
    """PyTorch's, without its clusters' projections; the biases of clusters' symbols are charlm's alone."""
    arrays = load("torch_adaptive.npz")
    params, gradients = part(arrays, "weight/"), part(arrays, "gradient/")
    head, symbols = len(params["readout.b_y"]), arrays["log_probs"].shape[1]
    params["readout.b_y"] = np.concatenate([params["readout.b_y"], np.zeros(symbols - head)])
    y_N = arrays["y"].astype(np.uint8)
    assert_same(logits(params, arrays["h"]), arrays["log_probs"])
    assert_same(nll_nats(params, arrays["h"], y_N), arrays["nll"])
    grads = {name: np.full_like(array, np.nan) for name, array in params.items()}
    dh_NH = np.empty_like(arrays["h"])
    nll_sum = loss_and_gradient(params, arrays["h"], y_N, None, len(y_N), dh_NH, grads)
    assert_same(nll_sum, arrays["nll"].sum())
    assert_same(dh_NH, arrays["dh"])
    grads["readout.b_y"] = grads["readout.b_y"][:head]
    for name, gradient in gradients.items():
        assert_same(grads[name], gradient)
