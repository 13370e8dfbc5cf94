"""A script that rebuilds and samples a model in PyTorch."""

from __future__ import annotations

import json
import textwrap

from charlm.config import ModelConfig
from charlm.inference import script
from charlm.inference.exporter import ScriptExporter
from charlm.inference.language_model import LanguageModel
from charlm.models.equations import find_step
from charlm.models.torch_layout import is_in_torch, layer_shapes, torch_shapes
from charlm.nn.cells import CELLS

KINDS = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
HELPERS = {
    "split": """\
def split(x, parts):
    return x.chunk(parts, -1)
""",
    "normalize": """\
def normalize(x):
    return nn.functional.layer_norm(x, x.shape[-1:])
""",
}
SAMPLE = """\
@torch.no_grad()
def sample(prompt="", length=300, temperature=0.8):
    model, text = load(), ""
    logits, state = model(torch.tensor(encode(prompt))[:, None])
"""


class Torch(ScriptExporter):
    """A script for PyTorch."""

    def write(self, model: LanguageModel) -> str:
        """The script."""
        config, vocab_size = model.network.config, len(model.vocabulary)
        imported, parts = ["nn"], []
        if is_in_torch(config):
            parts.append(_write_module(config, vocab_size))
        else:
            step = find_step(config)
            names = script.names_in(step)
            imported += [name for name in names if name not in HELPERS]
            helpers = [HELPERS[name] for name in names if name in HELPERS]
            parts = [*helpers, script.quote_step(step), _write_equations(config, vocab_size)]
        if config.adaptive_softmax:
            parts.insert(0, script.write_clusters(vocab_size, "x.log_softmax(-1)", "torch.cat"))
        draw = script.write_draw(
            model,
            logits="logits[-1, 0]",
            infinity="torch.inf",
            draw="int(row.softmax(-1).multinomial(1))",
            read="logits, state = model(torch.tensor([[symbol]]), state)",
        )
        head = script.write_head(
            model, "PyTorch", f"import torch\nfrom torch import {', '.join(sorted(imported))}"
        )
        load = _write_load(config)
        return "\n\n".join([head, *parts, load, script.write_encode(model), SAMPLE + draw, script.MAIN])


def _write_module(config: ModelConfig, vocab_size: int) -> str:
    """The network of modules of PyTorch."""
    size = config.embedding_size if config.encoding == "embedding" else vocab_size
    activation = ', nonlinearity="relu"' if config.to_json()["nonlinearity"] == "relu" else ""
    is_projected = config.output_width != config.hidden
    members = [
        f"self.rnn = nn.{KINDS[config.cell]}({size}, {config.hidden}, {config.layers}{activation})",
        *([f"self.projection = nn.Linear({config.hidden}, {size}, bias=False)"] if is_projected else []),
        f"self.readout = nn.Linear({config.output_width}, {vocab_size})",
    ]
    if config.adaptive_softmax:
        members.append(f'self.clusters = nn.Linear({config.output_width}, len(weights["clusters.bias"]))')
    x = f"nn.functional.one_hot(ids, {vocab_size}).to(torch.{config.dtype})"
    if config.encoding == "embedding":
        members.insert(0, f"self.embedding = nn.Embedding({vocab_size}, {size})")
        x = "self.embedding(ids)"
    if config.learned_state:
        members.append(
            'self.initial = nn.ParameterDict({k[8:]: v for k, v in weights.items() if k.startswith("initial.")})'
        )
    lines = [
        "class Model(nn.Module):",
        "    def __init__(self, weights):",
        "        super().__init__()",
        *(f"        {member}" for member in members),
        f"        self.to(torch.{config.dtype}).load_state_dict(weights)",
        "",
        "    def forward(self, ids, state=None):  # ids (T, B) give logits (T, B, V) of the next ones",
        *([_begin(config)] if config.learned_state else []),
        f"        h, state = self.rnn({x}, state)",
        f"        z = {'self.projection(h)' if is_projected else 'h'}",
        f"        return {_joined(config, 'self.readout(z)', 'self.clusters(z)')}, state",
    ]
    return "\n".join(lines) + "\n"


def _joined(config: ModelConfig, symbols: str, clusters: str) -> str:
    """The expression for the outputs."""
    return f"join_clusters({symbols}, {clusters})" if config.adaptive_softmax else symbols


def _begin(config: ModelConfig) -> str:
    """The statement that makes the state before the first symbol: each variable (L, B, H)."""
    values = []
    for name in CELLS.find(config.cell).state_names:
        rows = ", ".join(f'self.initial["{name}_l{layer}"]' for layer in range(config.layers))
        values.append(f"torch.stack([{rows}])[:, None].repeat(1, ids.shape[1], 1)")
    state = f"({', '.join(values)})" if len(values) > 1 else values[0]
    return f"        state = {state} if state is None else state"


def _write_equations(config: ModelConfig, vocab_size: int) -> str:
    """The network of a cell, or with connections, that PyTorch lacks: step by step, in the cell's equations."""
    prefix, _ = layer_shapes(torch_shapes(config, vocab_size))
    names = json.dumps(script.tensors_in(find_step(config)))
    variables = json.dumps(CELLS.find(config.cell).state_names)
    initial = f'w["readout_bias"].new_zeros({config.hidden})'
    if config.learned_state:
        initial = 'w[f"initial_{name}_l{layer}"]'
    x = f"nn.functional.one_hot(ids, {vocab_size}).to(torch.{config.dtype})"
    if config.encoding == "embedding":
        x = 'w["embedding_weight"][ids]'
    outputs = _joined(
        config,
        'z @ w["readout_weight"].T + w["readout_bias"]',
        'z @ w["clusters_weight"].T + w["clusters_bias"]',
    )
    residual = " + (x if layer > 0 else 0)" if config.residual else ""
    projection = ' @ w["projection_weight"].T' if config.output_width != config.hidden else ""
    return f'''\
class Model(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.w = nn.ParameterDict({{name.replace(".", "_"): tensor for name, tensor in weights.items()}})

    def forward(self, ids, state=None):  # ids (T, B) give logits (T, B, V) of the next ones
        w, outputs, layers = self.w, [], range({config.layers})
        own = [{{name: w[f"{prefix}_{{name}}_l{{layer}}"] for name in {names}}} for layer in layers]
        state = state or [[{initial} for name in {variables}] for layer in layers]
        for x in {x}:
            after = []
            for layer in layers:
                a = x @ own[layer]["weight_ih"].T + own[layer]["bias_ih"]
                after.append(step(own[layer], a, *state[layer]))
                x = after[layer][0]{residual}
            state = after
            z = x{projection}
            outputs.append({outputs})
        return torch.stack(outputs), state
'''


def _write_load(config: ModelConfig) -> str:
    """The function that reads the weights and makes the model."""
    tensor = f'torch.frombuffer(bytearray(data[a:b]), dtype=torch.{config.dtype}).view(entry["shape"])'
    tied = 'weights["readout.weight"] = weights["embedding.weight"]\n' if config.tied else ""
    body = textwrap.indent(f"{script.write_reader('weights', tensor)}{tied}return Model(weights)\n", "    ")
    return f"def load():\n{body}"
