"""Batches by length: every example once an epoch, little padding, and the same from any batch on."""

import numpy as np
import pytest

from charlm.data.buckets import AT_ONCE, POOL, LengthBatches, Sequences

SIZE = 4


@pytest.fixture
def sequences():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 30, POOL * SIZE + 77)
    return Sequences(
        rng.integers(9, size=lengths.sum()).astype(np.uint8), np.concatenate([[0], np.cumsum(lengths)])
    )


def numbers_of(batches, rng, start=0):
    return [numbers.tolist() for numbers, _ in batches.epoch(rng, start)]


def test_every_sequence_comes_once_an_epoch_and_batches_come_again_from_any_on(sequences):
    batches = LengthBatches(sequences, SIZE, lambda numbers, steps: (numbers, steps))
    whole = numbers_of(batches, np.random.default_rng(1))
    assert len(whole) == batches.batches_per_epoch
    assert sorted(n for each in whole for n in each if n >= 0) == list(range(len(sequences)))
    assert all(len(each) == SIZE for each in whole)
    assert whole != numbers_of(batches, np.random.default_rng(2))
    for start in (1, POOL - 1, POOL, len(whole) - 1):
        assert numbers_of(batches, np.random.default_rng(1), start) == whole[start:]


def test_sorting_within_pools_leaves_little_padding(sequences):
    batches = LengthBatches(sequences, SIZE, lambda numbers, steps: (numbers, steps))
    steps = sum(SIZE * steps for _, steps in batches.epoch(np.random.default_rng(1)))
    assert steps < 1.1 * sequences.lengths_D.sum()


def test_sequences_end_together(sequences):
    numbers = np.array([3, -1, 7])
    x_TB = sequences.pad_front(numbers, 40)
    for column, number in enumerate(numbers):
        own = sequences.take(np.array([number])).ids if number >= 0 else []
        assert x_TB[40 - len(own) :, column].tolist() == list(own) and not x_TB[: 40 - len(own), column].any()


def test_outside_training_the_longer_the_sequences_the_fewer_come_at_once():
    lengths = np.array([3, 5000, 64, 513, 2, *[65] * 40, 600, 512, 4096, *[1] * 300])
    sequences = Sequences(np.zeros(lengths.sum(), np.uint8), np.concatenate([[0], np.cumsum(lengths)]))
    found = list(LengthBatches(sequences, AT_ONCE, lambda numbers, steps: (numbers, steps)).in_order())
    shapes = [(steps, len(padded)) for _, (padded, steps) in found]
    assert shapes == [(5000, 1), (4096, 4), (65, 32), (65, 32), (1, 256), (1, 256)]
    assert sorted(n for own, _ in found for n in own) == list(range(len(lengths)))
