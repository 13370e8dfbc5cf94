"""Training on documents: each is learnt as if it were alone, in any company; a run of them goes on exactly."""

import numpy as np
import pytest

from charlm.data.batches import Batch
from charlm.nn.cells import CELLS
from charlm.runs.checkpoint import save_checkpoint
from charlm.training.resume import resume

NAMES = ["emma", "av", "olivia", "m", "mia", "ella", "vivi", "lea", "lia", "eva"]
TEXT = "\n".join(NAMES)
PLAIN = {"lines": True, "val_fraction": 0.0, "dtype": "float64", "dropout": 0.0, "clip": 0.0}


@pytest.mark.parametrize("cell", CELLS.names())
def test_a_step_s_gradient_is_the_mean_over_documents_that_are_read_alone(begun, cell):
    trainer, _ = begun(text=TEXT, cell=cell, seq_len=43, batch_size=1, **PLAIN)
    model, end = trainer.engine._model, trainer.corpus.vocabulary.end
    (batch,) = trainer.partition.epoch(np.random.default_rng(0))
    assert batch.num_targets == sum(len(name) + 1 for name in NAMES)
    grads = model.params.zeros_like()
    total = np.zeros_like(grads.flat)
    for name in NAMES:
        ids = np.array([end, *trainer.corpus.vocabulary.encode(name, "the name"), end], np.uint8)[:, np.newaxis]
        state, buffers = model.zero_state(1), model.buffers(len(ids), 1)
        alone = Batch({"x_TB": ids[:-1], "y_TB": ids[1:]}, batch.num_targets, resets_state=True)
        model.loss_and_gradient(alone, state, buffers, grads)
        total += grads.flat
    trainer.engine.step(batch, np.random.default_rng(0))
    np.testing.assert_allclose(trainer.engine.gradient, total, atol=1e-10)


@pytest.mark.parametrize("partition", ["sequential", "varied", "random"])
def test_a_run_of_documents_goes_on_exactly(begun, partition):
    settings = {"lines": True, "partition": partition, "split": "80/10/10", "min_count": 2}
    text = "\n".join(NAMES * 12)
    whole, _ = begun(text=text, steps=9, **settings)
    for _ in range(9):
        whole.state = whole.step(0.0)[0]
    first, run = begun(text=text, steps=9, **settings)
    for _ in range(5):
        first.state = first.step(0.0)[0]
    save_checkpoint(run.last_path, first.checkpoint(first.state), first.config.model)
    again, _ = resume(run, {})
    for _ in range(4):
        again.state = again.step(0.0)[0]
    assert again.engine._model.params.flat.tobytes() == whole.engine._model.params.flat.tobytes()
