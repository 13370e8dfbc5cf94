"""A training step on several workers: one gradient however it is split, and the same bits every time."""

import dataclasses
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.base.errors import WorkerError
from charlm.config import OptimizerConfig
from charlm.data.batches import Batch
from charlm.data.windows import SequentialBatcher, ShuffledBatcher
from charlm.engines.numpy.engine import NumpyEngine
from charlm.engines.numpy.replica import Replica, StepRequest
from charlm.engines.numpy.shared_memory import TrainingMemory
from charlm.nn.readout import nll_nats
from charlm.optim import make_optimizer

SYMBOLS, STEPS, STREAMS = 6, 5, 4
CODES = np.random.default_rng(11).integers(SYMBOLS, size=90).astype(np.uint8)
MODEL = {"vocab_size": SYMBOLS, "cell": "lstm", "layers": 2}


def epoch(partition=SequentialBatcher, batch_size=STREAMS):
    return list(partition(CODES, STEPS, batch_size).epoch(np.random.default_rng(1)))


def with_fields(batch, **fields):
    """The batch with some of its fields replaced."""
    return dataclasses.replace(batch, fields={**batch.fields, **fields})


def run(model, batches, workers, dropout=0.0, batch_size=STREAMS):
    """The losses and the gradients of an epoch's steps, and the last state, with no update between."""
    results = []
    with closing(NumpyEngine(model, OptimizerConfig(dropout=dropout), STEPS, batch_size, workers)) as engine:
        for number, batch in enumerate(batches):
            loss = engine.step(batch, np.random.default_rng(number)) / batch.num_targets
            results.append((loss, engine.gradient.copy()))
        return results, engine.snapshot().states


def assert_states(compare, ours, theirs):
    for mine, yours in zip(sum(ours, ()), sum(theirs, ()), strict=True):
        compare(mine, yours)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("partition", [SequentialBatcher, ShuffledBatcher])
@settings(max_examples=3)
@given(workers=st.integers(2, 4), batch_size=st.integers(1, 7))
def test_any_number_of_workers_gives_the_same_gradient(make_model, partition, workers, batch_size):
    model, batches = make_model(**MODEL), epoch(partition, batch_size)
    one, state = run(model, batches, 1, batch_size=batch_size)
    many, other_state = run(model, batches, workers, batch_size=batch_size)
    for (loss, gradient), (other_loss, other_gradient) in zip(one, many, strict=True):
        assert loss == pytest.approx(other_loss, rel=1e-12)
        close(other_gradient, gradient)
    assert_states(close, other_state, state)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_number_of_workers_gives_the_same_bits(make_model, workers, dtype):
    model = make_model(**MODEL, dtype=dtype)
    first, state = run(model, epoch(), workers, dropout=0.3)
    again, same_state = run(model, epoch(), workers, dropout=0.3)
    for (loss, gradient), (same_loss, same_gradient) in zip(first, again, strict=True):
        assert loss == same_loss
        np.testing.assert_array_equal(gradient, same_gradient)
    assert_states(np.testing.assert_array_equal, state, same_state)


def test_every_kind_of_noise_is_the_same_bits_again_and_other_with_another_seed(make_model):
    model, batch = make_model(**MODEL), epoch()[0]
    noise = {"dropout": 0.3, "locked_dropout": True, "input_dropout": 0.3, "weight_drop": 0.3}
    with closing(NumpyEngine(model, OptimizerConfig(**noise), STEPS, STREAMS, 2)) as engine:
        gradients = []
        for seed in (1, 1, 2):
            engine.step(dataclasses.replace(batch, resets_state=True), np.random.default_rng(seed))
            gradients.append(engine.gradient.copy())
    np.testing.assert_array_equal(gradients[0], gradients[1])
    assert (gradients[0] != gradients[2]).any()


def test_workers_drop_units_of_their_own(make_model):
    """Equal columns in two workers are dropped from differently, and every step anew."""
    model = make_model(**MODEL)
    batch = epoch()[0]
    twice = with_fields(batch, **{name: np.tile(batch[name][:, :2], 2) for name in ("x_TB", "y_TB")})
    with closing(NumpyEngine(model, OptimizerConfig(dropout=0.5), STEPS, STREAMS, 2)) as engine:
        losses = {engine.step(twice, np.random.default_rng(seed)) for seed in (1, 2)}
        assert len(losses) == 2
        first, second = (engine.snapshot().states[0][0][columns] for columns in (slice(2), slice(2, 4)))
        np.testing.assert_array_equal(first, second)
        first, second = (engine.snapshot().states[1][0][columns] for columns in (slice(2), slice(2, 4)))
        assert (first != second).any()


def test_a_masked_target_does_not_count(make_model):
    model = make_model(**MODEL)
    batch = epoch()[0]
    real_TB = np.random.default_rng(3).random(batch["x_TB"].shape) < 0.6
    junk_TB = np.where(real_TB, batch["y_TB"], (batch["y_TB"] + 1) % SYMBOLS).astype(np.uint8)
    masked = dataclasses.replace(with_fields(batch, target_mask_TB=real_TB), num_targets=int(real_TB.sum()))
    results = [run(model, [b], 2)[0][0] for b in (masked, with_fields(masked, y_TB=junk_TB))]
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])
    h_TBH, _ = model.forward(batch["x_TB"], model.zero_state(STREAMS), model.buffers(STEPS, STREAMS))
    costs_N = nll_nats(model.params, h_TBH.reshape(-1, 4), batch["y_TB"].reshape(-1))
    assert results[0][0] == pytest.approx(costs_N[real_TB.reshape(-1)].mean(), rel=1e-12)


def test_a_mask_of_ones_is_no_mask(make_model):
    model = make_model(**MODEL)
    batch = epoch()[0]
    full = with_fields(batch, target_mask_TB=np.ones(batch["x_TB"].shape, bool))
    (loss, gradient), (same_loss, same_gradient) = (run(model, [b], 2)[0][0] for b in (batch, full))
    assert loss == pytest.approx(same_loss, rel=1e-14)
    close(gradient, same_gradient)


def test_the_state_is_carried_and_a_fresh_batch_starts_from_zero(make_model):
    model, (first, second, *_) = make_model(**MODEL), epoch()
    buffers = model.buffers(STEPS, STREAMS)
    between = model.forward(first["x_TB"], model.zero_state(STREAMS), buffers)[1]
    after = model.forward(second["x_TB"], between, buffers)[1]
    alone = model.forward(second["x_TB"], model.zero_state(STREAMS), buffers)[1]
    assert not second.resets_state
    assert_states(close, run(model, [first, second], 2)[1], after)
    fresh = dataclasses.replace(second, resets_state=True)
    assert_states(close, run(model, [first, fresh], 2)[1], alone)


def test_no_gradient_goes_back_through_the_carried_state(make_model):
    """The gradient of a chunk is that of its own loss with the incoming state held fixed."""
    model, (first, second, *_) = make_model(**MODEL), epoch()
    results, _ = run(model, [first, second], 1)
    with closing(NumpyEngine(model, OptimizerConfig(dropout=0.0), STEPS, STREAMS, 1)) as engine:
        buffers = model.buffers(STEPS, STREAMS)
        states = model.forward(first["x_TB"], model.zero_state(STREAMS), buffers)[1]
        engine.restore(dataclasses.replace(engine.snapshot(), states=states))
        engine.step(second, np.random.default_rng(0))
        np.testing.assert_array_equal(engine.gradient, results[1][1])


@pytest.mark.parametrize("column", [0, STREAMS - 1], ids=["the first worker", "the last worker"])
def test_an_error_in_a_worker_surfaces_and_later_steps_work(make_model, column):
    model, batches = make_model(**MODEL), epoch()
    expected, state = run(model, batches, 2)
    y_TB = batches[0]["y_TB"].copy()
    y_TB[1, column] = SYMBOLS
    broken = dataclasses.replace(with_fields(batches[0], y_TB=y_TB), resets_state=False)
    with closing(NumpyEngine(model, OptimizerConfig(dropout=0.0), STEPS, STREAMS, 2)) as engine:
        losses = []
        for number, batch in enumerate(batches):
            with pytest.raises((IndexError, WorkerError), match="index 6 is out of bounds"):
                engine.step(broken, np.random.default_rng(0))
            losses.append(engine.step(batch, np.random.default_rng(number)) / batch.num_targets)
            np.testing.assert_array_equal(engine.gradient, expected[number][1])
        assert_states(np.testing.assert_array_equal, engine.snapshot().states, state)
    assert losses == [loss for loss, _ in expected]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("workers", [1, 3])
def test_an_update_is_the_optimisers_own(make_model, optimizer, workers):
    """Each worker updates a stretch of the parameters; together they do what one call on all would."""
    model, batch = make_model(**MODEL), epoch()[0]
    expected, rule = model.params.flat.copy(), make_optimizer(OptimizerConfig(optimizer=optimizer))
    slots = rule.init(expected)
    with closing(NumpyEngine(model, OptimizerConfig(optimizer=optimizer), STEPS, STREAMS, workers)) as engine:
        for number in (1, 2):
            engine.step(batch, np.random.default_rng(0))
            rule.update(expected, engine.gradient.copy(), slots, 0.1, number)
            engine.update(0.1, number)
        np.testing.assert_array_equal(model.params.flat, expected)
        assert set(engine.snapshot().slots) == set(slots)
        for name, slot in slots.items():
            np.testing.assert_array_equal(engine.snapshot().slots[name], slot)


def test_each_worker_gets_its_columns_of_every_field_that_the_model_declares(make_model):
    """Whatever the fields mean, and however many axes they have before the batch's."""
    model, seen = make_model(**MODEL), []
    model.batch_spec = lambda seq_len, batch_size: {
        "source_SB": ((2 * seq_len, batch_size), np.dtype(np.uint8)),
        "label_B": ((batch_size,), np.dtype(np.int64)),
        "unused_TB": ((seq_len, batch_size), np.dtype(np.float64)),
    }
    model.loss_and_gradient = lambda batch, state, *rest: (seen.append(batch), (0.0, state))[1]
    source_SB = np.arange(3 * STREAMS, dtype=np.uint8).reshape(3, STREAMS)
    batch = Batch({"source_SB": source_SB, "label_B": np.arange(STREAMS)}, num_targets=7, resets_state=True)
    optimisation = OptimizerConfig()
    rule = make_optimizer(optimisation)
    memory = TrainingMemory(model, rule, STEPS, STREAMS, 2)
    memory.put(batch)
    for number, columns in enumerate((slice(0, 2), slice(2, STREAMS))):
        replica = Replica(model, rule, memory, number, columns, STEPS, optimisation)
        replica.run(StepRequest(batch.sizes, batch.num_targets, batch.resets_state, 0, seed=1))
        assert sorted(seen[-1].fields) == ["label_B", "source_SB"]
        np.testing.assert_array_equal(seen[-1]["source_SB"], source_SB[:, columns])
        np.testing.assert_array_equal(seen[-1]["label_B"], np.arange(STREAMS)[columns])
        assert (seen[-1].num_targets, seen[-1].resets_state) == (7, True)
