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
    pairs = -(-steps // 2)
    own_TBD = np.zeros((2 * pairs, batch_size, width), h_TBD.dtype)
    own_TBD[2 * pairs - steps :] = np.where(_is_own_TB1(steps, length_B), h_TBD, 0)
    return own_TBD.reshape(pairs, 2, batch_size, width).transpose(0, 2, 1, 3).reshape(pairs, batch_size, -1)


def split_pairs(djoined: Floats, steps: int, length_B: Lengths) -> Floats:
    """The gradient of the steps (T, B, D), from that of the pairs."""
    pairs, batch_size, width = djoined.shape
    dh_TBD = djoined.reshape(pairs, batch_size, 2, width // 2).transpose(0, 2, 1, 3)
    dh_TBD = dh_TBD.reshape(2 * pairs, batch_size, -1)[2 * pairs - steps :]
    return np.where(_is_own_TB1(steps, length_B), dh_TBD, 0)


def _is_own_TB1(steps: int, length_B: Lengths) -> npt.NDArray[np.bool_]:
    own_TB1: npt.NDArray[np.bool_] = (np.arange(steps)[:, None] >= steps - length_B)[..., None]
    return own_TB1
