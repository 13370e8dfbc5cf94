"""The page's network against charlm's, from the same weights, over 300 characters."""

import math

import numpy as np
import pytest

from charlm.data.vocabulary import Vocabulary
from charlm.inference.language_model import LanguageModel
from charlm.nn.cells import CELLS
from charlm.report.live_model import make_live_model

SYMBOLS = "abcdef"
VARIANTS = {
    "one-hot": {},
    "embedding": {"encoding": "embedding", "embedding_size": 5},
    "tied": {"encoding": "embedding", "embedding_size": 13, "tied": True},
    "tied to a narrow one, adaptive": {
        "encoding": "embedding",
        "embedding_size": 5,
        "tied": True,
        "adaptive_softmax": True,
    },
    "learned state": {"learned_state": True},
    "residual": {"residual": True},
}
OWN = {"gru": [{"reset_after": True}], "rnn": [{"nonlinearity": "relu"}]}
READ = """
const [data, ids] = arguments, network = new Network(data), found = [];
let state = network.begin();
for (const id of ids) { state = network.step(state, id); found.push(Array.from(network.logProbs(state))); }
return found;
"""


@pytest.fixture
def make_language_model(make_model):
    """A function that makes a model whose weights are float32 numbers in float64, as those of the page."""

    def make(has_end=False, **settings):
        network = make_model(len(SYMBOLS) + has_end, hidden=13, **settings)
        noise = np.random.default_rng(1).normal(0, 0.1, network.params.flat.shape)
        network.params.flat[:] = (network.params.flat + noise).astype(np.float32)
        if "relu" in settings.values():  # which would overflow
            for layer in range(settings["layers"]):
                network.params[f"layers.{layer}.W_hh"][:] *= 0.5
        return LanguageModel(
            network, Vocabulary(tuple(SYMBOLS), len(SYMBOLS) if has_end else 0, has_end=has_end), 100
        )

    return make


def log_probs(model, ids):
    """charlm's log-probabilities after each character, a document starting anew (N, V)."""
    network, found = model.network, []
    state = network.initial_state(1)
    for code in ids:
        if code == model.vocabulary.end:
            state = network.initial_state(1)
        logits_BV, state = network.step(np.array([code]), state)
        found.append(logits_BV[0] - logits_BV[0].max())
        found[-1] -= math.log(np.exp(found[-1]).sum())
    return np.array(found)


@pytest.mark.parametrize("has_end", [False, True], ids=["text", "documents"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS.names())
def test_log_probabilities_are_charlms(scripts, make_language_model, cell, layers, has_end):
    ids = np.random.default_rng(2).integers(0, len(SYMBOLS) + has_end, 300)
    for variant in VARIANTS.values():
        for own in [{}, *OWN.get(cell, [])]:
            if variant.get("residual") and layers == 1:
                continue
            model = make_language_model(has_end, cell=cell, layers=layers, **variant, **own)
            found = scripts.run(READ, make_live_model(model, half=False), ids.tolist())
            np.testing.assert_allclose(found, log_probs(model, ids), atol=1e-9, rtol=0)


@pytest.mark.parametrize("cell", CELLS.names())
def test_half_is_near_to_full(scripts, make_language_model, cell):
    model = make_language_model(cell=cell, layers=2)
    model.network.params.flat[:] *= 0.5
    ids = np.random.default_rng(3).integers(0, len(SYMBOLS), 300).tolist()
    full, half = (scripts.run(READ, make_live_model(model, half), ids) for half in (False, True))
    np.testing.assert_allclose(half, full, atol=5e-3)
    assert full != half


def test_every_float16_is_read_as_numpy_reads_it(scripts):
    bits = np.arange(1 << 16, dtype=np.uint16)
    wanted = bits.view(np.float16).astype(np.float64)
    found = scripts.run("return Array.from({ length: 65536 }, (_, bits) => fromHalf(bits)).map(String);")
    np.testing.assert_array_equal(np.array([float(each.replace("Infinity", "inf")) for each in found]), wanted)
