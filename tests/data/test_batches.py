"""The laws of the partitions: every target once an epoch, its input just before it, no stream broken."""

import tracemalloc
from itertools import chain, islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.windows import (
    BATCHERS,
    WINDOWS_AT_ONCE,
    SequentialBatcher,
    ShuffledBatcher,
    VariableLengthBatcher,
)

LAW = settings(deadline=None, max_examples=100)
SIZES = st.tuples(st.integers(2, 90), st.integers(1, 12), st.integers(1, 12))
SEEDS = st.integers(0, 2**32)
PARTITION = pytest.mark.parametrize("kind", BATCHERS.values(), ids=BATCHERS)


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
    return batch.fields.get("target_mask_TB", np.ones(batch["x_TB"].shape, bool))


def columns(batch):
    """The targets of each column of a batch."""
    return [y_T[real_T].tolist() for y_T, real_T in zip(batch["y_TB"].T, mask(batch).T, strict=True)]


def same(ours, theirs):
    """Whether two batches agree in everything."""
    arrays = ((ours["x_TB"], theirs["x_TB"]), (ours["y_TB"], theirs["y_TB"]), (mask(ours), mask(theirs)))
    return all(np.array_equal(a, b) for a, b in arrays) and (ours.num_targets, ours.resets_state) == (
        theirs.num_targets,
        theirs.resets_state,
    )


def follows(kind, target, after, characters):
    """Whether one target comes after another in the text, or round it where a partition goes round."""
    return after == target + 1 or (kind is VariableLengthBatcher and (target, after) == (characters, 2))


@PARTITION
@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_every_character_after_the_first_is_a_target_once(kind, sizes, seed):
    targets = np.concatenate([batch["y_TB"][mask(batch)] for batch in epoch(kind, sizes, seed)])
    assert np.sort(targets).tolist() == list(range(2, sizes[0] + 1))


@PARTITION
@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_an_input_is_the_character_before_its_target_and_masked_places_are_zero(kind, sizes, seed):
    for batch in epoch(kind, sizes, seed):
        real_TB = mask(batch)
        assert np.array_equal(batch["x_TB"][real_TB] + 1, batch["y_TB"][real_TB])
        assert not batch["x_TB"][~real_TB].any()
        assert not batch["y_TB"][~real_TB].any()


@PARTITION
@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_a_column_is_one_unbroken_piece_from_its_first_step(kind, sizes, seed):
    for batch in epoch(kind, sizes, seed):
        for targets, real_T in zip(columns(batch), mask(batch).T, strict=True):
            assert real_T[: len(targets)].all()
            assert all(follows(kind, *pair, sizes[0]) for pair in pairwise(targets))


@PARTITION
@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_a_batch_counts_its_targets_and_has_contiguous_arrays_of_the_codes_type(kind, sizes, seed):
    characters, seq_len, batch_size = sizes
    batches = epoch(kind, sizes, seed)
    assert sum(batch.num_targets for batch in batches) == characters - 1
    for batch in batches:
        assert batch.num_targets == mask(batch).sum() > 0
        assert (batch.get("target_mask_TB") is None) == (batch.num_targets == batch["x_TB"].size)
        assert batch["x_TB"].shape == batch["y_TB"].shape == mask(batch).shape
        assert 1 <= batch["x_TB"].shape[0] <= seq_len and batch["x_TB"].shape[1] == batch_size
        for ids_TB in (batch["x_TB"], batch["y_TB"]):
            assert ids_TB.dtype == np.uint16
            assert ids_TB.flags.c_contiguous and ids_TB.flags.owndata


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
    batches = epoch(SequentialBatcher, sizes)
    streams = [list(chain(*pieces)) for pieces in zip(*map(columns, batches), strict=True)]
    assert list(chain(*streams)) == list(range(2, sizes[0] + 1))
    lengths = [len(stream) for stream in streams]
    assert max(lengths) - min(lengths) <= 1


@LAW
@given(sizes=SIZES)
def test_sequential_state_starts_from_zero_once_an_epoch(sizes):
    batches = epoch(SequentialBatcher, sizes)
    assert [batch.resets_state for batch in batches] == [True] + [False] * (len(batches) - 1)
    assert len(batches) == SequentialBatcher(places(sizes[0]), *sizes[1:]).batches_per_epoch


@LAW
@given(sizes=SIZES)
def test_sequential_masks_nothing_but_the_last_step(sizes):
    *full, last = epoch(SequentialBatcher, sizes)
    assert all(batch.get("target_mask_TB") is None and batch["x_TB"].shape[0] == sizes[1] for batch in full)
    assert mask(last)[:-1].all()


@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_varied_streams_go_on_from_chunk_to_chunk_round_the_text(sizes, seed):
    characters, seq_len, batch_size = sizes
    batches = epoch(VariableLengthBatcher, sizes, seed)
    streams = [list(chain(*pieces)) for pieces in zip(*map(columns, batches), strict=True)]
    ring = list(chain(*streams))
    assert all(follows(VariableLengthBatcher, *pair, characters) for pair in pairwise([*ring, ring[0]]))
    assert [len(s) for s in streams] == np.diff(np.arange(batch_size + 1) * len(ring) // batch_size).tolist()
    assert [batch.resets_state for batch in batches] == [True] + [False] * (len(batches) - 1)
    assert len(batches) <= VariableLengthBatcher(places(characters), seq_len, batch_size).batches_per_epoch


@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_varied_chunks_are_half_full_at_least_but_for_the_last_and_mask_nothing_but_the_last_step(sizes, seed):
    *others, last = epoch(VariableLengthBatcher, sizes, seed)
    assert all(batch.get("target_mask_TB") is None for batch in others)
    assert all(sizes[1] / 2 <= len(batch["x_TB"]) <= sizes[1] for batch in others)
    assert mask(last)[:-1].all()


@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_varied_state_is_zero_where_a_stream_comes_round_to_the_beginning_and_only_there(sizes, seed):
    for batch in epoch(VariableLengthBatcher, sizes, seed):
        carry_TB = np.ones(batch["x_TB"].shape, bool) if batch.get("carry_TB") is None else batch.get("carry_TB")
        start = int(batch.resets_state)
        np.testing.assert_array_equal(carry_TB[start:], batch["x_TB"][start:] != 1)


def test_varied_epochs_draw_every_offset_and_every_length():
    drawn = [epoch(VariableLengthBatcher, (41, 7, 1), seed) for seed in range(400)]
    assert {int(batches[0]["y_TB"][0, 0]) for batches in drawn} == set(range(2, 42))
    assert {len(batch["x_TB"]) for batches in drawn for batch in batches[:-1]} == {4, 5, 6, 7}


def test_a_varied_epoch_of_many_chunks_is_skipped_into_exactly():
    sizes = (40_000, 4, 1)
    whole = epoch(VariableLengthBatcher, sizes)
    assert len(whole) > 2.5 * WINDOWS_AT_ONCE
    for start in (WINDOWS_AT_ONCE - 1, WINDOWS_AT_ONCE, 2 * WINDOWS_AT_ONCE + 3):
        partition = VariableLengthBatcher(places(sizes[0]), *sizes[1:])
        rest = islice(partition.epoch(np.random.default_rng(0), start), 3)
        assert all(same(ours, theirs) for ours, theirs in zip(rest, whole[start : start + 3], strict=True))


@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_random_batches_are_full_size_and_start_from_zero(sizes, seed):
    batches = epoch(ShuffledBatcher, sizes, seed)
    assert all(batch.resets_state and batch["x_TB"].shape == sizes[1:] for batch in batches)
    assert all(all(columns(batch)) for batch in batches[:-1])


@LAW
@given(sizes=SIZES, seed=SEEDS)
def test_random_chunks_are_full_but_for_the_first_and_the_last(sizes, seed):
    characters, seq_len, _ = sizes
    pieces = sorted(piece for batch in epoch(ShuffledBatcher, sizes, seed) for piece in columns(batch) if piece)
    assert all(len(piece) == seq_len for piece in pieces[1:-1])
    assert pieces[0][0] == 2 and pieces[-1][-1] == characters


@settings(deadline=None, max_examples=40)
@given(sizes=SIZES)
def test_random_epochs_reach_the_stated_number_of_batches_or_one_fewer(sizes):
    most = ShuffledBatcher(places(sizes[0]), *sizes[1:]).batches_per_epoch
    counts = {len(epoch(ShuffledBatcher, sizes, seed)) for seed in range(100)}
    assert counts <= {most, most - 1} and most in counts


def test_random_epochs_draw_every_offset_and_an_order():
    sizes = (41, 4, 1)
    cuts = {min(len(c) for b in epoch(ShuffledBatcher, sizes, seed) for c in columns(b)) for seed in range(50)}
    first = {epoch(ShuffledBatcher, sizes, seed)[0]["y_TB"][0, 0] for seed in range(50)}
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
    ids = np.memmap(tmp_path / "codes", np.uint16, "r")
    mapped = list(kind(ids, 7, 5).epoch(np.random.default_rng(3)))
    assert all(type(batch["x_TB"]) is np.ndarray for batch in mapped)
    in_memory = epoch(kind, (1000, 7, 5), seed=3)
    assert all(same(ours, theirs) for ours, theirs in zip(mapped, in_memory, strict=True))


DOCUMENTS = st.lists(st.lists(st.integers(0, 3), max_size=7), min_size=1, max_size=12)
END = 4
TABLE = np.array([3, 9, 0, 7, 5], np.uint8)  # of a model that calls the symbols by other codes


def end_marked(documents):
    """The documents as they lie in a corpus: the end symbol before, between and after them."""
    return np.array([END, *chain(*((*document, END) for document in documents))], np.uint8)


@PARTITION
@LAW
@given(documents=DOCUMENTS, seq_len=st.integers(1, 9), batch_size=st.integers(1, 9), seed=SEEDS)
def test_every_symbol_of_every_document_and_every_end_is_a_target_once(
    kind, documents, seq_len, batch_size, seed
):
    ids = end_marked(documents)
    partition = kind(ids, seq_len, batch_size, TABLE, int(TABLE[END]))
    seen = []
    for batch in partition.epoch(np.random.default_rng(seed)):
        real_TB = mask(batch)
        seen += zip(batch["x_TB"][real_TB].tolist(), batch["y_TB"][real_TB].tolist(), strict=True)
        assert np.array_equal(batch.get("carry_TB")[real_TB], batch["x_TB"][real_TB] != TABLE[END])
        assert batch.get("carry_TB").shape == batch["x_TB"].shape
    pairs = zip(TABLE[ids[:-1]].tolist(), TABLE[ids[1:]].tolist(), strict=True)
    assert sorted(seen) == sorted(pairs)


@pytest.mark.parametrize("kind", [SequentialBatcher, ShuffledBatcher])
def test_a_text_that_is_one_piece_keeps_its_state(kind):
    assert all(batch.get("carry_TB") is None for batch in epoch(kind, (50, 4, 3)))


@PARTITION
def test_nothing_in_memory_grows_with_a_text_of_ten_billion_characters(kind, tmp_path):
    with (tmp_path / "codes").open("wb") as file:
        file.truncate(10**10)  # a hole: it takes no room on the disk
    ids = np.memmap(tmp_path / "codes", np.uint8, "r")
    partition = kind(ids, 64, 64)
    tracemalloc.start()
    batches = partition.epoch(np.random.default_rng(0), start=1_000_000)
    assert all(len(batch["x_TB"]) in range(32, 65) for batch in islice(batches, 2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
