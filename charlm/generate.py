"""Generation: prime the state with a prompt, then draw, read what was drawn, and draw again.

Several samples run side by side as the columns of one batch. The random numbers of sample k come from a
generator of its own, so that a sample does not depend on how many are drawn beside it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.arrays import Codes
from charlm.config import SamplingConfig
from charlm.errors import UsageError
from charlm.model import Model, Workspace
from charlm.randomness import generator
from charlm.sampling import FILTERS, Filter, draw
from charlm.states import States
from charlm.text.vocab import Vocabulary

PRIME_CHUNK = 256  # characters of a prompt that are read at once


def all_filters(settings: dict[str, Any]) -> list[Filter]:
    """Every filter, set by the settings that are given, in the order in which they apply.

    Raises:
        UsageError: no filter has such a setting, or a value is outside its limits.

    >>> [type(chosen).__name__ for chosen in all_filters({"top_k": 5})]
    ['Temperature', 'TopK', 'TopP', 'MinP']
    """
    settings = dict(settings)
    filters = []
    for kind in map(FILTERS.find, FILTERS.names()):
        own = {field.name for field in dataclasses.fields(kind)} & set(settings)
        filters.append(kind(**{name: settings.pop(name) for name in own}))
    if settings:
        raise UsageError(f"no setting is called {', '.join(sorted(settings))}; see charlm sample --help")
    return sorted(filters, key=lambda chosen: chosen.rank)


def prime(model: Model, codes: Codes, streams: int) -> States:
    """The state of ``streams`` equal streams that have read these characters (N,)."""
    state = model.zero_state(1)
    workspace = Workspace(model, min(PRIME_CHUNK, len(codes) or 1), 1)
    for start in range(0, len(codes), PRIME_CHUNK):
        _, state = model.forward(codes[start : start + PRIME_CHUNK, None], state, workspace)
    return tuple(tuple(np.repeat(array, streams, axis=0) for array in layer) for layer in state)


def drawn_codes(
    model: Model, prompt: Codes, filters: Sequence[Filter], config: SamplingConfig
) -> Iterator[npt.NDArray[np.intp]]:
    """The characters of every sample, step by step, without end.

    Args:
        model: what predicts.
        prompt: what has been read before the first character is drawn (N,), at least one character.
        filters: what is done to the logits, in order.
        config: how many samples, and the seed.

    Yields:
        The next character of each sample (B,).
    """
    rngs = [generator(config.seed, "sample", number) for number in range(config.num)]
    state = prime(model, prompt[:-1], config.num)
    codes_B = np.repeat(prompt[-1:], config.num)
    table_VG = model.input_table()
    while True:
        logits_BV, state = model.step(codes_B, state, table_VG)
        for chosen in filters:
            chosen.apply(logits_BV)
        drawn_B = draw(logits_BV, np.array([rng.random() for rng in rngs]))
        yield drawn_B
        codes_B = drawn_B.astype(prompt.dtype)


def stream(
    model: Model, vocabulary: Vocabulary, filters: Sequence[Filter], config: SamplingConfig
) -> Iterator[list[str]]:
    """Draw samples, handing out every sample's new character as soon as it is drawn.

    With no prompt the model starts as after a newline, or after the most frequent character where the corpus
    has no newline. A sample that has produced the stop string ends there.

    Yields:
        A list with the next character of each sample, the empty string for those that have ended.

    Raises:
        VocabularyError: the prompt holds a character that the model has never seen.
    """
    start = np.array([vocabulary.start], vocabulary.dtype)
    prompt = vocabulary.encode(config.prompt, "the prompt") if config.prompt else start
    tails = [""] * config.num
    ended = [False] * config.num
    steps = drawn_codes(model, prompt, filters, config)
    for _ in range(config.len):
        characters = [vocabulary.symbols[code] for code in next(steps)]
        yield ["" if end else character for end, character in zip(ended, characters, strict=True)]
        if config.stop is None:
            continue
        for number, character in enumerate(characters):
            tails[number] = (tails[number] + character)[-len(config.stop) :]
            ended[number] = ended[number] or tails[number] == config.stop
        if all(ended):
            return
