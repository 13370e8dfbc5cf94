"""Translate texts: many symbols to many of another length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from charlm.base.random import make_generator
from charlm.config.encoder import PairsConfig, Seq2SeqConfig
from charlm.tasks.pair_task import PairTask
from charlm.tasks.task import Examples, Validation

if TYPE_CHECKING:
    from charlm.data.vocabulary import Vocabulary
    from charlm.engines.base import Engine

SHOWN = 3  # examples that are shown during training
RECIPE: Mapping[str, Any] = MappingProxyType(
    {
        "cell": "lstm", "hidden": 128, "optimizer": "adamw", "lr": 8e-3, "weight_decay": 0.02, "weight_drop": 0.0,
        "batch_size": 64, "schedule": "linear", "average": 300,
    }
)  # fmt: skip
BY_PRESET: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "tiny": {"lr": 1.2e-2, "average": 100},
        "base": {"hidden": 192, "lr": 6e-3, "average": 600},
        "large": {"hidden": 256, "lr": 4e-3, "average": 1000},
    }
)


@dataclass(frozen=True)
class TranslateConfig(Seq2SeqConfig, PairsConfig):
    """The settings of pairs, and of an encoder and a decoder."""


class Translate(PairTask):
    """Give a text another text."""

    network: ClassVar[str] = "seq2seq"
    unit: ClassVar[str] = "symbol"
    loss: ClassVar[str] = "nats_per_symbol"
    commands: ClassVar[tuple[str, ...]] = ("translate", "eval error-rate")
    config_type = TranslateConfig
    recipe: ClassVar[Mapping[str, Any] | None] = RECIPE
    by_preset: ClassVar[Mapping[str, Mapping[str, Any]]] = BY_PRESET

    def guess_loss(self, vocabulary: Vocabulary) -> float:
        """That of the uniform distribution over symbols and the end."""
        return math.log(len(vocabulary.target) + 1)

    def validate(self, engine: Engine, examples: Examples) -> Validation:
        """Wrong answers of greedy decoding first, then nats; a target with an unseen symbol is always wrong."""
        from charlm.data.pairs import PairExamples, TargetCoder
        from charlm.tasks.error_counts import count_errors
        from charlm.tasks.translator import decode_part, nats_of_part

        assert isinstance(examples, PairExamples)
        part, coder = examples.validated, TargetCoder(examples.vocabulary.target, self.units)
        predictor = engine.predictor()
        best = [hypotheses[0] for hypotheses in decode_part(predictor, part)]
        found = count_errors([each.ids for each in best], part.target_ids, [each.is_finished for each in best])
        known = part.take(np.flatnonzero(part.is_known_D(coder.unseen)))
        symbols = len(known) + int(known.targets.lengths_D.sum())
        nats = float(nats_of_part(predictor, known, coder.end).sum()) / max(symbols, 1)
        return Validation(
            nats, found.wrong, {"val_wrong": found.wrong, "val_symbol_error_rate": found.symbol_error_rate}
        )

    def show(self, engine: Engine, examples: Examples, seed: int) -> str:
        """The answers to a few sources of the validation split, or of the training split if there is none."""
        from charlm.data.pairs import PairExamples, TargetCoder
        from charlm.tasks.translator import decode_part

        assert isinstance(examples, PairExamples)
        coder = TargetCoder(examples.vocabulary.target, self.units)
        part = examples.validated if len(examples.validated) else examples.train
        rng = make_generator(self.config.budget.seed, "show", seed)
        part = part.take(rng.permutation(len(part))[:SHOWN])
        answers = [coder.decode(best.ids) for best, *_ in decode_part(engine.predictor(), part)]
        return "\n".join(
            f"{source}: {given}" + ("" if given == true else f", not {true}")
            for source, given, true in zip(part.texts, answers, part.answers, strict=True)
        )
