"""Regress: many symbols to one number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from charlm.config.encoder import EncoderConfig
from charlm.tasks.task import Examples, Validation
from charlm.tasks.whole_text_task import WholeTextTask

if TYPE_CHECKING:
    from charlm.data.vocabulary import Vocabulary
    from charlm.engines.base import Engine

RECIPE: Mapping[str, Any] = MappingProxyType(
    {
        "cell": "lstm", "hidden": 128, "optimizer": "adamw", "lr": 4e-3, "weight_decay": 0.02, "dropout": 0.1,
        "weight_drop": 0.0, "pooling": "mean", "batch_size": 64, "schedule": "linear", "average": 300,
    }
)  # fmt: skip


class Regress(WholeTextTask):
    """Give a text a number."""

    network: ClassVar[str] = "regressor"
    unit: ClassVar[str] = "text"
    loss: ClassVar[str] = "squared_error"
    commands: ClassVar[tuple[str, ...]] = ("regress", "eval regression")
    config_type = EncoderConfig
    recipe: ClassVar[Mapping[str, Any] | None] = RECIPE
    is_number = True

    def guess_loss(self, vocabulary: Vocabulary) -> float:
        """That of the mean: the variance of standardized numbers."""
        return 1.0

    def validate(self, engine: Engine, examples: Examples) -> Validation:
        """The squared error of standardized numbers; RMSE and MAE in the data's unit, and R²."""
        from charlm.data.examples import LabelledExamples
        from charlm.tasks.number_errors import measure_errors
        from charlm.tasks.whole_texts import predict_part

        assert isinstance(examples, LabelledExamples) and examples.vocabulary.scale is not None
        part, (_, deviation) = examples.validated, examples.vocabulary.scale
        found_D = predict_part(engine.predictor(), part)[:, 0].astype(np.float64)
        errors = measure_errors(deviation * found_D, deviation * part.targets_D)
        figures = {f"val_{name}": value for name, value in asdict(errors).items()}
        return Validation(float(np.square(found_D - part.targets_D).mean()), 0.0, figures)

    def show(self, engine: Engine, examples: Examples, seed: int) -> str:
        """The numbers of a few texts of the validation split."""
        from charlm.data.examples import LabelledExamples
        from charlm.tasks.whole_texts import predict_part

        assert isinstance(examples, LabelledExamples) and examples.vocabulary.scale is not None
        part = self.draw(examples, seed)
        mean, deviation = examples.vocabulary.scale
        found_D = predict_part(engine.predictor(), part)[:, 0] * deviation + mean
        true_D = part.targets_D * deviation + mean
        shown = zip(part.texts, found_D.tolist(), true_D.tolist(), strict=True)
        return "\n".join(f"{text}: {found:.4g}, is {true:.4g}" for text, found, true in shown)
