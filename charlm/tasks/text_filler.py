"""Filling blanks with a network that sees both sides: the surest first, which the others then read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.base.errors import UsageError
from charlm.config.task import BLANK
from charlm.data.reading.preprocess import preprocess_text
from charlm.engines.threads import ThreadPool
from charlm.inference.two_sided import TwoSidedModel
from charlm.nn.readout import check_numbers, log_softmax_
from charlm.runs.run import Run

SHOWN = 40  # characters of a text that a message quotes


@dataclass(frozen=True)
class FilledBlank:
    """A blank's place in its text, from 0, and characters with their probabilities, the likeliest first."""

    position: int
    candidates: tuple[tuple[str, float], ...]

    @property
    def character(self) -> str:
        """The character that fills it."""
        return self.candidates[0][0]

    @property
    def probability(self) -> float:
        """Its probability."""
        return self.candidates[0][1]


@dataclass(frozen=True)
class FilledText:
    """A text with its blanks filled; ``unknown`` counts the characters that training never saw."""

    text: str
    blanks: tuple[FilledBlank, ...]
    unknown: int


@dataclass(frozen=True)
class TextFiller:
    """Fills the blanks of texts."""

    model: TwoSidedModel

    @classmethod
    def of(cls, run: Run) -> TextFiller:
        """A run's network.

        Raises:
            RunError: the weights are missing or unreadable.
        """
        return cls(TwoSidedModel.of(run))

    def fill(self, text: str, blank: str = BLANK) -> str:
        """A text with its blanks filled.

        Raises:
            UsageError: it has no blank, or the blank is not one character.
        """
        return self.fill_texts([text], blank)[0].text

    def fill_texts(
        self, texts: Sequence[str], blank: str = BLANK, top: int = 1, pool: ThreadPool | None = None
    ) -> list[FilledText]:
        """Fill the blanks of texts, each text by itself, with ``top`` candidates for each blank.

        Raises:
            UsageError: a text has no blank, or the blank is not one character.
        """
        own_blank = self._read_blank(blank)
        for text in texts:
            if not self.has_blank(text, blank):
                raise UsageError(f"no blank {blank!r} in {text[:SHOWN]!r}: put one, or name another by --blank")
        symbols = [[*preprocess_text(text, self.model.corpus)] for text in texts]
        work = [_Filling.of(self.model, each, own_blank) for each in symbols]
        while waiting := [each for each in work if each.open]:
            found = self.model.line_log_probs([each.ids for each in waiting], pool)
            for each, log_probs_NV in zip(waiting, found, strict=True):
                each.fill_surest(self.model, log_probs_NV, top)
        return [each.result(self.model) for each in work]

    def has_blank(self, text: str, blank: str = BLANK) -> bool:
        """Whether there is something to fill; UsageError if the blank is not one character."""
        return self._read_blank(blank) in preprocess_text(text, self.model.corpus)

    def _read_blank(self, blank: str) -> str:
        symbol = preprocess_text(blank, self.model.corpus)
        if len(symbol) != 1:
            raise UsageError(
                f"the blank is {blank!r}: it must be one {self.model.corpus.units.removesuffix('s')}"
            )
        return symbol


@dataclass
class _Filling:
    """A text on its way: symbols, ids with V for what is missing, and the places that are still blank."""

    symbols: list[str]
    ids: TokenIds
    open: list[int]
    banned: npt.NDArray[np.intp]
    unknown: int
    filled: list[FilledBlank]

    @classmethod
    def of(cls, model: TwoSidedModel, symbols: list[str], blank: str) -> _Filling:
        vocabulary = model.vocabulary
        places = [place for place, symbol in enumerate(symbols) if symbol == blank]
        ids = vocabulary.encode_symbols("".join(symbols))
        ids[places] = len(vocabulary)
        is_unknown = (ids == len(vocabulary)) | (ids == vocabulary.unknown)
        banned = [vocabulary.end, vocabulary.unknown]
        if "\n" in vocabulary.symbols and "\n" not in symbols:  # a line stays one
            banned.append(vocabulary.symbols.index("\n"))
        known = np.array([each for each in banned if each is not None], np.intp)
        return cls(symbols, ids, places, known, int(is_unknown.sum()) - len(places), [])

    def fill_surest(self, model: TwoSidedModel, log_probs_NV: Floats, top: int) -> None:
        """Fill the blank whose likeliest character has the highest probability."""
        own_KV = log_probs_NV[self.open]
        own_KV[:, self.banned] = -np.inf
        check_numbers(own_KV.max(axis=1))
        own_KV = log_softmax_(own_KV)
        number = int(own_KV.max(axis=1).argmax())
        order = np.argsort(-own_KV[number], kind="stable")[: min(top, own_KV.shape[1] - len(self.banned))]
        names = model.vocabulary.name_of
        candidates = tuple((names(code), float(np.exp(own_KV[number, code]))) for code in order.tolist())
        place = self.open.pop(number)
        self.ids[place] = order[0]
        self.symbols[place] = model.vocabulary.symbols[order[0]]
        self.filled.append(FilledBlank(place, candidates))

    def result(self, model: TwoSidedModel) -> FilledText:
        text = "".join(self.symbols)
        if model.corpus.bytes:
            text = text.encode("latin-1").decode("utf-8", "surrogateescape")
        return FilledText(text, tuple(sorted(self.filled, key=lambda each: each.position)), self.unknown)
