"""Errors of predicted sequences: wrong ones, and edits between symbols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Edit = tuple[int | None, int | None]
"""A symbol of the reference and one of the answer: None for one that was inserted, or deleted."""


@dataclass(frozen=True)
class ErrorCounts:
    """Errors by example.

    Attributes:
        is_wrong_D: which answers are not exactly right (D,).
        edits_D: the edit distance of each answer to its reference (D,).
        lengths_D: the symbols of each reference (D,).
    """

    is_wrong_D: npt.NDArray[np.bool_]
    edits_D: npt.NDArray[np.int64]
    lengths_D: npt.NDArray[np.int64]

    @property
    def wrong(self) -> float:
        """The share of wrong answers (of words: the word error rate, WER)."""
        return float(self.is_wrong_D.mean())

    @property
    def symbol_error_rate(self) -> float:
        """The edits of all examples over the symbols of all references (of phonemes: PER)."""
        return float(self.edits_D.sum() / self.lengths_D.sum())


def count_errors(
    answers: Sequence[Sequence[int]], references: Sequence[Sequence[int]], is_finished: Sequence[bool]
) -> ErrorCounts:
    """Compare answers with their references; an unfinished answer counts as wrong.

    >>> found = count_errors([[1, 2, 3], [4]], [[1, 3], [4]], [True, True])
    >>> found.wrong, round(found.symbol_error_rate, 3)
    (0.5, 0.333)
    """
    edits = [edit_distance(given, true) for given, true in zip(answers, references, strict=True)]
    edits_D = np.array(edits, np.int64)
    lengths_D = np.array([len(each) for each in references], np.int64)
    return ErrorCounts((edits_D > 0) | ~np.array(is_finished, np.bool_), edits_D, lengths_D)


def edit_distance(given: Sequence[int], true: Sequence[int]) -> int:
    """The fewest insertions, deletions and substitutions between two sequences (Levenshtein 1966).

    >>> edit_distance([1, 2, 3], [1, 3, 3, 4])
    2
    """
    if list(given) == list(true):
        return 0
    row = list(range(len(true) + 1))
    for number, symbol in enumerate(given, start=1):
        diagonal, row[0] = row[0], number
        for place, other in enumerate(true, start=1):
            best = min(diagonal + (symbol != other), row[place] + 1, row[place - 1] + 1)
            diagonal, row[place] = row[place], best
    return row[-1]


def list_edits(given: Sequence[int], true: Sequence[int]) -> list[Edit]:
    """The edits of a shortest way from the reference to the answer, in order; substitutions come first.

    >>> list_edits([1, 2, 3], [1, 3, 3, 4])
    [(3, 2), (4, None)]
    """
    table = np.zeros((len(given) + 1, len(true) + 1), np.int64)
    table[:, 0], table[0] = np.arange(len(given) + 1), np.arange(len(true) + 1)
    for i, symbol in enumerate(given, start=1):
        for j, other in enumerate(true, start=1):
            table[i, j] = min(table[i - 1, j - 1] + (symbol != other), table[i - 1, j] + 1, table[i, j - 1] + 1)
    edits: list[Edit] = []
    i, j = table.shape[0] - 1, table.shape[1] - 1
    while i or j:
        if i and j and table[i, j] == table[i - 1, j - 1] + (given[i - 1] != true[j - 1]):
            i, j = i - 1, j - 1
            edits += [(true[j], given[i])] if given[i] != true[j] else []
        elif i and table[i, j] == table[i - 1, j] + 1:
            i -= 1
            edits.append((None, given[i]))
        else:
            j -= 1
            edits.append((true[j], None))
    return edits[::-1]
