"""What tasks from a whole text to one target share: labelled examples, and the outputs of a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.base.errors import UsageError
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.config import CorpusConfig, TrainingConfig, flag
from charlm.data.buckets import AT_ONCE
from charlm.data.examples import LabelledExamples, LabelledPart, divide_examples, encode_texts, read_examples
from charlm.data.labels import guess_mode, preprocess_examples
from charlm.data.reading.sources import Source
from charlm.data.reload import CorpusSearch, StoredCorpus, reload_texts
from charlm.data.split_examples import with_default_split
from charlm.data.vocabulary import Vocabulary
from charlm.engines.numpy.predictor import Predictor
from charlm.engines.threads import ThreadPool
from charlm.models.base import BaseModel
from charlm.nn.readout import check_numbers
from charlm.runs.run import Run
from charlm.tasks.task import Task

SHOWN = 3  # examples that are shown during training


class WholeTextTask(Task):
    """A task whose examples are texts with a target each."""

    is_number = False

    @classmethod
    def sizes(cls, vocab_size: int, labels: int) -> tuple[int, int]:
        """One more symbol is read: one that training never saw."""
        return vocab_size + 1, labels or 1

    def complete(self, source: Source) -> TrainingConfig:
        """The settings, with how the source is labelled and split, where that is not given."""
        config = self.config
        for name in ("lines", "delimiter"):
            if getattr(config.corpus, name):
                raise UsageError(f"{flag(name)} belongs to --task predict: leave it out with {self._named}")
        foreign = dict.fromkeys(("tied", "adaptive_softmax"), "has no output layer of characters")
        for name, why in {**foreign, "residual": "joins no layers"}.items():
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
        return self.weigh(read_examples(source, self.config, self.config.task.labels, progress))

    def reload(
        self,
        known: StoredCorpus,
        vocabulary: Vocabulary,
        search: CorpusSearch,
        progress: Progress | None = None,
    ) -> LabelledExamples:
        """The labelled texts of a stored run."""
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


def reload_examples(
    known: StoredCorpus,
    config: TrainingConfig,
    vocabulary: Vocabulary,
    search: CorpusSearch,
    progress: Progress | None = None,
) -> LabelledExamples:
    """The labelled texts of a stored run, each distinct pair once."""
    prepared, val_corpus = reload_texts(known, config, search, progress)
    return divide_examples(prepared, config, config.task.labels, vocabulary, val_corpus)


def predict_part(predictor: Predictor, part: LabelledPart) -> Floats:
    """The network's outputs for every example (D, L).

    Raises:
        DivergenceError: an output is not finite.
    """
    outputs: list[Floats] = []
    order: list[int] = []
    for numbers, batch in part.batches(AT_ONCE).in_order():
        outputs.append(predictor(batch)[: len(numbers)])
        order += numbers.tolist()
    outputs_DL = np.concatenate(outputs)
    check_numbers(outputs_DL)
    found_DL = np.empty_like(outputs_DL)
    found_DL[order] = outputs_DL
    return found_DL


@dataclass(frozen=True)
class TextReader:
    """A trained network of whole texts, with what it needs to read them."""

    network: BaseModel
    vocabulary: Vocabulary
    corpus: CorpusConfig

    @classmethod
    def of(cls, run: Run) -> TextReader:
        """A run's network.

        Raises:
            RunError: the weights are missing or unreadable.
        """
        return cls(run.load_model(), run.vocabulary, run.config.corpus)

    def prepare(self, texts: Sequence[str]) -> list[str]:
        """Texts as their symbols, without white space at the ends."""
        return preprocess_examples(texts, self.corpus)

    def outputs(self, texts: Sequence[str], pool: ThreadPool | None = None) -> Floats:
        """The network's outputs for every text (D, L); an empty text gets those of no input."""
        symbols = self.prepare(texts)
        sequences = encode_texts(symbols, self.vocabulary)
        full = np.flatnonzero(sequences.lengths_D)
        found_DL = np.tile(self.network.params["readout.b_y"], (len(texts), 1))
        if len(full):
            part = LabelledPart(
                [symbols[number] for number in full.tolist()],
                sequences.take(full),
                np.zeros(len(full), np.int64),
            )
            found_DL[full] = predict_part(Predictor(self.network, pool), part)
        return found_DL

    def regress(self, texts: Sequence[str], pool: ThreadPool | None = None) -> npt.NDArray[np.float64]:
        """The number of every text (D,), in the data's unit; of a run with ``--task regress``."""
        assert self.vocabulary.scale is not None
        mean, deviation = self.vocabulary.scale
        return self.outputs(texts, pool)[:, 0].astype(np.float64) * deviation + mean

    def count_unknown(self, text: str) -> int:
        """How many symbols of a text training never saw."""
        return self.vocabulary.count_unknown(*self.prepare([text]))
