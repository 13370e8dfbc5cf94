"""A pyramid: a layer reads pairs of neighboring outputs of the layer below, joined, in half the steps.

Sequences end together, and pairs are counted from the end. An odd first step is paired with zeros (Chan et al.
2016, "Listen, attend and spell").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats

Lengths = npt.NDArray[np.integer]


def halve(lengths: Lengths, times: int = 1) -> Lengths:
    """The lengths of sequences after pairing, once or several times.

    >>> halve(np.array([0, 1, 4, 5])).tolist(), halve(np.array([5]), times=2).tolist()
    ([0, 1, 2, 3], [2])
    """
    halved: Lengths = -(-lengths // 2**times)
    return halved


def join_pairs(h_TBD: Floats, length_B: Lengths) -> Floats:
    """The pairs of sequences of these lengths, joined (ceil(T / 2), B, 2 D); what is padding counts as zeros.

    >>> join_pairs(np.arange(1.0, 4.0)[:, None, None], np.array([3]))[:, 0].tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    steps, batch_size, width = h_TBD.shape
    odd = steps % 2  # whether the first step is alone
    joined = np.empty((-(-steps // 2), batch_size, 2, width), h_TBD.dtype)
    joined[odd:, :, 0], joined[:, :, 1] = h_TBD[odd::2], h_TBD[1 - odd :: 2]
    for place in range(2):
        times_P1 = 2 * np.arange(len(joined))[:, None] + place - odd
        joined[:, :, place][times_P1 < steps - length_B] = 0
    return joined.reshape(len(joined), batch_size, -1)


def split_pairs(djoined: Floats, steps: int, length_B: Lengths) -> Floats:
    """The gradient of the steps (T, B, D), from that of the pairs."""
    _, batch_size, width = djoined.shape
    odd, halves = steps % 2, djoined.reshape(-1, batch_size, 2, width // 2)
    dh_TBD = np.empty((steps, batch_size, width // 2), djoined.dtype)
    dh_TBD[odd::2], dh_TBD[1 - odd :: 2] = halves[odd:, :, 0], halves[:, :, 1]
    dh_TBD[np.arange(steps)[:, None] < steps - length_B] = 0
    return dh_TBD
