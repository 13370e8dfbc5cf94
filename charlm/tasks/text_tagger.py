"""Answers of trained taggers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charlm.base.arrays import Floats
from charlm.base.errors import UsageError
from charlm.config.encoder import PairsConfig
from charlm.data.buckets import AT_ONCE
from charlm.data.case import LOWER, UPPER, apply_case, lowered
from charlm.data.labels import SPACE, preprocess_examples
from charlm.data.pairs import PairsPart, make_pairs
from charlm.data.tags import tag_batches
from charlm.engines.numpy.predictor import Predictor
from charlm.engines.threads import ThreadPool
from charlm.models.base import BaseModel
from charlm.nn.readout import check_numbers, log_softmax_
from charlm.runs.run import Run


@dataclass(frozen=True)
class Tagged:
    """A text's characters, without white space at its ends, with their tags and their probabilities."""

    text: str
    tags: tuple[str, ...]
    probabilities: tuple[float, ...]
    unknown: int


@dataclass(frozen=True)
class TextTagger:
    """A network of ``--task tag``."""

    run: Run
    network: BaseModel

    @classmethod
    def of(cls, run: Run) -> TextTagger:
        """A run's network.

        Raises:
            RunError: the weights are missing or unreadable.
        """
        return cls(run, run.load_model())

    def tag(self, texts: Sequence[str]) -> list[list[str]]:
        """The tag of every character of every text; white space at the ends of a text has none."""
        return [list(each.tags) for each in self.tag_texts(texts)]

    def tag_texts(self, texts: Sequence[str], pool: ThreadPool | None = None) -> list[Tagged]:
        """The same with probabilities."""
        own = self.run.config.task.own
        assert isinstance(own, PairsConfig)
        vocabulary = self.run.vocabulary
        symbols = preprocess_examples(texts, self.run.config.corpus)
        full = [text for text in symbols if text]
        part = make_pairs(full, ["" for _ in full], vocabulary, own.target_units)
        found = iter(log_probs_of_part(Predictor(self.network, pool), part) if full else [])
        answers = []
        for text in symbols:
            log_probs_NL = next(found) if text else np.zeros((0, len(vocabulary.target)))
            best_N = log_probs_NL.argmax(axis=1)
            tags = tuple(vocabulary.target[each] for each in best_N.tolist())
            shares = tuple(np.exp(log_probs_NL.max(axis=1)).tolist()) if text else ()
            answers.append(Tagged(text, tags, shares, vocabulary.count_unknown(text)))
        return answers

    def recase(self, texts: Sequence[str], pool: ThreadPool | None = None) -> list[str]:
        """Texts with the case that the tags U and L say.

        Raises:
            UsageError: the run has other tags.
        """
        if {*self.run.vocabulary.target} != {UPPER, LOWER}:
            shown = " ".join(self.run.vocabulary.target[:10])
            raise UsageError(f"--apply is for the tags U and L, and {self.run.name} has {shown}: leave it out")
        answers, lines = [], [lowered(text) for text in texts]
        for line, found in zip(lines, self.tag_texts(lines, pool), strict=True):
            start = len(line) - len(line.lstrip(SPACE))
            end = start + len(found.tags)
            answers.append(line[:start] + apply_case(line[start:end], "".join(found.tags)) + line[end:])
        return answers


def log_probs_of_part(predictor: Predictor, part: PairsPart) -> list[Floats]:
    """The log-probability of every tag of every character (n, L), text by text.

    Raises:
        DivergenceError: one is not finite.
    """
    found: dict[int, Floats] = {}
    for numbers, batch in tag_batches(part, AT_ONCE).in_order():
        scores_BTL = predictor(batch)
        for column, number in enumerate(numbers.tolist()):
            length = int(batch["length_B"][column])
            own_NL = scores_BTL[column, scores_BTL.shape[1] - length :].copy()
            check_numbers(own_NL)
            found[number] = log_softmax_(own_NL)
    return [found[number] for number in range(len(part))]
