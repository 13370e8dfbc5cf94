"""Splitting labelled texts: no text is in two splits, and no label is missing from one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from charlm.base.random import make_generator
from charlm.data.permutation import Integers
from charlm.data.split import Split

SHOWN = 5  # of what a note lists

Splits = npt.NDArray[np.int8]


def number_texts(sums_D: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """The number of each text (D,), equal ones alike, in the order of their first occurrence.

    >>> number_texts(np.array([7, 3, 7, 9], np.uint64)).tolist()
    [0, 1, 0, 2]
    """
    _, first_T, text_D = np.unique(sums_D, return_index=True, return_inverse=True)
    rank_T = np.empty(len(first_T), np.int64)
    rank_T[np.argsort(first_T)] = np.arange(len(first_T))
    return rank_T[text_D]


def split_alike(text_D: Integers, split: Split, seed: int) -> Splits:
    """The split (0 to 2) of each example, by its text's number."""
    count = int(text_D.max()) + 1
    train, validation, _ = split.lengths(count)
    at_T = np.empty(count, np.int64)
    at_T[make_generator(seed, "examples").permutation(count)] = np.arange(count)
    place_T = (at_T >= train).astype(np.int8) + (at_T >= train + validation)
    return place_T[text_D]


def split_by_label(
    text_D: Integers, label_D: Integers, names: Sequence[str], split: Split, seed: int, notes: list[str]
) -> Splits:
    """The split (0 to 2) of each example: each label is divided by itself, and no text is in two splits.

    Labels are places in ``names``, which are sorted. A text of several labels is divided with the rarest.

    >>> from charlm.config import DataConfig
    >>> split = Split.of(DataConfig(split="50/25/25"))
    >>> split_by_label(np.arange(4), np.array([0, 0, 0, 1]), ["x", "y"], split, 1, []).tolist()
    [2, 0, 1, 0]
    """
    home_T = _find_homes(text_D, label_D, len(names))
    whole = split.train + split.validation + split.test
    shares = [float(share / whole) for share in (split.validation, split.test)]
    held_out = sum(share > 0 for share in shares)
    place_T = np.zeros(len(home_T), np.int8)
    small = []
    by_home = np.argsort(home_T, kind="stable")
    bounds = np.searchsorted(home_T, np.arange(len(names) + 1), sorter=by_home)
    for label, (start, stop) in enumerate(pairwise(bounds.tolist())):
        if stop - start <= held_out:
            small += [names[label]] if held_out else []
            continue
        order = by_home[start:stop][make_generator(seed, "label", label).permutation(stop - start)]
        counts = [max(1, round(share * len(order))) if share else 0 for share in shares]
        place_T[order[: sum(counts)]] = 2
        place_T[order[: counts[0]]] = 1
    if small:
        more = f" and {len(small) - SHOWN:,} more" if len(small) > SHOWN else ""
        notes.append(f"too few texts to hold any out: all go to training: {', '.join(small[:SHOWN])}{more}")
    return place_T[text_D]


def _find_homes(text_D: Integers, label_D: Integers, labels: int) -> npt.NDArray[np.int64]:
    """The rarest label of each text (T,)."""
    pairs = np.unique(text_D * labels + label_D)
    order_L = np.argsort(np.bincount(pairs % labels, minlength=labels), kind="stable")
    rank_L = np.empty(labels, np.int64)
    rank_L[order_L] = np.arange(labels)
    found_T = np.full(int(text_D.max()) + 1, labels)
    np.minimum.at(found_T, pairs // labels, rank_L[pairs % labels])
    homes_T: npt.NDArray[np.int64] = order_L[found_T]
    return homes_T
