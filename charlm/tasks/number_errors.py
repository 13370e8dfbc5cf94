"""Errors of predicted numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class NumberErrors:
    """Root mean squared error and mean absolute error in the data's unit, and R²."""

    rmse: float
    mae: float
    r2: float


def measure_errors(found_D: npt.NDArray[np.float64], true_D: npt.NDArray[np.float64]) -> NumberErrors:
    """The errors of predicted numbers; R² is 1 less their share of the variance, 0 if all are the same.

    >>> measure_errors(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0])).mae
    1.0
    """
    errors_D = found_D - true_D
    variance = float(np.var(true_D))
    squared = float(np.square(errors_D).mean())
    return NumberErrors(squared**0.5, float(np.abs(errors_D).mean()), 1 - squared / variance if variance else 0.0)
