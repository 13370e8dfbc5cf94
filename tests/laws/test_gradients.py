"""Every gradient agrees with central differences, for every variant of every cell, at any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.config import ModelConfig
from charlm.nn.cells import CELLS
from charlm.nn.dropout import Regularization
from tests.laws.gradient_check import relative_errors

TOLERANCE = 1e-6  # relative to each gradient's own norm
STEPS, BATCHES, HIDDEN = st.integers(1, 4), st.integers(1, 3), st.integers(1, 4)
SYMBOLS, SEEDS = st.integers(1, 5), st.integers(0, 2**32)
RATES = st.sampled_from([0.0, 0.5])


def regularization_for(variant):
    """Every kind of regularization that a cell can have."""
    has_W_hh = "W_hh" in CELLS.find(variant["cell"])().shapes(1)
    return st.builds(
        Regularization,
        dropout=RATES,
        locked_dropout=st.booleans(),
        input_dropout=RATES,
        weight_drop=st.sampled_from([0.0, 0.25] if has_W_hh else [0.0]),
    )


SIZES = {
    "layers": st.integers(1, 3),
    "hidden": HIDDEN,
    "embedding_size": st.integers(1, 3),
    "residual": st.booleans(),
    "adaptive_softmax": st.booleans(),
    "learned_state": st.booleans(),
    "encoding": st.sampled_from(["one-hot", "embedding", "tied", "tied to a narrow one"]),
}


def config_of(variant, sizes):
    """The settings of a variant of a cell at these sizes; the encoding may be a tied embedding, of any width."""
    tied = {"tied": True, "encoding": "embedding"} if sizes["encoding"].startswith("tied") else {}
    tied |= {"embedding_size": sizes["hidden"]} if sizes["encoding"] == "tied" else {}
    return ModelConfig(**variant, **(sizes | tied))


def wrong(errors):
    """The gradients that are not right; a not-a-number is not."""
    return {name: error for name, error in errors.items() if not error <= TOLERANCE}


@pytest.mark.parametrize("size", [1, 1e-3, 1e-6, 1e-10])
def test_the_check_sees_an_error_of_a_thousandth_and_forgives_rounding(size):
    x = np.ones(3)

    def errors(factor):
        return relative_errors(
            lambda: 1 + size * np.sin(x), {"x": x}, {"x": factor * size * np.cos(x)}, np.random.default_rng(0)
        )

    assert not wrong(errors(1))
    assert wrong(errors(1.001)) or size < 1e-9  # there, a thousandth is less than the terms' last digit


@pytest.mark.parametrize("encoding", ["one-hot", "embedding", "tied to a narrow one"])
@pytest.mark.parametrize("dropped", [0.0, 0.5])
def test_gradients_where_a_window_has_few_of_the_symbols(gradients, encoding, dropped, monkeypatch):
    monkeypatch.setattr("charlm.nn.layer.MANY_SYMBOLS", 0)
    config = config_of({"cell": "gru"}, {"hidden": 3, "embedding_size": 2, "encoding": encoding})
    errors = gradients.loss(config, 3, 2, 9, regularization=Regularization(input_dropout=dropped))
    assert not wrong(errors)


@given(steps=STEPS, batch_size=BATCHES, hidden=HIDDEN, with_carry=st.booleans(), seed=SEEDS)
def test_a_cells_gradients(gradients, variant, steps, batch_size, hidden, with_carry, seed):
    assert not wrong(gradients.cell(variant, steps, batch_size, hidden, with_carry, seed))


@pytest.mark.parametrize("block_values", [1, 40], ids=["a step a block", "a few steps a block"])
def test_a_cells_gradients_over_several_blocks(gradients, variant, block_values, monkeypatch):
    monkeypatch.setattr("charlm.nn.buffers.BLOCK_VALUES", block_values)
    assert not wrong(gradients.cell(variant, 7, 2, 3, with_carry=True))


@settings(max_examples=15)
@given(
    sizes=st.fixed_dictionaries(SIZES),
    steps=STEPS,
    batch_size=BATCHES,
    vocab_size=SYMBOLS,
    with_carry=st.booleans(),
    draw=st.data(),
    seed=SEEDS,
)
def test_the_layers_gradients(gradients, variant, sizes, steps, batch_size, vocab_size, with_carry, draw, seed):
    config = config_of(variant, sizes)
    regularization = draw.draw(regularization_for(variant))
    assert not wrong(gradients.layers(config, steps, batch_size, vocab_size, with_carry, regularization, seed))


@settings(max_examples=15)
@given(
    sizes=st.fixed_dictionaries(SIZES),
    steps=STEPS,
    batch_size=BATCHES,
    vocab_size=SYMBOLS,
    masked=st.booleans(),
    draw=st.data(),
    seed=SEEDS,
)
def test_every_parameters_gradient_of_the_loss(
    gradients, variant, sizes, steps, batch_size, vocab_size, masked, draw, seed
):
    config = config_of(variant, sizes)
    regularization = draw.draw(regularization_for(variant))
    assert not wrong(gradients.loss(config, steps, batch_size, vocab_size, masked, regularization, seed))


@pytest.mark.parametrize("encoding", ["one-hot", "embedding"])
@given(vocab_size=SYMBOLS, rows=st.integers(1, 6), hidden=HIDDEN, width=st.integers(1, 3), seed=SEEDS)
def test_the_tables_gradients(gradients, encoding, vocab_size, rows, hidden, width, seed):
    config = ModelConfig(encoding=encoding, hidden=hidden, embedding_size=width)
    assert not wrong(gradients.table(config, vocab_size, rows, seed))
