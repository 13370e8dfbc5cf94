"""The laws of the partitions: every target once an epoch, its input just before it, no stream broken."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.text.streams import PARTITIONS, RandomPartition, SequentialPartition

LAW = settings(deadline=None, max_examples=100)
SIZES = st.tuples(st.integers(2, 90), st.integers(1, 12), st.integers(1, 12))
SEEDS = st.integers(0, 2**32)
PARTITION = pytest.mark.parametrize("kind", PARTITIONS.values(), ids=PARTITIONS)


def places(characters):
    """Codes that are their own places plus one: the code 0 is left to what is masked."""
    return np.arange(1, characters + 1, dtype=np.uint16)


def epoch(kind, sizes, seed=0, start=0):
    """The batches of one epoch over ``places``, for N characters, T steps and B streams."""
    characters, seq_len, batch_size = sizes
    partition = kind(places(characters), seq_len, batch_size)
    return list(partition.epoch(np.random.default_rng(seed), start))


def mask(batch):
    """Where the targets of a batch are."""
    return np.ones(batch.x_TB.shape, bool) if batch.real_TB is None else batch.real_TB


def columns(batch):
    """The targets of each column of a batch."""
    return [y_T[real_T].tolist() for y_T, real_T in zip(batch.y_TB.T, mask(batch).T, strict=True)]


def same(ours, theirs):
    """Whether two batches agree in everything."""
    arrays = ((ours.x_TB, theirs.x_TB), (ours.y_TB, theirs.y_TB), (mask(ours), mask(theirs)))
    return all(np.array_equal(a, b) for a, b in arrays) and (ours.targets, ours.fresh) == (
        theirs.targets,
        theirs.fresh,
    )


@PARTITION
@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_every_character_after_the_first_is_a_target_once(kind, sizes, seed):
    targets = np.concatenate([batch.y_TB[mask(batch)] for batch in epoch(kind, sizes, seed)])
    assert np.sort(targets).tolist() == list(range(2, sizes[0] + 1))


@PARTITION
@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_an_input_is_the_character_before_its_target_and_masked_places_are_zero(kind, sizes, seed):
    for batch in epoch(kind, sizes, seed):
        real_TB = mask(batch)
        assert np.array_equal(batch.x_TB[real_TB] + 1, batch.y_TB[real_TB])
        assert not batch.x_TB[~real_TB].any()
        assert not batch.y_TB[~real_TB].any()


@PARTITION
@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_a_column_is_one_unbroken_piece_from_its_first_step(kind, sizes, seed):
    for batch in epoch(kind, sizes, seed):
        for targets, real_T in zip(columns(batch), mask(batch).T, strict=True):
            assert real_T[: len(targets)].all()
            assert targets == list(range(targets[0], targets[0] + len(targets))) if targets else True


@PARTITION
@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_a_batch_counts_its_targets_and_has_contiguous_arrays_of_the_codes_type(kind, sizes, seed):
    characters, seq_len, batch_size = sizes
    batches = epoch(kind, sizes, seed)
    assert sum(batch.targets for batch in batches) == characters - 1
    for batch in batches:
        assert batch.targets == mask(batch).sum() > 0
        assert (batch.real_TB is None) == (batch.targets == batch.x_TB.size)
        assert batch.x_TB.shape == batch.y_TB.shape == mask(batch).shape
        assert 1 <= batch.x_TB.shape[0] <= seq_len and batch.x_TB.shape[1] == batch_size
        for codes_TB in (batch.x_TB, batch.y_TB):
            assert codes_TB.dtype == np.uint16
            assert codes_TB.flags.c_contiguous and codes_TB.flags.owndata


@PARTITION
@LAW
@given(sizes=SIZES, seed=SEEDS, data=st.data())
def test_an_epoch_that_starts_late_is_the_rest_of_the_same_epoch(kind, sizes, seed, data):
    whole = epoch(kind, sizes, seed)
    start = data.draw(st.integers(0, len(whole) + 1))
    rest = epoch(kind, sizes, seed, start)
    assert len(rest) == max(len(whole) - start, 0)
    assert all(same(ours, theirs) for ours, theirs in zip(rest, whole[start:], strict=True))


@PARTITION
def test_the_targets_of_an_epoch_are_known_before_it(kind):
    assert kind(places(10), 3, 2).targets_per_epoch == 9


@LAW
@given(sizes=SIZES)
def test_sequential_streams_go_on_from_chunk_to_chunk(sizes):
    batches = epoch(SequentialPartition, sizes)
    streams = [list(chain(*pieces)) for pieces in zip(*map(columns, batches), strict=True)]
    assert list(chain(*streams)) == list(range(2, sizes[0] + 1))
    lengths = [len(stream) for stream in streams]
    assert max(lengths) - min(lengths) <= 1


@LAW
@given(sizes=SIZES)
def test_sequential_state_starts_from_zero_once_an_epoch(sizes):
    batches = epoch(SequentialPartition, sizes)
    assert [batch.fresh for batch in batches] == [True] + [False] * (len(batches) - 1)
    assert len(batches) == SequentialPartition(places(sizes[0]), *sizes[1:]).batches_per_epoch


@LAW
@given(sizes=SIZES)
def test_sequential_masks_nothing_but_the_last_step(sizes):
    *full, last = epoch(SequentialPartition, sizes)
    assert all(batch.real_TB is None and batch.x_TB.shape[0] == sizes[1] for batch in full)
    assert mask(last)[:-1].all()


@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_random_batches_are_full_size_and_start_from_zero(sizes, seed):
    batches = epoch(RandomPartition, sizes, seed)
    assert all(batch.fresh and batch.x_TB.shape == sizes[1:] for batch in batches)
    assert all(all(columns(batch)) for batch in batches[:-1])


@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_random_chunks_are_full_but_for_the_first_and_the_last(sizes, seed):
    characters, seq_len, _ = sizes
    pieces = sorted(piece for batch in epoch(RandomPartition, sizes, seed) for piece in columns(batch) if piece)
    assert all(len(piece) == seq_len for piece in pieces[1:-1])
    assert pieces[0][0] == 2 and pieces[-1][-1] == characters


@settings(deadline=None, max_examples=40)
@given(sizes=SIZES)
def test_random_epochs_reach_the_stated_number_of_batches_or_one_fewer(sizes):
    most = RandomPartition(places(sizes[0]), *sizes[1:]).batches_per_epoch
    counts = {len(epoch(RandomPartition, sizes, seed)) for seed in range(100)}
    assert counts <= {most, most - 1} and most in counts


def test_random_epochs_draw_every_offset_and_an_order():
    sizes = (41, 4, 1)
    cuts = {min(len(c) for b in epoch(RandomPartition, sizes, seed) for c in columns(b)) for seed in range(50)}
    first = {epoch(RandomPartition, sizes, seed)[0].y_TB[0, 0] for seed in range(50)}
    assert cuts == {1, 2, 4}  # the shorter of the two end pieces: 1 and 3, 2 and 2, 3 and 1, or neither
    assert len(first) > 10


@pytest.mark.parametrize(("characters", "seq_len", "batch_size"), [(1, 1, 1), (0, 1, 1), (2, 0, 1), (2, 1, 0)])
@PARTITION
def test_sizes_that_make_no_batch_are_refused(kind, characters, seq_len, batch_size):
    with pytest.raises(ValueError, match="cannot be cut"):
        kind(places(characters), seq_len, batch_size)


@PARTITION
def test_memory_mapped_codes_are_gathered_and_never_written(kind, tmp_path):
    places(1000).tofile(tmp_path / "codes")
    codes = np.memmap(tmp_path / "codes", np.uint16, "r")
    mapped = list(kind(codes, 7, 5).epoch(np.random.default_rng(3)))
    assert all(type(batch.x_TB) is np.ndarray for batch in mapped)
    in_memory = epoch(kind, (1000, 7, 5), seed=3)
    assert all(same(ours, theirs) for ours, theirs in zip(mapped, in_memory, strict=True))
