"""Make the fixtures that compare charlm with PyTorch: ``torch_{cells,optimizers,adaptive}.npz``.

The test suite reads them and never imports torch. To make them anew, in an environment of its own and from the
root of the repository:

    python -m venv /tmp/torch && /tmp/torch/bin/pip install torch==2.13.0 numpy safetensors
    PYTHONPATH=. /tmp/torch/bin/python tests/golden/make_torch_fixtures.py

Each case of ``torch_cells.npz`` is a network of torch.nn.RNN, GRU or LSTM between an input and a linear readout,
in double precision: ``CASE/weight/NAME`` and ``CASE/gradient/NAME`` under the names that charlm's files have,
``CASE/x`` and ``CASE/y`` [T, B], for each state variable ``CASE/before/h``, ``CASE/after/h`` and the gradients
``CASE/dbefore/h`` and ``CASE/dafter/h`` [L, B, H], the outputs ``CASE/h`` and ``CASE/dh`` [T, B, H], the
``CASE/logits`` [T, B, V] and the ``CASE/loss``. What is differentiated is the mean cross-entropy plus the
projections of the outputs on dh and of the last state on dafter.

``torch_adaptive.npz`` is an AdaptiveLogSoftmaxWithLoss whose clusters have charlm's sizes, and no projections of
their own (they are the identity): its inputs ``h`` [N, H], targets ``y``, ``log_probs`` [N, V] and ``nll``,
and of their mean ``dh`` and, under charlm's names, ``weight/NAME`` and ``gradient/NAME``.

Before it writes, the script loads what charlm makes of its own parameters into torch's modules, with strict=True,
and compares their outputs.
"""

from pathlib import Path

import numpy as np
import torch

from charlm.config import ModelConfig
from charlm.models.char_rnn import Model
from charlm.models.torch_layout import to_torch
from charlm.nn.readout import split_symbols

FOLDER = Path(__file__).parent
STEPS, BATCH, SYMBOLS, HIDDEN, EMBEDDED = 6, 3, 5, 4, 3
KINDS = {
    "rnn-tanh": {"cell": "rnn"},
    "rnn-relu": {"cell": "rnn", "nonlinearity": "relu"},
    "gru": {"cell": "gru", "reset_after": True},
    "lstm": {"cell": "lstm"},
}
OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def configs():
    """The settings of each case, by its name."""
    for kind, own in KINDS.items():
        sizes = {"hidden": HIDDEN, "embedding_size": EMBEDDED, "dtype": "float64"}
        for layers in (1, 2, 3):
            yield f"{kind}-{layers}", ModelConfig(**own, **sizes, layers=layers)
        yield f"{kind}-embedding", ModelConfig(**own, **sizes, layers=2, encoding="embedding")


def recurrent(config):
    """The torch module that has a configuration's equations."""
    width = EMBEDDED if config.encoding == "embedding" else SYMBOLS
    if config.cell == "rnn":
        return torch.nn.RNN(width, HIDDEN, config.layers, nonlinearity=config.own.nonlinearity)
    return {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[config.cell](width, HIDDEN, config.layers)


def network(config):
    """The whole network, its parts under the names that charlm's files have."""
    parts = {"rnn": recurrent(config), "readout": torch.nn.Linear(HIDDEN, SYMBOLS)}
    if config.encoding == "embedding":
        parts["embedding"] = torch.nn.Embedding(SYMBOLS, EMBEDDED)
    return torch.nn.ModuleDict(parts)


def run(parts, x_TB, state=None):
    """The outputs, the logits and the last state; the state is a list of its variables [L, B, H]."""
    if "embedding" in parts:
        input_TBE = parts["embedding"](x_TB)
    else:
        input_TBE = torch.nn.functional.one_hot(x_TB, SYMBOLS).double()
    if state is not None:
        state = state[0] if len(state) == 1 else tuple(state)
    h_TBH, after = parts["rnn"](input_TBE, state)
    return h_TBH, parts["readout"](h_TBH), list(after) if isinstance(after, tuple) else [after]


def case(config):
    """The arrays of one case."""
    parts = network(config)
    x_TB, y_TB = (torch.randint(SYMBOLS, (STEPS, BATCH)) for _ in range(2))
    shape = (config.layers, BATCH, HIDDEN)
    variables = ["h", "c"] if config.cell == "lstm" else ["h"]
    before = [torch.randn(shape, requires_grad=True) for _ in variables]
    dafter = [torch.randn(shape) for _ in variables]
    dh_TBH = torch.randn(STEPS, BATCH, HIDDEN)
    h_TBH, logits_TBV, after = run(parts, x_TB, before)
    loss = torch.nn.functional.cross_entropy(logits_TBV.reshape(-1, SYMBOLS), y_TB.reshape(-1))
    (loss + (h_TBH * dh_TBH).sum() + sum((a * d).sum() for a, d in zip(after, dafter, strict=True))).backward()
    arrays = {"x": x_TB, "y": y_TB, "h": h_TBH, "dh": dh_TBH, "logits": logits_TBV, "loss": loss}
    for place, name in enumerate(variables):
        arrays |= {f"before/{name}": before[place], f"dbefore/{name}": before[place].grad}
        arrays |= {f"after/{name}": after[place], f"dafter/{name}": dafter[place]}
    for name, parameter in parts.named_parameters():
        arrays |= {f"weight/{name}": parameter, f"gradient/{name}": parameter.grad}
    return {name: array.detach().numpy() for name, array in arrays.items()}


def adaptive(rows=20, symbols=13):
    """The arrays of an adaptive softmax."""
    head, first = (ids.stop for ids in split_symbols(symbols)[:2])
    layer = torch.nn.AdaptiveLogSoftmaxWithLoss(HIDDEN, symbols, [head, first], div_value=1.0, head_bias=True)
    with torch.no_grad():
        layer.head.bias.normal_()
        for projection, _ in layer.tail:
            projection.weight.copy_(torch.eye(HIDDEN))
    h_NH, y_N = torch.randn(rows, HIDDEN, requires_grad=True), torch.randint(symbols, (rows,))
    output_N, loss = layer(h_NH, y_N)
    loss.backward()
    arrays = {"h": h_NH, "y": y_N, "log_probs": layer.log_prob(h_NH), "nll": -output_N, "dh": h_NH.grad}
    for kind, of in (("weight", lambda each: each), ("gradient", lambda each: each.grad)):
        weights, bias = of(layer.head.weight), of(layer.head.bias)
        clusters = [of(output.weight) for _, output in layer.tail]
        own = {"W_hy": torch.cat([weights[:head], *clusters]).T, "W_c": weights[head:].T}
        own |= {"b_y": bias[:head], "b_c": bias[head:]}  # the clusters' symbols have no biases there
        arrays |= {f"{kind}/readout.{name}": array for name, array in own.items()}
    return {name: array.detach().numpy() for name, array in arrays.items()}


def ten_steps(optimizer, weight_decay, start, gradients):
    """The parameters after each of ten steps (10, P)."""
    w = torch.nn.Parameter(torch.tensor(start))
    made = optimizer([w], lr=0.05, weight_decay=weight_decay)
    path = []
    for gradient in gradients:
        w.grad = torch.tensor(gradient)
        made.step()
        path.append(w.detach().numpy().copy())
    return np.stack(path)


def check_that_charlms_tensors_load(config):
    """The ``rnn.`` entries, prefix stripped, load into torch's module; its outputs are charlm's."""
    model = Model(config, SYMBOLS)
    model.initialize(np.random.default_rng(1))
    tensors = {name: torch.from_numpy(array) for name, array in to_torch(model.params, config).items()}
    parts = network(config)
    parts["rnn"].load_state_dict(
        {n.removeprefix("rnn."): t for n, t in tensors.items() if n.startswith("rnn.")}, strict=True
    )
    parts.load_state_dict(tensors, strict=True)
    x_TB = np.random.default_rng(2).integers(SYMBOLS, size=(STEPS, BATCH))
    ours_TBH, _ = model.forward(x_TB.astype(np.uint8), model.zero_state(BATCH), model.buffers(STEPS, BATCH))
    theirs_TBH = run(parts, torch.from_numpy(x_TB))[0].detach().numpy()
    np.testing.assert_allclose(ours_TBH, theirs_TBH, rtol=0, atol=1e-12)


def main():
    """Write the files beside this one."""
    torch.manual_seed(7)
    torch.set_default_dtype(torch.float64)
    cells = {}
    for name, config in configs():
        check_that_charlms_tensors_load(config)
        cells |= {f"{name}/{key}": array for key, array in case(config).items()}
    np.savez_compressed(FOLDER / "torch_cells.npz", **cells)
    np.savez_compressed(FOLDER / "torch_adaptive.npz", **adaptive())
    rng = np.random.default_rng(7)
    # Gradients over nine orders of magnitude, so that every rule's epsilon has its say.
    gradients = rng.standard_normal((10, 9)) * 10.0 ** -np.arange(9)
    start = rng.standard_normal(9)
    paths = {"start": start, "gradients": gradients}
    for name, optimizer in OPTIMIZERS.items():
        for weight_decay in (0.0, 0.1):
            paths[f"{name}/{weight_decay}"] = ten_steps(optimizer, weight_decay, start, gradients)
    np.savez_compressed(FOLDER / "torch_optimizers.npz", **paths)


if __name__ == "__main__":
    main()
