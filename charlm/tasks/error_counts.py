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
        edits: those of each answer.
        is_finished_D: which answers ended (D,).
    """

    is_wrong_D: npt.NDArray[np.bool_]
    edits_D: npt.NDArray[np.int64]
    lengths_D: npt.NDArray[np.int64]
    edits: Sequence[Sequence[Edit]]
    is_finished_D: npt.NDArray[np.bool_]

    @property
    def wrong(self) -> float:
        """The share of wrong answers (of words: the word error rate, WER)."""
        return float(self.is_wrong_D.mean())

    @property
    def symbol_error_rate(self) -> float:
        """The edits of all examples over the symbols of all references (of phonemes: PER)."""
        return float(self.edits_D.sum() / self.lengths_D.sum())

    def take(self, numbers_K: npt.NDArray[np.integer]) -> ErrorCounts:
        """Those of some of the examples."""
        edits = [self.edits[number] for number in numbers_K.tolist()]
        return ErrorCounts(
            self.is_wrong_D[numbers_K],
            self.edits_D[numbers_K],
            self.lengths_D[numbers_K],
            edits,
            self.is_finished_D[numbers_K],
        )


def count_errors(
    answers: Sequence[Sequence[int]], references: Sequence[Sequence[int]], is_finished: Sequence[bool]
) -> ErrorCounts:
    """Compare answers with their references; an unfinished answer counts as wrong.

    >>> found = count_errors([[1, 2, 3], [4]], [[1, 3], [4]], [True, True])
    >>> found.wrong, round(found.symbol_error_rate, 3)
    (0.5, 0.333)
    """
    edits = [list_edits(given, true) for given, true in zip(answers, references, strict=True)]
    edits_D = np.array([len(each) for each in edits], np.int64)
    lengths_D = np.array([len(each) for each in references], np.int64)
    is_finished_D = np.array(is_finished, np.bool_)
    return ErrorCounts((edits_D > 0) | ~is_finished_D, edits_D, lengths_D, edits, is_finished_D)


def list_edits(given: Sequence[int], true: Sequence[int]) -> list[Edit]:
    """The edits of a shortest way from a reference to an answer, in order: their number is the edit distance.

    Of several shortest ways it is the one with the most substitutions (Levenshtein 1966; Wagner & Fischer 1974).

    >>> list_edits([1, 2, 3], [1, 3, 3, 4])
    [(3, 2), (4, None)]
    """
    if list(given) == list(true):
        return []
    table = [list(range(len(true) + 1))]
    for number, symbol in enumerate(given, start=1):
        above, row = table[-1], [number]
        for place, other in enumerate(true):
            row.append(min(above[place] + (symbol != other), above[place + 1] + 1, row[place] + 1))
        table.append(row)
    edits: list[Edit] = []
    i, j = len(given), len(true)
    while i or j:
        if i and j and table[i][j] == table[i - 1][j - 1] + (given[i - 1] != true[j - 1]):
            i, j = i - 1, j - 1
            edits += [(true[j], given[i])] if given[i] != true[j] else []
        elif i and table[i][j] == table[i - 1][j] + 1:
            i -= 1
            edits.append((None, given[i]))
        else:
            j -= 1
            edits.append((true[j], None))
    return edits[::-1]
