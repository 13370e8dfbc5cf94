"""Gradient clipping (Pascanu et al. 2013)."""

from __future__ import annotations

import math

import numpy as np

from charlm.base.arrays import Floats


def global_norm(g_P: Floats) -> float:
    """The Euclidean norm of all gradients.

    >>> global_norm(np.array([3.0, 4.0]))
    5.0
    """
    with np.errstate(over="ignore"):
        square = float(np.dot(g_P, g_P))
    if math.isinf(square) and np.isfinite(g_P).all():
        largest = float(np.abs(g_P).max())
        return largest * math.sqrt(float(np.sum((g_P / largest) ** 2)))
    return math.sqrt(square)


def clip_norm_(g_P: Floats, limit: float) -> float:
    """Scale to norm ``limit`` at most (0: none); return the norm before."""
    norm = global_norm(g_P)
    if 0 < limit < norm < math.inf:
        g_P *= limit / norm
    return norm


def clip_value_(g_P: Floats, limit: float) -> None:
    """Clip to [-limit, limit] (0: none)."""
    if limit:
        np.clip(g_P, -limit, limit, out=g_P)
