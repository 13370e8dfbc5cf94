"""A model as data for the page's JavaScript, and the scripts that run it.

The scripts lie in ``js/``; a cell's is ``js/cells/NAME.js``, found by the cell's name. Where one is missing, the
page has no live model and says so.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from charlm.base.errors import UsageError
from charlm.inference.language_model import LanguageModel
from charlm.models.architecture import parameter_shapes
from charlm.models.base import BaseModel
from charlm.nn.readout import split_symbols
from charlm.report.assets import has_asset

SCRIPTS = tuple(f"js/{name}.js" for name in ("arrays", "network", "lstm_gates", "sampling", "live"))
"""What every live model needs besides its cell, in the order in which it is read."""


def cell_script(cell: str) -> str:
    """The path of a cell's JavaScript."""
    return f"js/cells/{cell}.js"


def find_obstacle(network: BaseModel) -> str | None:
    """Why a network cannot run in the page, or None."""
    config = network.config
    if network.spec.network != "char-rnn":
        return f"the page runs networks that predict the next character, and this one is {network.spec.network}"
    if not has_asset(cell_script(config.cell)):
        return f"the page has no JavaScript for the cell {config.cell}"
    unknown = set(network.shapes) - set(parameter_shapes(config, network.spec.outputs))
    return f"the page does not know the parameters {', '.join(sorted(unknown))}" if unknown else None


def make_live_model(model: LanguageModel, half: bool) -> dict[str, Any]:
    """The network, its weights in base64 and its vocabulary, as JSON values.

    Args:
        model: one without an obstacle.
        half: store float16 instead of float32.

    Raises:
        UsageError: a weight is too large for float16.
    """
    network, vocabulary = model.network, model.vocabulary
    config, cell = network.config, network.cell
    return {
        "cell": config.cell,
        "own": config.own.to_json(),
        "gates": list(cell.gates),
        "states": list(cell.state_names),
        "layers": config.layers,
        "hidden": config.hidden,
        "residual": config.residual and config.layers > 1,
        "vocab_size": network.vocab_size,
        "output_parts": [[ids.start, ids.stop] for ids in split_symbols(network.vocab_size)],
        "half": half,
        "arrays": {
            name: {"shape": list(shape), "values": _encode(name, network.params[name], half)}
            for name, shape in network.shapes.items()
        },
        "symbols": list(vocabulary.symbols),
        "start": vocabulary.start,
        "end": vocabulary.end,
        "unknown": vocabulary.unknown,
        "units": vocabulary.units,
        "document_end": model.corpus.document_end,
        "lowercase": model.corpus.lowercase,
        "normalize": model.corpus.normalize,
    }


def _encode(name: str, values: Any, half: bool) -> str:
    with np.errstate(over="ignore"):
        stored = values.astype("<f2" if half else "<f4")
    if not np.isfinite(stored).all():
        raise UsageError(f"--half: {name} has weights that are too large for float16: leave --half out")
    return base64.b64encode(stored.tobytes()).decode()
