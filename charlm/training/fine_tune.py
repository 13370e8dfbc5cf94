"""Fine-tuning: start from another model's parameters, matched by character."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from charlm.base.arrays import Floats
from charlm.base.errors import UsageError
from charlm.config import TrainingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.inference.language_model import LanguageModel
from charlm.models.architecture import vocab_axes

READING = ("bytes", "normalize", "lowercase", "min_count", "lines", "delimiter")
"""The settings of what a symbol is."""
# What is given in the place of one of them leaves the others out, which it would contradict.
_INSTEAD = {"bytes": {"normalize", "lowercase", "min_count"}, "lines": {"delimiter"}, "delimiter": {"lines"}}


def inherited(origin: TrainingConfig, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a run from another's weights: those given, else inherited.

    >>> origin = TrainingConfig.from_settings(lines=True, hidden=9)
    >>> own = inherited(origin, {"delimiter": "|"})
    >>> own["hidden"], own["delimiter"], "lines" in own
    (9, '|', False)
    """
    left_out = {name for given, value in settings.items() if value for name in _INSTEAD.get(given, ())}
    reading = {name: getattr(origin.corpus, name) for name in READING if name not in left_out}
    rate = {"optimizer": origin.optimisation.optimizer, "lr": origin.optimisation.lr}
    # Counted anew, in the new text.
    reading |= {} if origin.budget.ngram is None else {"ngram": origin.budget.ngram}
    return {**origin.model.to_json(), **rate, **reading, **settings}


@dataclass(frozen=True)
class Transfer:
    """The number of symbols kept, and those new or dropped."""

    kept: int
    new: tuple[str, ...]
    dropped: tuple[str, ...]


def transfer(source: LanguageModel, target: LanguageModel) -> Transfer:
    """Copy a model's parameters into another, in place.

    Raises:
        UsageError: the models differ in more than their vocabulary.
    """
    if source.network.config != target.network.config:
        raise UsageError("--init-from needs the same model settings as the run it names: leave those flags out")
    ours, theirs = _codes(target.vocabulary), _codes(source.vocabulary)
    shared = sorted(ours.keys() & theirs.keys())
    from_codes = np.array([theirs[symbol] for symbol in shared], np.intp)
    to_codes = np.array([ours[symbol] for symbol in shared], np.intp)
    axes = vocab_axes(source.network.config)
    for name, values in source.network.params.items():
        _copy(values, target.network.params[name], axes.get(name), from_codes, to_codes)
    return Transfer(
        kept=len(shared),
        new=tuple(sorted(ours.keys() - theirs.keys())),
        dropped=tuple(sorted(theirs.keys() - ours.keys())),
    )


def _codes(vocabulary: Vocabulary) -> dict[str, int]:
    """Each symbol's code by its name."""
    names = [vocabulary.name_of(code) for code in range(len(vocabulary.symbols))]
    specials = {"<end>": vocabulary.end, "<unknown>": vocabulary.unknown}
    ids = {name: code for code, name in enumerate(names)}
    return ids | {name: code for name, code in specials.items() if code is not None}


def _copy(
    values: Floats,
    into: Floats,
    axis: int | None,
    from_codes: np.ndarray[tuple[int], np.dtype[np.intp]],
    to_codes: np.ndarray[tuple[int], np.dtype[np.intp]],
) -> None:
    """Copy a parameter whole, or only the shared symbols along an axis."""
    if axis is None:
        into[...] = values
    elif axis == 0:
        into[to_codes] = values[from_codes]
    else:
        into[:, to_codes] = values[:, from_codes]
