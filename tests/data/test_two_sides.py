"""Batches for both sides: every character once, with what is around it, and nothing across an end."""

import numpy as np
import pytest

from charlm.data.two_sides import BEYOND, TWO_SIDED_BATCHERS


def targets(batcher, end=None, epochs=1):
    """Each target's character with the forward input and the next one, where the states are carried."""
    found = []
    for epoch in range(epochs):
        for batch in batcher.epoch(np.random.default_rng(epoch)):
            text_SB, mask_TB = batch["text_SB"], batch["target_mask_TB"]
            steps = len(mask_TB)
            assert len(text_SB) == steps + 1 + BEYOND
            carry_TB, back_RB = batch.get("carry_TB"), batch.get("back_carry_RB")
            for t, column in np.argwhere(mask_TB):
                after = text_SB[t + 2, column]
                found.append((int(text_SB[t, column]), int(text_SB[t + 1, column]), int(after)))
                if end is not None:
                    assert carry_TB[t, column] == (text_SB[t, column] != end)
                    assert back_RB is None or back_RB[t, column] == (after != end)
    return found


@pytest.mark.parametrize("partition", TWO_SIDED_BATCHERS)
def test_every_character_of_a_plain_text_is_a_target_once_but_its_first_and_last(partition):
    ids = np.random.default_rng(0).permutation(101).astype(np.uint8)
    batcher = TWO_SIDED_BATCHERS[partition](ids, seq_len=8, batch_size=3)
    found = targets(batcher)
    expected = sorted(zip(ids[:-2].tolist(), ids[1:-1].tolist(), ids[2:].tolist(), strict=True))
    if partition == "varied":  # it begins anywhere, and the circle's seam may cut one off
        assert set(found) <= set(expected) and len(set(found)) >= 98
    else:
        assert sorted(found) == expected
    assert batcher.targets_per_epoch == 99


@pytest.mark.parametrize("partition", TWO_SIDED_BATCHERS)
def test_of_documents_every_character_is_a_target_and_no_end(partition):
    end = 9
    ids = np.array([9, 1, 2, 3, 9, 4, 9, 5, 6, 9, 7, 8, 9], np.uint8)
    batcher = TWO_SIDED_BATCHERS[partition](ids, seq_len=4, batch_size=2, end=end)
    found = targets(batcher, end)
    expected = [(9, 1, 2), (1, 2, 3), (2, 3, 9), (9, 4, 9), (9, 5, 6), (5, 6, 9), (9, 7, 8), (7, 8, 9)]
    assert sorted(found) == sorted(expected)
    assert batcher.targets_per_epoch == 8


def test_at_the_seam_of_a_plain_text_both_states_are_reset():
    ids = np.arange(30, dtype=np.uint8)
    for batch in TWO_SIDED_BATCHERS["varied"](ids, seq_len=6, batch_size=2).epoch(np.random.default_rng(3)):
        text_SB, carry_TB, back_RB = batch["text_SB"], batch.get("carry_TB"), batch.get("back_carry_RB")
        steps = len(batch["target_mask_TB"])
        starts = np.argwhere((text_SB[1:steps] == 1) & (text_SB[: steps - 1] == 29)) + np.array([1, 0])
        assert all(not carry_TB[t, column] for t, column in starts)
        assert all(not back_RB[t, column] for t, column in np.argwhere(text_SB[2:] == 29))
        assert not (batch["target_mask_TB"] & (text_SB[1 : steps + 1] == 29)).any()
