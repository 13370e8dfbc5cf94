"""The base of tasks with one target per text: reading examples, and refusing settings of other tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from charlm.base.errors import UsageError
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.config import TrainingConfig, flag
from charlm.tasks.task import Task

if TYPE_CHECKING:
    from charlm.data.examples import LabelledExamples, LabelledPart
    from charlm.data.reading.sources import Source
    from charlm.data.reload import CorpusSearch, StoredCorpus
    from charlm.data.vocabulary import Vocabulary

SHOWN = 3  # examples that are shown during training


class WholeTextTask(Task):
    """A task whose examples are texts with a target each."""

    is_number = False

    @classmethod
    def sizes(cls, vocab_size: int, labels: int) -> tuple[int, int]:
        """The input has one more symbol: for characters that training never saw."""
        return vocab_size + 1, labels or 1

    def complete(self, source: Source) -> TrainingConfig:
        """The settings, with how the source is labelled and split, where that is not given."""
        from charlm.data.labels import guess_mode
        from charlm.data.split_examples import with_default_split

        config = self.config
        for name in ("lines", "delimiter"):
            if getattr(config.corpus, name):
                raise UsageError(f"{flag(name)} belongs to --task predict: leave it out with {self._named}")
        foreign = dict.fromkeys(("tied", "adaptive_softmax"), "has no output layer of characters")
        for name, why in {**foreign, "residual": "has no residual connections"}.items():
            if getattr(config.model, name):
                raise UsageError(f"{flag(name)} belongs to --task predict, since {self._named} {why}")
        mode = config.task.labels or guess_mode(source, self.is_number)
        if (mode == "number") != self.is_number:
            wanted = "regress" if mode == "number" else "classify"
            raise UsageError(f"--labels {mode} belongs to --task {wanted}: leave it out with {self._named}")
        return with_default_split(replace(config, task=replace(config.task, labels=mode)))

    @property
    def _named(self) -> str:
        return f"--task {self.config.task.task}"

    def read(self, source: Source, progress: Progress | None = None) -> LabelledExamples:
        """The labelled texts of a corpus."""
        from charlm.data.examples import read_examples

        return self.weigh(read_examples(source, self.config, self.config.task.labels, progress))

    def reload(
        self,
        known: StoredCorpus,
        vocabulary: Vocabulary,
        search: CorpusSearch,
        progress: Progress | None = None,
    ) -> LabelledExamples:
        """The labelled texts of a stored run."""
        from charlm.tasks.whole_texts import reload_examples

        return self.weigh(reload_examples(known, self.config, vocabulary, search, progress))

    def draw(self, examples: LabelledExamples, seed: int) -> LabelledPart:
        """A few neighboring examples of the validation split, or of the training split if there is none."""
        part = examples.validated if len(examples.validated) else examples.train
        rng = make_generator(self.config.budget.seed, "show", seed)
        start = int(rng.integers(max(len(part) - SHOWN, 1)))
        return part[start : start + SHOWN]

    def weigh(self, examples: LabelledExamples) -> LabelledExamples:
        """The examples, with the weights of their labels, if any."""
        return examples
