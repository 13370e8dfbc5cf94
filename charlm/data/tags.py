"""Tagged texts: pairs whose target has a tag for each character of the source."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.config import CorpusConfig, DataConfig
from charlm.data.batches import Batch
from charlm.data.buckets import LengthBatches
from charlm.data.labels import read_lines, split_at_tab
from charlm.data.pairs import PairExamples, PairsPart, split_target
from charlm.data.permutation import Integers
from charlm.data.reading.preprocess import preprocess_text
from charlm.data.reading.sources import Source


class TagBatches(LengthBatches):
    """Batches of texts with a target for each character."""

    @property
    def targets_per_epoch(self) -> int:
        """The number of characters."""
        return int(self._sequences.lengths_D.sum())

    @property
    def most_targets(self) -> int:
        """The batch size, times the longest text."""
        return self._batch_size * self.longest


class TagExamples(PairExamples):
    """Tagged texts in their splits."""

    def batches(self, config: DataConfig) -> LengthBatches:
        """The batches of the training split."""
        return tag_batches(self.train, config.batch_size)


def tag_batches(part: PairsPart, batch_size: int) -> TagBatches:
    """Batches of fields ``x_TB`` and ``y_TB``, padded in front, and ``length_B``."""

    def make(numbers_B: Integers, steps: int) -> Batch:
        length_B = part.sequences.lengths_of(numbers_B)
        fields: dict[str, npt.NDArray[Any]] = {
            "x_TB": part.sequences.pad_front(numbers_B, steps),
            "length_B": length_B,
            "y_TB": part.targets.pad_front(numbers_B, steps),
        }
        return Batch(fields, int(length_B.sum()), resets_state=True)

    return TagBatches(part.sequences, batch_size, make)


def check_tags(part: PairsPart, source: Source, config: CorpusConfig, units: str) -> None:
    """Check that every text has as many tags as characters.

    Raises:
        CorpusError: names the first line that has not.
    """
    if np.array_equal(part.sequences.lengths_D, part.targets.lengths_D):
        return
    for member in source.files:
        for number, line in enumerate(read_lines(member), start=1):
            where = f"{member.label}, line {number}"
            text, tags = split_at_tab(line, where, "tags")
            characters, given = len(preprocess_text(text, config)), len(split_target(tags, units))
            if characters != given:
                own = "words, with --target-units words" if units != "words" else "words between spaces"
                raise CorpusError(
                    f"{where} has {counted(characters, 'characters')} and {counted(given, 'tags')}",
                    hint=f"write a tag for each character, blanks included; tags can be {own}",
                )
