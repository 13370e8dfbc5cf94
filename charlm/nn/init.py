"""Initial values of weights, written in place."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats


def normal_(weights: Floats, deviation: float, rng: np.random.Generator) -> None:
    """Independent normal values of mean 0."""
    weights[:] = deviation * rng.standard_normal(weights.shape)


def xavier_(weights: Floats, rng: np.random.Generator) -> None:
    """Normal values, fan-out of one gate (Glorot & Bengio 2010)."""
    normal_(weights, weights.shape[0] ** -0.5, rng)


def orthogonal_(weights: Floats, rng: np.random.Generator) -> None:
    """One orthogonal H x H block per gate (Saxe et al. 2014), uniform (Mezzadri 2007)."""
    size = weights.shape[0]
    for start in range(0, weights.shape[1], size):
        q, r = np.linalg.qr(rng.standard_normal((size, size)))
        weights[:, start : start + size] = q * np.sign(np.diagonal(r))
