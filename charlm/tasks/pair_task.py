"""What tasks of pairs share: how their examples are read, and which settings they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.base.errors import UsageError
from charlm.base.progress import Progress
from charlm.config import TrainingConfig, flag
from charlm.config.encoder import PairsConfig
from charlm.tasks.task import Task

if TYPE_CHECKING:
    from charlm.data.pairs import PairExamples
    from charlm.data.reading.sources import Source
    from charlm.data.reload import CorpusSearch, StoredCorpus
    from charlm.data.vocabulary import Vocabulary

FOREIGN = {
    "corpus": ("lines", "delimiter", "bytes"),
    "model": ("tied", "adaptive_softmax", "residual"),
    "task": ("labels",),
}
"""Settings by group that belong to other tasks."""


class PairTask(Task):
    """A task whose examples are pairs of a source and a target."""

    @classmethod
    def sizes(cls, vocab_size: int, labels: int) -> tuple[int, int]:
        """One more symbol is read, one that training never saw; one more is predicted, the end."""
        return vocab_size + 1, labels + 1

    @property
    def units(self) -> str:
        """The value of ``--target-units``."""
        own = self.config.task.own
        assert isinstance(own, PairsConfig)
        return own.target_units

    def complete(self, source: Source) -> TrainingConfig:
        """The settings, with the split of pairs where none is given."""
        from charlm.data.split_examples import with_default_split

        for group, names in FOREIGN.items():
            for name in names:
                if getattr(getattr(self.config, group), name):
                    task = self.config.task.task
                    raise UsageError(f"{flag(name)} belongs to other tasks: leave it out with --task {task}")
        return with_default_split(self.config)

    def read(self, source: Source, progress: Progress | None = None) -> PairExamples:
        """The pairs of a corpus."""
        from charlm.data.pairs import read_pairs

        return read_pairs(source, self.config, self.units, progress)

    def reload(
        self,
        known: StoredCorpus,
        vocabulary: Vocabulary,
        search: CorpusSearch,
        progress: Progress | None = None,
    ) -> PairExamples:
        """The pairs of a stored run."""
        from charlm.data.pairs import reload_pairs

        return reload_pairs(known, self.config, self.units, vocabulary, search, progress)
