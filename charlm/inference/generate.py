"""Sampling: read a prompt, then draw and read characters."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.base.errors import UsageError, VocabularyError
from charlm.base.random import make_generator
from charlm.base.suggest import did_you_mean
from charlm.config import SamplingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.engines.base import Network
from charlm.inference.filters import FILTERS, Filter, probabilities, sample_ids
from charlm.inference.unroll import ONE, reset_marks, windows
from charlm.nn.readout import check_numbers
from charlm.nn.state import select_columns

PROMPT_WINDOW = 256  # characters of a prompt that are read at once
UNIFORMS = 256  # random numbers that are drawn at once for each sample


def all_filters(settings: dict[str, Any]) -> list[Filter]:
    """Every filter with the given settings, in order.

    Raises:
        UsageError: a setting is unknown or outside its limits.

    >>> [type(chosen).__name__ for chosen in all_filters({"top_k": 5})]
    ['Temperature', 'TopK', 'TopP', 'MinP']
    """
    unknown = settings.keys() - FILTERS.keys()
    if unknown:
        names = FILTERS.keys() | SamplingConfig.settings().keys()
        meant = did_you_mean(min(unknown), names) or "; see charlm sample --help"
        raise UsageError(f"no setting is called {', '.join(sorted(unknown))}{meant}")
    return [kind(**{name: settings[name]}) if name in settings else kind() for name, kind in FILTERS.items()]


def burn_in(network: Network, ids: TokenIds, count: int) -> None:
    """Read a prompt (N,) and continue as ``count`` equal sequences."""
    network.begin(1)
    for window in windows(ids, reset_marks(ids), ONE, 0, len(ids), size=PROMPT_WINDOW):
        network.read(window.x_TB)
    network.state = select_columns(network.state, [0] * count)


def predict_next(network: Network, prompt: TokenIds) -> npt.NDArray[np.float64]:
    """The probability of each symbol (V,) after a prompt (N,).

    Raises:
        DivergenceError: the network's weights overflow.
    """
    burn_in(network, prompt[:-1], 1)
    logits_BV = network.step(prompt[-1:])
    check_numbers(logits_BV.max(axis=1))
    likely_V: npt.NDArray[np.float64] = probabilities(logits_BV)[0]
    return likely_V


def generate_ids(
    network: Network,
    prompt: TokenIds,
    filters: Sequence[Filter],
    config: SamplingConfig,
    banned: int | None = None,
) -> Iterator[npt.NDArray[np.intp]]:
    """The next character of each sample (B,), without end.

    Raises:
        DivergenceError: the network's weights overflow.
    """
    uniforms = _uniforms([make_generator(config.seed, "sample", number) for number in range(config.num)])
    burn_in(network, prompt[:-1], config.num)
    ids_B = np.repeat(prompt[-1:], config.num)
    while True:
        logits_BV = network.step(ids_B)
        check_numbers(logits_BV.max(axis=1))
        if banned is not None:
            logits_BV[:, banned] = -np.inf
        for chosen in filters:
            chosen.apply(logits_BV)
        drawn_B = sample_ids(logits_BV, next(uniforms))
        yield drawn_B
        ids_B = drawn_B.astype(prompt.dtype)


def _uniforms(rngs: Sequence[np.random.Generator]) -> Iterator[npt.NDArray[np.float64]]:
    """A number in [0, 1) from each generator (B,), without end."""
    while True:
        yield from np.stack([rng.random(UNIFORMS) for rng in rngs], axis=1)


def stream(
    network: Network, vocabulary: Vocabulary, filters: Sequence[Filter], config: SamplingConfig
) -> Iterator[list[str]]:
    """Draw samples: each step gives every sample's next character, empty after its end.

    Raises:
        VocabularyError: the prompt holds an unknown character.
        DivergenceError: the network's weights overflow.
    """
    steps = generate_ids(network, prompt_ids(vocabulary, config.prompt), filters, config, vocabulary.unknown)
    samples = [_Sample(vocabulary, config.stop) for _ in range(config.num)]
    for drawn_B in islice(steps, config.len):
        column = [sample.take(drawn) for sample, drawn in zip(samples, drawn_B.tolist(), strict=True)]
        is_over = all(sample.is_over for sample in samples)
        if any(column) or not is_over:
            yield column
        if is_over:
            return


def prompt_ids(vocabulary: Vocabulary, prompt: str) -> TokenIds:
    """What a model reads before it draws (N,).

    Raises:
        VocabularyError: the prompt holds an unknown character.
    """
    start = np.array([vocabulary.start], vocabulary.dtype)
    if not prompt:
        return start
    try:
        ids = vocabulary.encode(prompt, "the prompt")
    except VocabularyError as error:
        error.hint = _suggest(vocabulary, prompt) or error.hint
        raise
    return np.concatenate([start, ids]) if vocabulary.has_end else ids


def _suggest(vocabulary: Vocabulary, prompt: str) -> str | None:
    """A prompt with an unknown character as the model could read it."""
    for written, what in ((prompt.lower(), "lower"), (prompt.upper(), "upper")):
        if vocabulary.encode_known(written)[1].all():
            return f"try {written!r}: the model reads {what} case"
    return None


class _Sample:
    """One sample as it grows."""

    def __init__(self, vocabulary: Vocabulary, stop: str | None) -> None:
        self.is_over = False
        self._vocabulary = vocabulary
        self._stop = stop
        self._tail = ""
        is_bytes = vocabulary.units == "bytes"
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace") if is_bytes else None

    def take(self, drawn: int) -> str:
        """The text that a drawn id adds."""
        self.is_over = self.is_over or drawn == self._vocabulary.end
        if self.is_over:
            return ""
        symbol = self._vocabulary.symbols[drawn]
        text = symbol if self._decoder is None else self._decoder.decode(symbol.encode("latin-1"))
        if self._stop is None:
            return text
        # A byte can add two characters: the replacement of those before it, and its own.
        before = len(self._tail)
        self._tail += text
        end = self._tail.find(self._stop)
        if end >= 0:
            self.is_over = True
            return self._tail[before : end + len(self._stop)]
        self._tail = self._tail[-len(self._stop) :]
        return text
