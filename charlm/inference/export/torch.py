"""A script that rebuilds and samples a model in PyTorch."""

from __future__ import annotations

from charlm.config import ModelConfig
from charlm.inference import script
from charlm.inference.exporter import ScriptExporter
from charlm.inference.language_model import LanguageModel
from charlm.models.equations import find_step
from charlm.models.torch_layout import is_in_torch, layer_shapes, torch_shapes
from charlm.nn.cells import CELLS

KINDS = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
HELPERS = {
    "split": '''\
def split(x, parts):
    """Equal parts of the last axis."""
    return x.chunk(parts, -1)
''',
    "normalize": '''\
def normalize(x):
    """Layer normalization without gain."""
    return nn.functional.layer_norm(x, x.shape[-1:])
''',
}
SAMPLE = '''\
@torch.no_grad()
def sample(prompt="", length=300, temperature=0.8):
    """A prompt continued, at most to the end of a document."""
    model, text = load(), ""
    logits, state = model(torch.tensor(encode(prompt))[:, None])
'''


class Torch(ScriptExporter):
    """A script for PyTorch."""

    def write(self, model: LanguageModel) -> str:
        """The script."""
        config = model.network.config
        imported, quoted = ["nn"], []
        if not is_in_torch(config):
            step = find_step(config)
            names = script.names_in(step)
            imported += [name for name in names if name not in HELPERS]
            quoted = [HELPERS[name] for name in names if name in HELPERS]
            quoted += [script.quote_step(step), script.quote_class("charlm.engines.torch.unrolled", "Unrolled")]
        draw = script.write_draw(
            model,
            logits="logits[-1, 0]",
            infinity="torch.inf",
            draw="int(torch.multinomial(row.softmax(-1), 1))",
            read="logits, state = model(torch.tensor([[symbol]]), state)",
        )
        tensor = f'torch.frombuffer(bytearray(data[a:b]), dtype=torch.{config.dtype}).view(entry["shape"])'
        parts = [
            script.write_head(model, "PyTorch", f"import torch\nfrom torch import {', '.join(sorted(imported))}"),
            *quoted,
            _write_model(config, len(model.vocabulary)),
            script.write_reader(tensor),
            _write_load(config),
            script.write_encode(model),
            SAMPLE + draw,
            script.MAIN,
        ]
        return "\n\n".join(parts)


def _write_model(config: ModelConfig, vocab_size: int) -> str:
    """The module."""
    prefix, _ = layer_shapes(torch_shapes(config, vocab_size))
    size = config.embedding_size if config.encoding == "embedding" else vocab_size
    members = [
        f"self.{prefix} = {_layers(config, prefix, size)}",
        f"self.readout = nn.Linear({config.hidden}, {vocab_size})",
    ]
    x = f"nn.functional.one_hot(ids, {vocab_size}).to(torch.{config.dtype})"
    if config.encoding == "embedding":
        members.insert(0, f"self.embedding = nn.Embedding({vocab_size}, {size})")
        x = "self.embedding(ids)"
    if config.learned_state:
        members.append(
            'self.initial = nn.ParameterDict({k[8:]: v for k, v in weights.items() if k.startswith("initial.")})'
        )
    first = [] if is_in_torch(config) and not config.learned_state else [_begin(config)]
    lines = [
        "class Model(nn.Module):",
        '    """From ids (T, B) and a state to the logits (T, B, V) of the next ids, and the state after."""',
        "",
        "    def __init__(self, weights):",
        "        super().__init__()",
        *(f"        {member}" for member in members),
        f"        self.to(torch.{config.dtype}).load_state_dict(weights)",
        "",
        "    def forward(self, ids, state=None):",
        *first,
        f"        h, state = self.{prefix}({x}, state)",
        "        return self.readout(h), state",
    ]
    return "\n".join(lines) + "\n"


def _layers(config: ModelConfig, prefix: str, size: int) -> str:
    """The expression for the recurrent layers."""
    if not is_in_torch(config):
        tensors = f'{{k[{len(prefix) + 1}:]: v.shape for k, v in weights.items() if k.startswith("{prefix}.")}}'
        return f"Unrolled({tensors}, step, residual={config.residual})"
    activation = ', nonlinearity="relu"' if config.to_json()["nonlinearity"] == "relu" else ""
    return f"nn.{KINDS[config.cell]}({size}, {config.hidden}, {config.layers}{activation})"


def _begin(config: ModelConfig) -> str:
    """The statement that makes the state before the first symbol: each variable (L, B, H)."""
    variables = CELLS.find(config.cell).state_names
    values = []
    for name in variables:
        rows = ", ".join(f'self.initial["{name}_l{layer}"]' for layer in range(config.layers))
        zeros = f"self.readout.bias.new_zeros({config.layers}, {config.hidden})"
        own = f"torch.stack([{rows}])" if config.learned_state else zeros
        values.append(f"{own}[:, None].repeat(1, ids.shape[1], 1)")
    state = f"({', '.join(values)})" if len(values) > 1 else values[0]
    return f"        state = {state} if state is None else state"


def _write_load(config: ModelConfig) -> str:
    """The function that makes the model."""
    tied = '    weights["readout.weight"] = weights["embedding.weight"]\n' if config.tied else ""
    return f'''\
def load():
    """The trained model."""
    weights = read_weights(Path(__file__).with_suffix(".safetensors"))
{tied}    return Model(weights)
'''
