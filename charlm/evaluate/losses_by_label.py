"""The loss of a conditioned model on the texts of each label, under the right label and under wrong ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from charlm.base.tables import Column, Table
from charlm.data.labelled_text import LabelledText
from charlm.evaluate.base import EvalCase
from charlm.inference.conditioned import ConditionedModel

COLUMNS = (
    Column("label"),
    Column("loss", ".3f"),
    Column("wrong label", ".3f"),
    Column("characters", ",d"),
    Column("bits/char", ".3f"),
)
EXPLANATION = "wrong label: the mean loss of the same texts under each of the other labels"


@dataclass(frozen=True)
class LabelLoss:
    """The losses of one label's texts, in nats/char; the second is None if there is no other label."""

    label: str
    nats_per_char: float
    wrong_label_nats_per_char: float | None
    characters: int

    @property
    def row(self) -> tuple[Any, ...]:
        """The columns."""
        return (*asdict(self).values(), self.nats_per_char / math.log(2))


@dataclass(frozen=True)
class LossesByLabel:
    """The losses of each label's texts."""

    labels: Sequence[LabelLoss]

    @classmethod
    def of(cls, case: EvalCase) -> Self | None:
        """Score a labelled text under every label; None if the model has no labels."""
        model, part = case.model, case.part
        if not isinstance(model, ConditionedModel) or not isinstance(part, LabelledText):
            return None
        networks = [model.under(label) for label in model.labels]
        losses = []
        for true, own in part.by_label():
            found = [network.tally(network.open(), own).figures for network in networks]
            wrong = [each.nats_per_char for number, each in enumerate(found) if number != true]
            mean = sum(wrong) / len(wrong) if wrong else None
            losses.append(LabelLoss(model.labels[true], found[true].nats_per_char, mean, found[true].characters))
        return cls(losses)

    @property
    def whole(self) -> LabelLoss:
        """The losses of all texts."""
        characters = sum(each.characters for each in self.labels)
        right = sum(each.nats_per_char * each.characters for each in self.labels)
        wrong = [(each.wrong_label_nats_per_char, each.characters) for each in self.labels]
        summed = sum(nats * count for nats, count in wrong if nats is not None)
        return LabelLoss("all", right / characters, summed / characters if summed else None, characters)

    def to_json(self) -> dict[str, Any]:
        """The figures by JSON name."""
        wrong = self.whole.wrong_label_nats_per_char
        return {"by_label": [asdict(each) for each in self.labels], "wrong_label_nats_per_char": wrong}

    def table(self, keys: Mapping[str, Any]) -> Table:
        """A row for each label, and one for all."""
        return Table("By label", COLUMNS, [each.row for each in (*self.labels, self.whole)], keys)
