"""A trained model with its vocabulary: samples, and scores texts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.base.errors import RunError, UsageError
from charlm.base.progress import Progress
from charlm.config import CorpusConfig, DeviceConfig, SamplingConfig
from charlm.data.alphabet import END
from charlm.data.corpus import prepare
from charlm.data.encoded import EncodedText
from charlm.data.reading.preprocess import BYTE_ORDER_MARK
from charlm.data.reading.sources import make_source
from charlm.data.recode import Recoding
from charlm.data.vocabulary import Vocabulary
from charlm.engines.base import Network
from charlm.engines.devices import NUMPY, check_network, open_network
from charlm.engines.threads import ThreadPool
from charlm.inference.generate import all_filters, predict_next, prompt_ids, stream
from charlm.inference.mixed_network import MixedNetwork
from charlm.inference.scoring import (
    Scores,
    Tally,
    TextMetrics,
    joined,
    network_costs,
    score_stretches,
    tally_of,
    text_metrics,
)
from charlm.models.char_rnn import Model
from charlm.models.ngram.mixture import NgramMixture
from charlm.runs.run import Run


@dataclass(frozen=True)
class LanguageModel:
    """A character-level language model.

    The number of training characters sets the loss of an unknown one. With a ``mixture``, its n-gram model
    is mixed with the network in all that it predicts; ``mix=False`` leaves it out. The network is computed on
    ``device``.
    """

    network: Model
    vocabulary: Vocabulary
    training_characters: int
    corpus: CorpusConfig = dataclasses.field(default_factory=CorpusConfig)
    mixture: NgramMixture | None = None
    device: DeviceConfig = NUMPY

    def on(self, device: DeviceConfig) -> Self:
        """The model on another engine or device.

        Raises:
            UsageError: the engine lacks its cell.
        """
        check_network(device, self.network.config)
        return dataclasses.replace(self, device=device)

    @property
    def is_mixed(self) -> bool:
        """Whether its n-gram model is mixed in."""
        return self.mixture is not None

    def mixing(self, mix: bool | None) -> Self:
        """The model with its n-gram model (True), without (False), or with it if there is one (None).

        Raises:
            UsageError: there is none to mix.
        """
        if mix and self.mixture is None:
            raise UsageError(
                "the run has no n-gram model to mix",
                hint="add one with charlm train --resume RUN --ngram 8, or leave it out",
            )
        return dataclasses.replace(self, mixture=None) if mix is False else self

    def sample(self, len: int = 500, **settings: Any) -> str:
        """Continue a prompt by at most ``len`` characters, or to its document's end.

        The settings are ``prompt``, ``temperature``, ``top_k``, ``top_p``, ``min_p``, ``stop``, ``seed``
        and ``mix``.

        Raises:
            UsageError: a setting is unknown or outside its limits.
            VocabularyError: the prompt holds an unknown character.
        """
        return self.samples(len=len, **(settings | {"num": 1}))[0]

    def read_prompt(self, prompt: str) -> str:
        """A prompt, changed as the model's corpus was."""
        prompt = prompt if self.knows(BYTE_ORDER_MARK) else prompt.removeprefix(BYTE_ORDER_MARK)
        if self.corpus.lines or not self.knows("\r"):
            prompt = prompt.replace("\r\n", "\n")
        return self.corpus.changed(prompt)

    def split_unknown(self, prompt: str) -> tuple[str, list[str]]:
        """A prompt without the characters that are no symbols, and those characters, each once."""
        prompt = self.read_prompt(prompt)
        end = self.corpus.document_end or ""
        unknown = [letter for letter in dict.fromkeys(prompt) if not self.knows(letter) and letter not in end]
        return "".join(letter for letter in prompt if letter not in unknown), unknown

    def knows(self, character: str) -> bool:
        """Whether a character is a symbol."""
        return bool(self.vocabulary.encode_known(character)[1].all())

    def samples(self, num: int, **settings: Any) -> list[str]:
        """Draw several samples as one batch."""
        prompt = self.read_prompt(settings.get("prompt", ""))
        columns = list(self.stream(num=num, **settings))
        return [prompt + "".join(column[number] for column in columns) for number in range(num)]

    def stream(self, **settings: Any) -> Iterator[list[str]]:
        """Draw samples character by character."""
        model = self.mixing(settings.pop("mix", None))
        names = {field.name for field in dataclasses.fields(SamplingConfig)}
        config = SamplingConfig(**{name: value for name, value in settings.items() if name in names})
        filters = all_filters({name: value for name, value in settings.items() if name not in names})
        config = dataclasses.replace(
            config,
            prompt=self._context(config.prompt),
            stop=None if config.stop is None else self.corpus.changed(config.stop),
        )
        return stream(model.open(), self.vocabulary, filters, config)

    def next(self, text: str = "", k: int = 5, mix: bool | None = None) -> list[tuple[str, float]]:
        """The k likeliest next characters after a text, each with its probability, likeliest first.

        The end of a document is its line feed or delimiter, a byte above 0x7F ``<0xC3>``, ``<unk>`` U+FFFD.

        Raises:
            UsageError: k is less than 1.
            VocabularyError: the text holds an unknown character.
        """
        if k < 1:
            raise UsageError(f"k is {k}: it must be at least 1")
        likely_V = predict_next(self.mixing(mix).open(), prompt_ids(self.vocabulary, self._context(text)))
        names = (
            (self.vocabulary.name_of(code), code) for code in np.argsort(-likely_V, kind="stable")[:k].tolist()
        )
        return [
            (self.corpus.document_end or name if name == END else name, float(likely_V[code]))
            for name, code in names
        ]

    def _context(self, prompt: str) -> str:
        """What a model reads of a prompt: documents know nothing of one another."""
        prompt, end = self.read_prompt(prompt), self.corpus.document_end
        return prompt if end is None else prompt.rpartition(end)[2]

    def surprisal(self, text: str | PathLike[str], mix: bool | None = None) -> npt.NDArray[np.float64]:
        """The surprisal of each character of a text after the first (N - 1,), in bits."""
        bits_N: npt.NDArray[np.float64] = self.score(text, mix=mix).costs_nats / math.log(2)
        return bits_N

    def score(
        self, text: str | PathLike[str], progress: Progress | None = None, mix: bool | None = None
    ) -> Scores:
        """The loss of each character of a text after the first.

        Raises:
            CorpusError: the text has fewer than two characters, or cannot be read.
        """
        with ThreadPool() as pool:
            return self.mixing(mix).score_with(pool, text, progress)

    def score_with(
        self, pool: ThreadPool, text: str | PathLike[str] | EncodedText, progress: Progress | None = None
    ) -> Scores:
        """Score a text on running threads."""
        part = text if isinstance(text, EncodedText) else self.part_of(text)
        return joined(self.score_stretches_with(pool, part, progress))

    def tally_with(self, pool: ThreadPool, part: EncodedText, progress: Progress | None = None) -> Tally:
        """A text's sums, in bounded memory."""
        return self.tally(self.open(pool), part, progress)

    def tally(self, network: Network, part: EncodedText, progress: Progress | None = None) -> Tally:
        """The same, with an open network."""
        return tally_of(self._score_stretches(network, part, progress))

    def score_stretches_with(
        self, pool: ThreadPool, part: EncodedText, progress: Progress | None = None
    ) -> Iterator[Scores]:
        """Score a text stretch by stretch."""
        return self._score_stretches(self.open(pool), part, progress)

    def _score_stretches(
        self, network: Network, part: EncodedText, progress: Progress | None
    ) -> Iterator[Scores]:
        costs = network_costs(network, progress, self.vocabulary.end, len(part) - 1)
        return score_stretches(part, self.vocabulary, self.training_characters, costs)

    def open(self, pool: ThreadPool | None = None) -> Network:
        """The network on a pool's threads, or the calling one; mixed if there is a mixture."""
        network = open_network(self.network, pool, self.device)
        return network if self.mixture is None else MixedNetwork(network, self.mixture)

    def part_of(self, text: str | PathLike[str]) -> EncodedText:
        """Read a text, a file or a folder as the corpus was read.

        Raises:
            CorpusError: it is empty, or cannot be read.
        """
        if isinstance(text, str):
            return EncodedText.of_text(text, self.corpus)
        return EncodedText.of(prepare(make_source(text, self.corpus.glob), self.corpus))

    def read(self, part: EncodedText) -> tuple[TokenIds, npt.NDArray[np.bool_]]:
        """The ids that the model reads (K,), and which of all characters those are (N,)."""
        return Recoding.of(self.vocabulary, part.alphabet, self.training_characters).read(part.ids)

    def perplexity(self, text: str | PathLike[str], mix: bool | None = None) -> TextMetrics:
        """A text's metrics."""
        return text_metrics(self.score(text, mix=mix))


def load_run(run: Run, mix: bool | None = False) -> LanguageModel:
    """A run's model, by default with the best weights and without its n-gram model; ``mix`` is as in ``mixing``.

    Raises:
        RunError: the run is not a language model, or the weights are missing or unreadable.
        UsageError: there is no n-gram model to mix.
    """
    if run.vocabulary.labels and run.config.task.kind.network == "char-rnn":
        raise RunError(f"{run.name} reads a label first: see charlm sample --label and charlm classify")
    network = run.load_model()
    if not isinstance(network, Model):
        task = run.config.task
        raise RunError(
            f"{run.name} is of --task {task.task}, not a language model: see charlm {task.commands[0]}"
        )
    mixture = None if mix is False else run.load_mixture()
    characters, corpus = run.corpus.training_characters, run.config.corpus
    return LanguageModel(network, run.vocabulary, characters, corpus, mixture).mixing(mix)
