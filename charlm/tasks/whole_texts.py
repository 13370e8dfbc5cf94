"""Whole texts with a target each: the examples of a stored run, and the outputs of a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.base.progress import Progress
from charlm.config import CorpusConfig, TrainingConfig
from charlm.data.buckets import AT_ONCE
from charlm.data.examples import LabelledExamples, LabelledPart, divide_examples, encode_texts
from charlm.data.labels import preprocess_examples
from charlm.data.reload import CorpusSearch, StoredCorpus, reload_texts
from charlm.data.vocabulary import Vocabulary
from charlm.engines.numpy.predictor import Predictor
from charlm.engines.threads import ThreadPool
from charlm.models.base import BaseModel
from charlm.nn.readout import check_numbers
from charlm.runs.run import Run


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
