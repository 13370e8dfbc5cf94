"""Split by rows: any number of workers that share the units compute what one worker does; planted errors show."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from charlm.base.arrays import FlatVector
from charlm.config import OptimizerConfig
from charlm.data.batches import Batch
from charlm.engines import threads
from charlm.engines.numpy.barrier import Barrier
from charlm.engines.numpy.engine import NumpyEngine
from charlm.engines.numpy.memory_estimate import estimate_bytes
from charlm.engines.numpy.replica import Replica, RowShare, StepRequest, exchanged_bytes
from charlm.engines.numpy.shared_memory import TrainingMemory
from charlm.nn import dropout
from charlm.nn.cells import CELLS
from charlm.nn.unit_share import UnitShare
from charlm.optim import make_optimizer

SYMBOLS, STEPS, BATCH_SIZE, HIDDEN = 7, 4, 3, 11
LAST = 2  # windows
EXTRAS = [
    {},
    {"encoding": "embedding", "embedding_size": 5, "learned_state": True, "residual": True},
    {"encoding": "embedding", "embedding_size": 11, "tied": True, "adaptive_softmax": True},
]
VARIANTS = [(name, {}) for name in CELLS.names() if CELLS.find(name).by_rows] + [
    ("gru", {"reset_after": True}),
    ("rnn", {"nonlinearity": "relu"}),
]


def mask_by_place(mask, rate, rng):
    """A mask that does not depend on the unit, so that it is the same however the units are shared."""
    places = np.arange(mask[..., 0].size).reshape(mask.shape[:-1])
    mask[:] = (places % 3 != 0)[..., None] / (1 - rate)


@pytest.fixture(autouse=True)
def masks(monkeypatch):
    monkeypatch.setattr(dropout, "draw_mask", mask_by_place)


def make_batches():
    rng = np.random.default_rng(4)
    for number in range(LAST):
        shape = STEPS - number, BATCH_SIZE
        ids = rng.integers(SYMBOLS, size=(2, *shape)).astype(np.uint8)
        mask_TB, carry_TB = rng.random(shape) < 0.8, (rng.random(shape) < 0.7).astype(float)
        fields = {"x_TB": ids[0], "y_TB": ids[1], "target_mask_TB": mask_TB, "carry_TB": carry_TB}
        yield Batch(fields, int(mask_TB.sum()), number == 0)


def run(model, workers, split_by="rows", **noise):
    """Losses, gradients and last states of some windows with updates between, each worker in a thread."""
    settings = OptimizerConfig(**{"optimizer": "sgd", "dropout": 0.0} | noise)
    sizes = STEPS, BATCH_SIZE
    exchanged = exchanged_bytes(model, settings, *sizes, workers) if split_by == "rows" else 0
    replicas, memories = [], []
    for number in range(workers):
        address = str(os.dup(memories[0].shared.inherited[0])) if memories else None
        memory = TrainingMemory(model, make_optimizer(settings), *sizes, workers, exchanged, address)
        share = RowShare(memory, number, workers, HIDDEN, False, lambda: None) if exchanged else None
        own = model.with_params(FlatVector(model.shapes, model.dtype, memory.params))
        memories.append(memory)
        columns = slice(0, BATCH_SIZE)
        replicas.append(Replica(own, make_optimizer(settings), memory, number, columns, STEPS, settings, share))
    memory, found = memories[0], []
    memory.params[:] = model.params.flat
    with ThreadPoolExecutor(workers) as pool:
        for number, batch in enumerate(make_batches()):
            memory.put(batch)
            if replicas[0]._share is not None:
                replicas[0]._share.barrier.clear()
            request = StepRequest(batch.sizes, batch.num_targets, batch.resets_state, number % 2, 5)
            losses = [*pool.map(lambda replica, request=request: replica.run(request), replicas)]
            found += [np.array(sum(losses)), memory.gradients[0].copy()]
            for replica in replicas:
                replica.update(0.5, number + 1)
    found += [array.copy() for layer in memory.states[LAST % 2] for array in layer]
    for each in memories:
        each.shared.close_file()
    return found


def differences(model, workers, **noise):
    """The largest differences from one worker, in parts of the largest value."""
    alone, shared = run(model, 1, "columns", **noise), run(model, workers, **noise)
    return [
        float(np.abs(a - b).max(initial=0) / max(1, np.abs(a).max(initial=0)))
        for a, b in zip(alone, shared, strict=True)
    ]


def make(make_model, cell, layers, settings):
    settings = settings if layers > 1 else {name: value for name, value in settings.items() if name != "residual"}
    return make_model(vocab_size=SYMBOLS, cell=cell, layers=layers, hidden=HIDDEN, dtype="float64", **settings)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(("cell", "own"), VARIANTS)
def test_shared_units_compute_what_one_worker_does(make_model, cell, own, number):
    """With documents that start inside a window, masked targets, every kind of dropout, and an odd H."""
    model = make(make_model, cell, number + 1, EXTRAS[number] | own)
    noise = {"dropout": 0.4, "input_dropout": 0.3, "locked_dropout": number == 1}
    noise |= {"weight_drop": 0.3} if cell != "mingru" else {}
    assert max(differences(model, (2, 3, 8)[number], **(noise if number else {}))) < 1e-12


ORIGINAL = {name: getattr(UnitShare, name) for name in ("gather", "transpose", "put")}


def gather_without_barrier(self, own_BX):
    time.sleep(2e-4 * self._number)
    barrier, self._barrier = self._barrier, lambda: None
    try:
        return ORIGINAL["gather"](self, own_BX)
    finally:
        self._barrier = barrier


def gather_in_one_buffer(self, own_BX):
    self._turn = 0
    all_BX = ORIGINAL["gather"](self, own_BX)
    time.sleep(2e-4 * self._number)
    return all_BX


def transpose_once(self, W_HX):
    """Keep what was gathered of the first window's weights."""
    kept = self.__dict__.setdefault("kept", {})
    return kept.setdefault(W_HX.shape, ORIGINAL["transpose"](self, W_HX))


def put_all_but_one(self, own, grads):
    before = {name: array[..., self.own.stop - 1].copy() for name, array in grads.items()}
    ORIGINAL["put"](self, own, grads)
    for name, values in before.items():
        grads[name][..., self.own.stop - 1] = values


MUTANTS = [
    ("lnlstm", "synchronize", lambda self: None),
    ("lnlstm", "sum", lambda self, *own_B: own_B),
    ("lstm", "gather", gather_without_barrier),
    ("lstm", "gather", gather_in_one_buffer),
    ("lstm", "transpose", transpose_once),
    ("lstm", "put", put_all_but_one),
    ("lstm", "rows", lambda self, count: slice(0, count)),
]


@pytest.mark.parametrize(("cell", "name", "planted"), MUTANTS)
def test_a_planted_error_shows(make_model, monkeypatch, cell, name, planted):
    model = make(make_model, cell, 1, {})
    monkeypatch.setattr(UnitShare, name, planted)
    assert max(differences(model, 2)) > 1e-6


def test_workers_drop_units_of_their_own(make_model, monkeypatch):
    drawn = []
    monkeypatch.setattr(dropout, "draw_mask", lambda mask, rate, rng: drawn.append(rng.random(3).tolist()))
    share = [UnitShare(8, number, 2, np.empty, lambda: None) for number in range(2)]
    for units in share:
        units.begin(7)
        dropout.Dropout((2, 3, 8), "float64", 0.5, units=units).forward(
            np.ones((2, 3, 8)), np.random.default_rng()
        )
    assert drawn[0] != drawn[1]


def test_processes_that_share_units_give_the_same_bits_again(make_model):
    """Also after an interrupt, where the others wait for a worker that does not come."""
    model, (batch, _) = make(make_model, "gru", 1, {}), make_batches()
    alone = run(model, 1, "columns")
    settings = OptimizerConfig(optimizer="sgd", dropout=0.0)
    with closing(NumpyEngine(model, settings, STEPS, BATCH_SIZE, 2, split_by="rows")) as engine:
        found = []
        replica_run = engine._replica.run
        for _ in range(2):
            engine.step(replace(batch, resets_state=True), np.random.default_rng(1))
            found.append(engine.gradient.copy())
            engine._replica.run = _interrupted
            with pytest.raises(KeyboardInterrupt):
                engine.step(batch, np.random.default_rng(1))
            engine._replica.run = replica_run
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(found[0], alone[1], rtol=1e-11, atol=1e-13)


def _interrupted(request):
    raise KeyboardInterrupt


def test_workers_without_a_unit_are_not_counted_as_memory(make_model):
    model = make(make_model, "lstm", 1, {})
    sizes = (model, OptimizerConfig(), STEPS, BATCH_SIZE)
    assert estimate_bytes(*sizes, 3 * HIDDEN, "rows") == estimate_bytes(*sizes, HIDDEN, "rows")


@pytest.mark.parametrize("ranks", [1, 2])
def test_workers_that_share_cores_with_other_ranks_do_not_wait_at_full_speed(make_model, monkeypatch, ranks):
    monkeypatch.setattr(threads, "usable_cores", lambda: 2)
    monkeypatch.setattr(threads, "local_size", lambda: ranks)
    model = make(make_model, "rnn", 1, {})
    with closing(NumpyEngine(model, OptimizerConfig(), STEPS, BATCH_SIZE, 2, split_by="rows")) as engine:
        assert engine._share.barrier._has_core == (ranks == 1)


def test_a_barrier_waits_for_all_and_the_first_sleep():
    counters = np.zeros(Barrier.size(2), np.int64)
    looks = []
    first, second = (Barrier(counters, number, 2, True, lambda: looks.append(1)) for number in range(2))
    left_out = []
    first.stopwatch.leave_out = left_out.append
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(first)
        while not looks:
            pass
        assert not waiting.done()
        second()
        waiting.result()
    assert len(left_out) == 1 and left_out[0] > 0  # waiting is not the worker's time
