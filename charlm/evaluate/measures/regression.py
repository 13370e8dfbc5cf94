"""Errors of a regression, next to the mean and a linear model of n-gram counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from charlm.base.progress import Progress
from charlm.base.tables import Column, Curve, Table
from charlm.evaluate.base import EvalResult, Measurement
from charlm.evaluate.linear_counts import FEATURES, LONGEST

if TYPE_CHECKING:
    from charlm.data.examples import LabelledPart
    from charlm.engines.threads import ThreadPool
    from charlm.evaluate.labelled import LabelledCase

COLUMNS = (Column("model"), Column("RMSE", ".4g"), Column("MAE", ".4g"), Column("R²", ".3f"))
EXPLANATION = (
    "RMSE and MAE are in the data's own unit; R² is 1 less the squared error's share of the variance",
    f"the linear model is a ridge regression on the counts of n-grams of up to {LONGEST} characters, hashed to "
    f"{FEATURES:,} features, fitted to the training split",
)


@dataclass(frozen=True)
class Regression(Measurement):
    """RMSE, MAE and R-squared of a regression, with baselines."""

    cases: ClassVar[Literal["models", "labels", "runs"]] = "labels"

    def measure(
        self, subjects: Sequence[LabelledCase[LabelledPart]], pool: ThreadPool, progress: Progress
    ) -> EvalResult:
        """Predict the numbers of each case's texts."""
        from charlm.engines.numpy.predictor import Predictor
        from charlm.tasks.number_errors import measure_errors
        from charlm.tasks.whole_texts import predict_part

        records: list[dict[str, Any]] = []
        tables, curves, notes = [], [], []
        for case in subjects:
            assert case.run.vocabulary.scale is not None
            mean, deviation = case.run.vocabulary.scale
            true_D = case.part.targets_D * deviation + mean
            predictor = Predictor(case.run.load_model(), pool)
            own_D = predict_part(predictor, case.part)[:, 0].astype(np.float64) * deviation + mean
            found = [(case.run.name, own_D), *_baselines(case, mean, deviation)]
            models = [{"model": name, **asdict(measure_errors(each, true_D))} for name, each in found]
            records.append({**case.keys, "examples": len(case.part), **models[0], "baselines": models[1:]})
            tables.append(Table(case.title, COLUMNS, [tuple(each.values()) for each in models], case.keys))
            curves.append(_scatter(case, true_D, own_D))
            if case.training is None:
                notes.append(f"no baselines for {case.run.name}: its corpus was not found")
        return EvalResult(records, tables, notes, curves, explanation=list(EXPLANATION))


def _baselines(
    case: LabelledCase[LabelledPart], mean: float, deviation: float
) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """What is reached from the same training split without a network."""
    from charlm.evaluate.linear_counts import fit_and_predict

    if case.training is None:
        return
    fitted_D = fit_and_predict(case.training.sequences, case.training.targets_D, case.part.sequences)
    yield "linear, n-gram counts", fitted_D * deviation + mean
    yield "mean", np.full(len(case.part), mean)


def _scatter(
    case: LabelledCase[LabelledPart], true_D: npt.NDArray[np.float64], found_D: npt.NDArray[np.float64]
) -> Curve:
    ends = [float(true_D.min()), float(true_D.max())]
    series: dict[str, tuple[Sequence[float], Sequence[float]]] = {
        case.run.name: (true_D.tolist(), found_D.tolist()),
        "right": (ends, ends),
    }
    return Curve(case.title, "true", "predicted", series, scattered=(case.run.name,))
