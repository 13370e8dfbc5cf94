"""A language model whose first input is a label: under one label it is a plain language model.

The label's start symbol is read in the place of the end of a document, so under a label the model is that whose
input row of the end is the start symbol's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.errors import CorpusError, UsageError
from charlm.base.progress import Progress
from charlm.base.random import make_generator
from charlm.base.suggest import did_you_mean
from charlm.data.encoded import EncodedText
from charlm.data.labelled_text import LabelledText
from charlm.engines.base import Network
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel, load_run
from charlm.inference.scoring import Scores, Tally, tally_of
from charlm.models.char_rnn import Model
from charlm.nn.embedding import make_encoding
from charlm.nn.readout import output_weights
from charlm.runs.run import Run


class LabelledSample(str):
    """A sample that knows the label it was drawn under."""

    label: str

    @classmethod
    def of(cls, text: str, label: str) -> LabelledSample:
        """A sample with its label."""
        sample = cls(text)
        sample.label = label
        return sample


@dataclass(frozen=True)
class ConditionedModel(LanguageModel):
    """A language model with a start symbol for each label.

    What it samples without a label is drawn under labels by their shares in training. It scores labelled texts.
    """

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order."""
        return self.vocabulary.labels

    @property
    def log_prior_L(self) -> npt.NDArray[np.float64]:
        """The log-share of each label in training (L,), in nats."""
        counts_L = np.array(self.vocabulary.label_counts, np.float64)
        log_prior_L: npt.NDArray[np.float64] = np.log(counts_L / counts_L.sum())
        return log_prior_L

    def under(self, label: str) -> LanguageModel:
        """The language model under a label.

        Raises:
            UsageError: there is no such label.
        """
        if label not in self.labels:
            meant = did_you_mean(label, self.labels) or f"; there are: {', '.join(self.labels)}"
            raise UsageError(f"no label is called {label!r}{meant}")
        vocabulary = dataclasses.replace(self.vocabulary, labels=(), label_counts=())
        network = _fix_start(self.network, self.vocabulary.end, self.labels.index(label))
        return LanguageModel(network, vocabulary, self.training_characters, self.corpus, device=self.device)

    def stream(self, **settings: Any) -> Iterator[list[str]]:
        """Draw one sample character by character, under its ``label`` or a drawn one; several need a label."""
        label = settings.pop("label", None)
        if label is None:
            (label,) = self.draw_labels(1, settings.get("seed", 1))
        return self.under(label).stream(**settings)

    def samples(self, num: int, **settings: Any) -> list[str]:
        """Draw several samples, each under the ``label`` or a drawn one."""
        given, seed = settings.pop("label", None), settings.get("seed", 1)
        labels = self.draw_labels(num, seed) if given is None else [given] * num
        drawn = {
            label: iter(self.under(label).samples(labels.count(label), **settings))
            for label in dict.fromkeys(labels)
        }
        return [LabelledSample.of(next(drawn[label]), label) for label in labels]

    def draw_labels(self, num: int, seed: int) -> list[str]:
        """Labels by their shares in training."""
        rng = make_generator(seed, "labels")
        return [self.labels[number] for number in rng.choice(len(self.labels), num, p=np.exp(self.log_prior_L))]

    def tally(self, network: Network, part: EncodedText, progress: Progress | None = None) -> Tally:
        """A labelled text's sums, in the calling thread."""
        return tally_of(self._score_by_label(None, part))

    def tally_with(self, pool: ThreadPool, part: EncodedText, progress: Progress | None = None) -> Tally:
        """A labelled text's sums."""
        return tally_of(self._score_by_label(pool, part))

    def score_stretches_with(
        self, pool: ThreadPool, part: EncodedText, progress: Progress | None = None
    ) -> Iterator[Scores]:
        """Score a labelled text, one label after the other."""
        return self._score_by_label(pool, part)

    def _score_by_label(self, pool: ThreadPool | None, part: EncodedText) -> Iterator[Scores]:
        if not isinstance(part, LabelledText):
            raise CorpusError(
                "the text has no labels", hint="give a split of the run's own corpus, or one --label"
            )
        for label, own in part.by_label():
            model = self.under(self.labels[label])
            yield from model._score_stretches(model.open(pool), own, None)


def _fix_start(network: Model, end: int | None, label: int) -> Model:
    """A network that reads a label's start symbol in the place of the end."""
    config, symbols = network.config, network.vocab_size
    table = make_encoding(config).full_name("embedding" if config.encoding == "embedding" else "W_xh")
    # A tied embedding is copied for the output layer, whose row of the end stays as it is.
    fixed = Model(dataclasses.replace(config, tied=False), symbols)
    outputs = dict(zip(("readout.W_hy", "readout.W_c"), output_weights(network.params), strict=True))
    for name, values in fixed.params.items():
        if name == table:
            values[:] = network.params[table][:symbols]
            values[end] = network.params[table][symbols + label]
        else:
            values[:] = outputs[name] if name in outputs else network.params[name]
    return fixed


def load_model(run: Run, label: str | None = None, mix: bool | None = False) -> LanguageModel:
    """A run's language model, under a label if one is given; ``mix`` is as in ``LanguageModel.mixing``.

    Raises:
        UsageError: there is no such label, or no n-gram model to mix.
        RunError: the run is not a language model, or the weights are missing or unreadable.
    """
    if not run.vocabulary.labels or run.config.task.kind.network != "char-rnn":
        if label is not None:
            raise UsageError(f"{run.name} is no language model with labels: leave out --label")
        return load_run(run, mix)
    network = run.load_model()
    assert isinstance(network, Model)
    characters = run.corpus.training_characters
    model = ConditionedModel(network, run.vocabulary, characters, run.config.corpus).mixing(mix)
    return model if label is None else model.under(label)
