"""A linear model of character n-gram counts: ridge regression (Hoerl & Kennard 1970)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from charlm.data.buckets import Sequences

LONGEST = 3  # characters of an n-gram
FEATURES = 1024  # n-grams that hash to the same feature share its weight
PENALTY = 1.0

Floats = npt.NDArray[np.float64]


def count_features(texts: Sequences) -> Floats:
    """How often each text has the n-grams of each feature, with 1 for the constant (D, F + 1)."""
    counts_DF = np.zeros((len(texts), FEATURES + 1))
    counts_DF[:, FEATURES] = 1
    ids = texts.ids.astype(np.uint64) + 1
    text_N = np.repeat(np.arange(len(texts)), texts.lengths_D)
    hashes = np.zeros(len(ids), np.uint64)
    for length in range(1, LONGEST + 1):
        # The n-gram that ends at a place, if it lies within one text.
        hashes = np.roll(hashes, 1) * np.uint64(6364136223846793005) + ids + np.uint64(length)
        is_within = np.roll(text_N, length - 1) == text_N
        is_within[: length - 1] = False
        features = (hashes >> np.uint64(20)) % np.uint64(FEATURES)
        np.add.at(counts_DF, (text_N[is_within], features[is_within].astype(np.intp)), 1)
    return counts_DF


def fit_and_predict(training: Sequences, targets_D: Floats, texts: Sequences) -> Floats:
    """Fit the linear model to a training split, and predict for other texts (D,)."""
    counts_DF = count_features(training)
    penalty_F = np.full(FEATURES + 1, PENALTY)
    penalty_F[FEATURES] = 1e-9  # the constant is free
    gram_FF = counts_DF.T @ counts_DF + np.diag(penalty_F)
    predicted_D: Floats = count_features(texts) @ np.linalg.solve(gram_FF, counts_DF.T @ targets_D)
    return predicted_D
