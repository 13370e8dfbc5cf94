"""Batches for a network that sees a text from both sides.

A window of T targets has ``BEYOND`` more characters after it, which are only read backward, so that its last
targets have a right side too. Nothing is read across the end of a document, nor of the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.config import DataConfig
from charlm.data.alphabet import split_blocks
from charlm.data.batches import Batch
from charlm.data.corpus import Corpus
from charlm.data.permutation import Integers
from charlm.data.windows import Batcher, SequentialBatcher, ShuffledBatcher, VariableLengthBatcher

BEYOND = 16


class TwoSidedBatcher(Batcher):
    """Cuts ids into batches of the characters from the one before the first target to those beyond the last.

        text_SB         characters, S = T + 1 + BEYOND: target t is row t + 1
        target_mask_TB  where there is a target: not at an end of a document, which is always given
        carry_TB        False where the forward state is reset before row t; omitted if nowhere
        back_carry_RB   False where the backward state is reset before row t + 2; omitted if nowhere

    >>> batcher = TwoSidedSequential(np.arange(20, dtype=np.uint8), seq_len=4, batch_size=1)
    >>> batch = next(batcher.epoch(np.random.default_rng(0)))
    >>> batch["text_SB"][:, 0].tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 1]
    """

    @cached_property
    def targets_per_epoch(self) -> int:
        """The characters after the first that are no ends of documents; of a plain text, without its last."""
        if self._end is None:
            return max(self._count - 1, 1)
        return self._count + 1 - sum(int(self._is_end(block).sum()) for block in split_blocks(self._ids))

    def _is_end(self, ids: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        ends: npt.NDArray[np.bool_] = (ids if self._table is None else self._table[ids]) == self._end
        return ends

    def _batch(self, starts_B: Integers, lengths_B: Integers, steps: int, resets_state: bool) -> Batch:
        """Gather columns that start at these targets; the text is a circle, whose seam nothing is read across."""
        last = self._count
        places_SB = (starts_B + np.arange(-1, steps + BEYOND)[:, None]) % last + 1
        places_SB[0] = starts_B % last
        text_SB = self._gather(places_SB)
        mask_TB = np.arange(steps)[:, None] < lengths_B
        if self._end is None:
            is_start_SB = places_SB <= 1
            is_start_SB[1:] &= places_SB[:-1] == last
            is_start_SB[0] = places_SB[0] == 0
            is_last_SB = places_SB == last
            mask_TB &= ~(is_start_SB | is_last_SB)[1 : steps + 1]
        else:
            is_start_SB = is_last_SB = text_SB == self._end
            mask_TB &= ~is_last_SB[1 : steps + 1]
        fields: dict[str, npt.NDArray[Any]] = {"text_SB": text_SB, "target_mask_TB": mask_TB}
        if is_start_SB[int(resets_state and self._end is None) : steps].any():
            fields["carry_TB"] = ~is_start_SB[:steps]
        if is_last_SB[2:].any():
            fields["back_carry_RB"] = ~is_last_SB[2:]
        # A batch of an end alone has no target; its gradient is zero.
        return Batch(fields, max(int(mask_TB.sum()), 1), resets_state)


class TwoSidedSequential(TwoSidedBatcher, SequentialBatcher):
    """Of ``--partition sequential``."""


class TwoSidedVaried(TwoSidedBatcher, VariableLengthBatcher):
    """Of ``--partition varied``."""


class TwoSidedShuffled(TwoSidedBatcher, ShuffledBatcher):
    """Of ``--partition random``."""


TWO_SIDED_BATCHERS: dict[str, type[TwoSidedBatcher]] = {
    "sequential": TwoSidedSequential,
    "varied": TwoSidedVaried,
    "random": TwoSidedShuffled,
}
"""Batchers by the value of ``--partition``."""


@dataclass(frozen=True, eq=False)
class FillCorpus(Corpus):
    """A text in which each character is predicted from those on both sides."""

    def batches(self, config: DataConfig) -> TwoSidedBatcher:
        """The batches of the training split."""
        sizes = config.seq_len, config.batch_size
        return TWO_SIDED_BATCHERS[config.partition](self.train.ids, *sizes, self.table, self.vocabulary.end)
