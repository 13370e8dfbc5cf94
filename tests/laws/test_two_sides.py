"""The laws of a network that sees both sides: nothing leaks, the sides are mirror images, gradients are right."""

import numpy as np
import pytest

from charlm.config import ModelConfig
from charlm.data.batches import Batch
from charlm.data.two_sides import BEYOND
from charlm.models.base import NetworkSpec
from charlm.nn.cells import CELLS
from charlm.nn.dropout import NO_REGULARIZATION, Regularization
from charlm.nn.stack import Stack
from tests.laws.gradient_check import relative_errors

SYMBOLS, STEPS, BATCH = 5, 4, 3


def make(seed=0, **model):
    """A network in double precision."""
    config = ModelConfig(**{"hidden": 3, "embedding_size": 2, "dtype": "float64", **model})
    made = NetworkSpec("two-sided", config, SYMBOLS + 1, SYMBOLS).build()
    made.params.flat[:] = np.random.default_rng(seed).uniform(-0.8, 0.8, made.params.flat.size)
    return made


def draw_batch(seed=0, resets_state=False):
    """A batch with targets missing and states reset on both sides."""
    rng, rows = np.random.default_rng(seed), STEPS + BEYOND + 1
    fields = {
        "text_SB": rng.integers(SYMBOLS, size=(rows, BATCH)).astype(np.uint8),
        "target_mask_TB": rng.random((STEPS, BATCH)) < 0.8,
        "carry_TB": (rng.random((STEPS, BATCH)) < 0.8).astype(float),
        "back_carry_RB": (rng.random((rows - 2, BATCH)) < 0.8).astype(float),
    }
    return Batch(fields, int(fields["target_mask_TB"].sum()), resets_state)


def draw_state(model, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(tuple(rng.uniform(-1, 1, each.shape) for each in layer) for layer in model.zero_state(BATCH))


def logits_of(model, text_SB):
    batch = Batch({"text_SB": text_SB}, text_SB.size, resets_state=True)
    buffers = model.buffers(len(text_SB) - BEYOND - 1, text_SB.shape[1])
    _, z_TBD, _ = model.forward(batch, model.zero_state(text_SB.shape[1]), buffers)
    return z_TBD @ model.params["readout.W_hy"] + model.params["readout.b_y"]


def gradient_errors(model, regularization=NO_REGULARIZATION):
    batch, state = draw_batch(resets_state=model.config.learned_state), draw_state(model)
    buffers = model.buffers(STEPS, BATCH, regularization)

    def run(grads):
        loss, _ = model.loss_and_gradient(batch, state, buffers, grads, np.random.default_rng(2))
        return np.array([loss / batch.num_targets])

    grads = model.params.zeros_like()
    grads.flat[:] = np.nan
    run(grads)
    return relative_errors(
        lambda: run(model.params.zeros_like()), dict(model.params), grads, np.random.default_rng(1)
    )


@pytest.mark.parametrize(
    ("options", "noise"),
    [
        ({"cell": "gru", "layers": 2}, NO_REGULARIZATION),
        (
            {"cell": "lstm", "layers": 2, "encoding": "embedding", "learned_state": True, "residual": True},
            Regularization(0.3, False, 0.2, 0.2),
        ),
    ],
)
def test_gradients(options, noise):
    model = make(**options)
    model.params["join.W"][:] *= 0.1  # so that no unit of the hidden layer comes near its kink
    model.params["join.b"][:] += 2 * np.sign(model.params["join.b"])
    errors = gradient_errors(model, noise)
    assert max(errors.values()) < 1e-6, errors


def leak(cell, layers):
    """How far the logits at each target move when its own character changes, and when its neighbors do."""
    model, rng = make(cell=cell, layers=layers), np.random.default_rng(0)
    text_SB = rng.integers(SYMBOLS, size=(STEPS + BEYOND + 1, 1)).astype(np.uint8)
    before, own, others = logits_of(model, text_SB), [], []
    for place in range(1, STEPS + 1):
        changed_SB = text_SB.copy()
        changed_SB[place] = (changed_SB[place] + 1) % SYMBOLS
        moved_T = np.abs(logits_of(model, changed_SB) - before).max(axis=(1, 2))
        own.append(moved_T[place - 1])
        others += np.delete(moved_T, place - 1).tolist()
    return max(own), min(others)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS.names())
def test_nothing_of_the_character_that_is_asked_for_leaks_into_its_logits(cell, layers):
    own, others = leak(cell, layers)
    assert own == 0.0 < others


@pytest.mark.parametrize("cell", CELLS.names())
def test_without_the_backward_half_nothing_after_a_character_changes_its_logits(cell):
    model, rng = make(cell=cell, layers=2), np.random.default_rng(0)
    model.params["join.W"][model.config.hidden :] = 0
    text_SB = rng.integers(SYMBOLS, size=(STEPS + BEYOND + 1, 2)).astype(np.uint8)
    before = logits_of(model, text_SB)
    for place in range(1, len(text_SB)):
        changed_SB = text_SB.copy()
        changed_SB[place:] = SYMBOLS - 1 - changed_SB[place:]
        np.testing.assert_array_equal(logits_of(model, changed_SB)[:place], before[:place])


def join_layer_by_layer(patch):
    """The classic: a layer's input is the output of both directions below, so a character sees itself."""
    outputs = []

    def forward(self, x, state, buffers, *others):
        found, after = original(self, x, state, buffers, *others)
        outputs.append(found.copy())
        if len(outputs) % 2 == 0 and len(self.layers) > 1:
            found = found.copy()
            found[1:-BEYOND] += outputs[-2][2:]
        return found, after

    original = Stack.forward
    patch.setattr(Stack, "forward", forward)


def test_a_join_below_the_hidden_layer_is_found(monkeypatch):
    join_layer_by_layer(monkeypatch)
    with pytest.raises(AssertionError):
        test_nothing_of_the_character_that_is_asked_for_leaks_into_its_logits("lstm", 2)
