"""A script that samples a model with NumPy alone."""

from __future__ import annotations

import json

from charlm.inference import script
from charlm.inference.exporter import ScriptExporter
from charlm.inference.language_model import LanguageModel
from charlm.models.equations import find_step, maths
from charlm.models.torch_layout import layer_shapes, torch_shapes
from charlm.nn.cells import CELLS

SAMPLE = """\
def sample(prompt="", length=300, temperature=0.8, seed=1):
    rng, states, text = np.random.default_rng(seed), STATES, ""
    for symbol in encode(prompt):
        logits, states = read(symbol, states)
"""
SOFTMAX = "x - x.max(-1, keepdims=True) - np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True))"


class Numpy(ScriptExporter):
    """A script for NumPy."""

    def write(self, model: LanguageModel) -> str:
        """The script."""
        step = find_step(model.network.config)
        used = [getattr(maths, name) for name in script.names_in(step)]
        is_adaptive = model.network.config.adaptive_softmax
        dtype = "<f8" if model.network.config.dtype == "float64" else "<f4"
        draw = script.write_draw(
            model,
            logits="logits.astype(np.float64)",
            infinity="np.inf",
            draw="int((row + rng.gumbel(size=len(row))).argmax())  # a draw from the softmax",
            read="logits, states = read(symbol, states)",
        )
        parts = [
            script.write_head(model, "NumPy", "import numpy as np\nfrom numpy import tanh"),
            *(script.quote(each) for each in used if each.__module__ == maths.__name__),
            *([script.write_clusters(len(model.vocabulary), SOFTMAX, "np.concatenate")] if is_adaptive else []),
            script.quote_step(step),
            script.write_reader("W", f'np.frombuffer(data[a:b], "{dtype}").reshape(entry["shape"])')
            + _write_network(model),
            script.write_encode(model),
            SAMPLE + draw,
            script.MAIN,
        ]
        return "\n\n".join(parts)


def _write_network(model: LanguageModel) -> str:
    """The function that reads one symbol."""
    config = model.network.config
    prefix, _ = layer_shapes(torch_shapes(config, len(model.vocabulary)))
    names = json.dumps(script.tensors_in(find_step(config)))
    variables = json.dumps(CELLS.find(config.cell).state_names)
    is_embedded = config.encoding == "embedding"
    zero = f'np.zeros({config.hidden}, W["readout.bias"].dtype)'
    initial = 'W[f"initial.{name}_l{layer}"]' if config.learned_state else zero
    first = 'W["embedding.weight"][symbol] @ w["weight_ih"].T' if is_embedded else 'w["weight_ih"][:, symbol]'
    outputs = f'z @ W["{"embedding" if config.tied else "readout"}.weight"].T + W["readout.bias"]'
    if config.adaptive_softmax:
        outputs = f'join_clusters({outputs}, z @ W["clusters.weight"].T + W["clusters.bias"])'
    projection = ' @ W["projection.weight"].T' if config.output_width != config.hidden else ""
    residual = " + (x if layer > 0 else 0)" if config.residual else ""
    return f'''\
LAYERS = [{{name: W[f"{prefix}.{{name}}_l{{layer}}"] for name in {names}}} for layer in range({config.layers})]
STATES = [[{initial} for name in {variables}] for layer in range({config.layers})]


def read(symbol, states):
    x, after = None, []
    for layer, (w, state) in enumerate(zip(LAYERS, states)):
        a = {first} if layer == 0 else x @ w["weight_ih"].T
        state = step(w, a + w["bias_ih"], *state)
        after.append(state)
        x = state[0]{residual}
    z = x{projection}
    return {outputs}, after
'''
