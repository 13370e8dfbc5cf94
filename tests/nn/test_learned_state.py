"""A learned initial state: every sequence starts from it, and its gradient."""

import itertools
from contextlib import closing

import numpy as np
import pytest

from charlm.base.arrays import FlatVector
from charlm.config import OptimizerConfig
from charlm.data.vocabulary import Vocabulary
from charlm.data.windows import SequentialBatcher, ShuffledBatcher
from charlm.engines.numpy.engine import NumpyEngine
from charlm.engines.numpy.network import open_network
from charlm.engines.threads import ThreadPool
from charlm.inference.generate import burn_in
from charlm.inference.language_model import LanguageModel
from charlm.inference.lines import score_lines
from charlm.inference.scoring import network_costs
from charlm.nn.cells import CELLS
from charlm.nn.readout import log_softmax_, nll_nats

SYMBOLS, STEPS, BATCH_SIZE, END = 5, 4, 3, 2
CODES = np.random.default_rng(1).integers(SYMBOLS, size=60).astype(np.uint8)
QUIET = OptimizerConfig(dropout=0.0)
EVERY_CELL = pytest.mark.parametrize("cell", CELLS.names())


@pytest.fixture
def make_learned(make_model):
    """A function that makes a model whose initial state is far from zero."""

    def make(cell="lstm", vocab_size=SYMBOLS, **settings):
        model = make_model(vocab_size, cell=cell, layers=2, learned_state=True, **settings)
        for name, values in model.params.items():
            if name.endswith("_0"):
                values[:] = np.random.default_rng(7).uniform(-0.9, 0.9, values.shape)
        return model

    return make


def costs_by_steps(model, ids, end=None):
    """The loss of each id after the first, read one by one from the initial state."""
    state, costs = model.initial_state(1), []
    for x, y in itertools.pairwise(ids):
        state = model.initial_state(1) if x == end else state
        logits_1V, state = model.step(np.array([x]), state)
        costs.append(-log_softmax_(logits_1V)[0, y])
    return costs


def test_a_network_begins_as_one_that_starts_from_zero(make_model):
    learned, plain = (make_model(layers=2, learned_state=on) for on in (True, False))
    assert sorted(set(learned.params) - set(plain.params)) == [f"layers.{n}.{v}_0" for n in (0, 1) for v in "ch"]
    for name, values in learned.params.items():
        np.testing.assert_array_equal(values, plain.params.get(name, 0))


@EVERY_CELL
def test_the_initial_state_is_every_sequences(make_learned, cell):
    model = make_learned(cell)
    for layer, variables in enumerate(model.initial_state(BATCH_SIZE)):
        for name, variable_BH in zip(model.cell.state_names, variables, strict=True):
            own_H = model.params[f"layers.{layer}.{name}_0"]
            np.testing.assert_array_equal(variable_BH, np.tile(own_H, (BATCH_SIZE, 1)))


@EVERY_CELL
def test_a_sequence_that_starts_in_mid_window_starts_from_it(make_learned, cell):
    model, x_TB = make_learned(cell), CODES[: STEPS * BATCH_SIZE].reshape(STEPS, BATCH_SIZE)
    carry_TB = np.ones(x_TB.shape)
    carry_TB[2, 1] = 0
    buffers = model.buffers(STEPS, BATCH_SIZE)
    h_TBH, _ = model.forward(x_TB, model.zero_state(BATCH_SIZE), buffers, carry_TB)
    alone_TBH, _ = model.forward(x_TB[2:, [1]], model.initial_state(1), model.buffers(STEPS, 1))
    np.testing.assert_allclose(h_TBH[2:, [1]], alone_TBH, rtol=1e-12)


@pytest.mark.parametrize("end", [None, END], ids=["one text", "documents"])
def test_scoring_starts_from_it(make_learned, end):
    model = make_learned()
    with ThreadPool(1) as pool:
        costs_N = network_costs(open_network(model, pool), end=end)(CODES[:-1], CODES[1:])
    np.testing.assert_allclose(costs_N, costs_by_steps(model, CODES, end), rtol=1e-10)


def test_scoring_by_lines_starts_from_it(make_learned):
    vocabulary = Vocabulary.of("abc\n")
    model = LanguageModel(make_learned(vocab_size=4), vocabulary, 10)
    with ThreadPool(1) as pool:
        scores = score_lines(model, ["ab", "cabba"], pool)
    expected = [
        sum(costs_by_steps(model.network, vocabulary.encode(f"\n{line}\n", "a line"))) for line in ("ab", "cabba")
    ]
    np.testing.assert_allclose(scores.nats, expected, rtol=1e-10)


def test_sampling_starts_from_it(make_learned):
    model = make_learned()
    state = model.initial_state(2)
    for code in CODES[:5]:
        _, state = model.step(np.full(2, code), state)
    network = open_network(model)
    burn_in(network, CODES[:5], 2)
    for ours, theirs in zip(sum(network.state, ()), sum(state, ()), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    burn_in(network, CODES[:0], 2)
    for ours, theirs in zip(sum(network.state, ()), sum(model.initial_state(2), ()), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def engine_gradients(model, batches, workers=1):
    """The gradient of each batch's mean loss, by parameter."""
    with closing(NumpyEngine(model, QUIET, STEPS, BATCH_SIZE, workers)) as engine:
        for batch in batches:
            engine.step(batch, np.random.default_rng(0))
            yield FlatVector(model.shapes, model.dtype, engine.gradient.copy())


def mean_loss(model, batch):
    state = model.initial_state(BATCH_SIZE)
    carry_TB = None if batch.get("carry_TB") is None else batch.get("carry_TB").astype(float)
    h_TBH, _ = model.forward(batch["x_TB"], state, model.buffers(STEPS, BATCH_SIZE), carry_TB)
    costs_N = nll_nats(model.params, h_TBH.reshape(-1, 4), batch["y_TB"].reshape(-1))
    mask_TB = batch.fields.get("target_mask_TB", np.ones(batch["y_TB"].shape, bool))
    return costs_N[mask_TB.reshape(-1)].mean()


@pytest.mark.parametrize("end", [None, END], ids=["one text", "documents"])
@pytest.mark.parametrize("partition", [SequentialBatcher, ShuffledBatcher])
@EVERY_CELL
def test_a_fresh_batch_teaches_it(make_learned, cell, partition, end):
    model = make_learned(cell)
    batch = next(partition(CODES, STEPS, BATCH_SIZE, end=end).epoch(np.random.default_rng(3)))
    (gradients,) = engine_gradients(model, [batch])
    for name in (name for name in model.params if name.endswith("_0")):
        values, slopes = model.params[name], []
        for unit in np.eye(4) * 1e-5:
            values += unit
            above = mean_loss(model, batch)
            values -= 2 * unit
            slopes.append((above - mean_loss(model, batch)) / 2e-5)
            values += unit
        np.testing.assert_allclose(gradients[name], slopes, rtol=1e-5, atol=1e-9)
        assert np.abs(gradients[name]).max() > 1e-4


def test_a_window_that_goes_on_teaches_it_nothing(make_learned):
    model = make_learned()
    batches = list(SequentialBatcher(CODES, STEPS, BATCH_SIZE).epoch(np.random.default_rng(3)))[:2]
    assert [batch.resets_state for batch in batches] == [True, False]
    first, second = engine_gradients(model, batches)
    for name in (name for name in model.params if name.endswith("_0")):
        assert first[name].any() and not second[name].any()


def test_any_number_of_workers_gives_the_same_gradient(make_learned):
    model = make_learned()
    batches = list(ShuffledBatcher(CODES, STEPS, BATCH_SIZE, end=END).epoch(np.random.default_rng(3)))
    for one, many in zip(engine_gradients(model, batches), engine_gradients(model, batches, 3), strict=True):
        np.testing.assert_allclose(many.flat, one.flat, rtol=1e-11, atol=1e-13)
