"""Classify texts: many symbols to one label."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from charlm.config import setting
from charlm.config.encoder import EncoderConfig
from charlm.tasks.task import Examples, Validation
from charlm.tasks.whole_text_task import WholeTextTask

if TYPE_CHECKING:
    from charlm.data.examples import LabelledExamples
    from charlm.data.vocabulary import Vocabulary
    from charlm.engines.base import Engine

RECIPE: Mapping[str, Any] = MappingProxyType(
    {
        "cell": "lstm", "hidden": 192, "optimizer": "adamw", "lr": 1.2e-2, "weight_decay": 0.02, "dropout": 0.5,
        "input_dropout": 0.15, "weight_drop": 0.0, "batch_size": 128, "schedule": "linear", "average": 300,
    }
)  # fmt: skip
POWERS = {"none": 0.0, "sqrt": 0.5, "full": 1.0}


@dataclass(frozen=True)
class ClassifyConfig(EncoderConfig):
    """The settings of a classifier."""

    balance: str = setting(
        "none",
        "Weigh rare labels more in the gradient: by the inverse of their count, or its square root.",
        choices=("none", "sqrt", "full"),
        since=6,
    )


class Classify(WholeTextTask):
    """Give a text a label."""

    network: ClassVar[str] = "classifier"
    unit: ClassVar[str] = "label"
    loss: ClassVar[str] = "nats_per_label"
    commands: ClassVar[tuple[str, ...]] = ("classify", "eval accuracy")
    config_type = ClassifyConfig
    recipe: ClassVar[Mapping[str, Any] | None] = RECIPE

    def weigh(self, examples: LabelledExamples) -> LabelledExamples:
        """The examples with the weights of their labels, of mean 1 over the training split."""
        own = self.config.task.own
        assert isinstance(own, ClassifyConfig)
        labels = len(examples.vocabulary.labels)
        counts_L = np.bincount(examples.train.targets_D, minlength=labels)
        weight_L = (1 / np.maximum(counts_L, 1)) ** POWERS[own.balance]
        return replace(examples, weight_L=weight_L * counts_L.sum() / (weight_L * counts_L).sum())

    def guess_loss(self, vocabulary: Vocabulary) -> float:
        """That of the uniform distribution over labels."""
        return math.log(len(vocabulary.labels))

    def validate(self, engine: Engine, examples: Examples) -> Validation:
        """Errors first, then nats."""
        from charlm.data.examples import LabelledExamples
        from charlm.nn.readout import log_softmax_
        from charlm.tasks.label_counts import count_labels
        from charlm.tasks.whole_texts import predict_part

        assert isinstance(examples, LabelledExamples)
        part, labels = examples.validated, len(examples.vocabulary.labels)
        log_probs_DL = log_softmax_(predict_part(engine.predictor(), part))
        found = count_labels(part.targets_D, log_probs_DL, labels)
        figures = {"val_accuracy": found.accuracy, "val_macro_f1": found.macro_f1}
        return Validation(found.nats, 1 - found.accuracy, figures)

    def show(self, engine: Engine, examples: Examples, seed: int) -> str:
        """The labels of a few texts of the validation split."""
        from charlm.data.examples import LabelledExamples
        from charlm.tasks.whole_texts import predict_part

        assert isinstance(examples, LabelledExamples)
        part, labels = self.draw(examples, seed), examples.vocabulary.labels
        best_D = predict_part(engine.predictor(), part).argmax(axis=1).tolist()
        known = [*labels, "a label that training never saw"]
        return "\n".join(
            f"{text}: {labels[best]}" + ("" if best == target else f", not {known[target]}")
            for text, best, target in zip(part.texts, best_D, part.targets_D.tolist(), strict=True)
        )
