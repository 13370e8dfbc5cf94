"""Edits between sequences: against a direct recursion, and written-out pairs; errors are summed over examples."""

from functools import cache

import numpy as np
import pytest

from charlm.tasks.error_counts import count_errors, list_edits

PAIRS = [
    ("", "", 0), ("a", "", 1), ("", "ab", 2), ("a", "a", 0), ("a", "b", 1), ("ab", "ba", 2), ("abc", "ac", 1),
    ("ac", "abc", 1), ("abc", "abd", 1), ("kitten", "sitting", 3), ("saturday", "sunday", 3), ("flaw", "lawn", 2),
    ("gumbo", "gambol", 2), ("aaaa", "aa", 2), ("abcd", "dcba", 4), ("book", "back", 2), ("xyz", "", 3),
    ("ab", "abab", 2), ("abab", "baba", 2), ("intention", "execution", 5),
]  # fmt: skip


def ids(text):
    return list(map(ord, text))


@pytest.mark.parametrize(("given", "true", "distance"), PAIRS)
def test_written_out_pairs(given, true, distance):
    edits = list_edits(ids(given), ids(true))
    assert len(edits) == distance == len(list_edits(ids(true), ids(given)))
    inserted = sum(right is None for right, _ in edits)
    deleted = sum(own is None for _, own in edits)
    assert len(given) - len(true) == inserted - deleted


def recursion(given, true):
    """The distance by its definition."""

    @cache
    def of(i, j):
        if not (i and j):
            return i + j
        return min(of(i - 1, j - 1) + (given[i - 1] != true[j - 1]), of(i - 1, j) + 1, of(i, j - 1) + 1)

    return of(len(given), len(true))


def test_it_is_what_a_direct_recursion_gives():
    rng = np.random.default_rng(0)
    for _ in range(200):
        given, true = (rng.integers(3, size=rng.integers(9)).tolist() for _ in range(2))
        assert len(list_edits(given, true)) == recursion(given, true)


def test_edits_are_summed_over_examples_and_an_unfinished_answer_is_wrong():
    found = count_errors([[1], [1, 2, 3, 4], [5]], [[2], [1, 2, 3, 4], [5]], [True, True, False])
    assert found.symbol_error_rate == 1 / 6 and found.wrong == 2 / 3
    assert found.edits[0] == [(2, 1)] and found.take(np.array([1])).wrong == 0
