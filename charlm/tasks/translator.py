"""Answers of trained encoders and decoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.base.errors import UsageError
from charlm.base.tables import Matrix
from charlm.config.encoder import BEAM, PairsConfig
from charlm.data.batches import Batch
from charlm.data.buckets import AT_ONCE
from charlm.data.labels import preprocess_examples
from charlm.data.pairs import PairsPart, TargetCoder, make_pairs, split_target
from charlm.engines.numpy.predictor import Predictor
from charlm.engines.threads import ThreadPool
from charlm.inference.decoding import Hypothesis, decode
from charlm.models.seq2seq import Seq2Seq, Seq2SeqBuffers
from charlm.nn.readout import check_numbers
from charlm.runs.run import Run


@dataclass(frozen=True)
class Translation:
    """An answer to a source, and its log-probability in nats.

    An answer that is not ``is_finished`` was cut; ``unknown`` counts the characters that training never saw.
    """

    source: str
    text: str
    log_prob: float
    is_finished: bool
    unknown: int


@dataclass(frozen=True)
class AttentionMap:
    """The weights (T, S) of the symbols of a source for each symbol of its answer, the end included."""

    source: Sequence[str]
    answer: Sequence[str]
    weights_TS: Floats

    def matrix(self) -> Matrix:
        """The weights in percent, with a blank as an open box."""
        source, answer = (["\N{OPEN BOX}" if each == " " else each for each in self.source], self.answer)
        percent = np.rint(100 * self.weights_TS).astype(int).tolist()
        title = f"Attention to {''.join(self.source)}"
        return Matrix(title, "answer", "source", answer, source, percent)


@dataclass(frozen=True)
class Translator:
    """A trained network of ``--task translate``."""

    run: Run
    network: Seq2Seq

    @classmethod
    def of(cls, run: Run) -> Translator:
        """A run's network.

        Raises:
            RunError: the weights are missing or unreadable.
        """
        network = run.load_model()
        assert isinstance(network, Seq2Seq)
        return cls(run, network)

    @property
    def coder(self) -> TargetCoder:
        """The symbols of the targets."""
        own = self.run.config.task.own
        assert isinstance(own, PairsConfig)
        return TargetCoder(self.run.vocabulary.target, own.target_units)

    def translate(self, texts: Sequence[str], beam: int = BEAM) -> list[str]:
        """The likeliest target of every source; an empty one has an empty answer."""
        return [best.text for best, *_ in self.rank(texts, beam)]

    def rank(
        self, texts: Sequence[str], beam: int = BEAM, count: int = 1, pool: ThreadPool | None = None
    ) -> list[list[Translation]]:
        """The ``count`` likeliest targets of every source, at most ``beam``, the best first.

        White space at the ends of a source does not count.
        """
        symbols = preprocess_examples(texts, self.run.config.corpus)
        full = [number for number, text in enumerate(symbols) if text]
        part = self._part([symbols[number] for number in full])
        found = [[Hypothesis((), 0.0, is_finished=True)] for _ in texts]
        for number, hypotheses in zip(
            full, decode_part(Predictor(self.network, pool), part, beam, count), strict=True
        ):
            found[number] = hypotheses
        unknown = map(self.run.vocabulary.count_unknown, symbols)
        return [
            [
                Translation(text, self.coder.decode(each.ids), each.log_prob, each.is_finished, count)
                for each in own
            ]
            for text, own, count in zip(texts, found, unknown, strict=True)
        ]

    def attend(self, text: str, answer: str) -> AttentionMap:
        """The attention of an answer's symbols, and its end, to a source's.

        Raises:
            UsageError: the network has no attention, or the source is empty.
        """
        if self.network.attention is None:
            raise UsageError(f"{self.run.name} has no attention: train a run with --attention dot")
        (source,) = preprocess_examples([text], self.run.config.corpus)
        if not source:
            raise UsageError("the text is empty: give one to attend to")
        part = make_pairs([source], [answer], self.run.vocabulary, self.coder.units)
        ((_, batch),) = part.batches(1, self.coder.end).in_order()
        weights_BTS = self.network.weights(
            batch, self.network.buffers(max(batch["x_SB"].size, batch["y_TB"].size), 1)
        )
        return AttentionMap(
            group_symbols(source, 2**self.network.encoder.halvings),
            [*split_target(answer, self.coder.units), "end"],
            weights_BTS[0],
        )

    def _part(self, symbols: Sequence[str]) -> PairsPart:
        return make_pairs(symbols, [""] * len(symbols), self.run.vocabulary, self.coder.units)


def decode_part(predictor: Predictor, part: PairsPart, beam: int = 1, count: int = 1) -> list[list[Hypothesis]]:
    """The ``count`` likeliest targets of every source, at most ``beam``, the best first.

    Raises:
        DivergenceError: an output is not finite.
    """
    found: list[list[Hypothesis]] = [[] for _ in range(len(part))]
    for numbers, batch in part.batches(AT_ONCE, end=0).in_order():
        parts = predictor.each(batch, partial(_decode, beam=beam, count=count))
        for number, hypotheses in zip(numbers.tolist(), (each for own in parts for each in own), strict=False):
            found[number] = hypotheses
    return found


def _decode(
    model: Seq2Seq, batch: Batch, buffers: Seq2SeqBuffers, beam: int, count: int
) -> list[list[Hypothesis]]:
    return decode(model, batch, buffers, beam, count)


def nats_of_part(predictor: Predictor, part: PairsPart, end: int) -> npt.NDArray[np.float64]:
    """The loss of every target and its end, in nats (D,); of targets that training knows all symbols of.

    Raises:
        DivergenceError: an output is not finite.
    """
    nats_D = np.empty(len(part))
    for numbers, batch in part.batches(AT_ONCE, end).in_order():
        nats_D[numbers] = predictor(batch)[: len(numbers)].sum(axis=1, dtype=np.float64)
    check_numbers(nats_D)
    return nats_D


def group_symbols(source: str, size: int) -> list[str]:
    """The symbols that one step of an encoder's outputs stands for, counted from the end.

    >>> group_symbols("phone", 2)
    ['p', 'ho', 'ne']
    """
    first = len(source) % size or size
    return [source[:first], *(source[start : start + size] for start in range(first, len(source), size))]
