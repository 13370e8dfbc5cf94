"""Fine-tuning: start from another model's parameters, matched by character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from charlm.base.arrays import Floats
from charlm.base.errors import UsageError
from charlm.config import TrainingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.models.base import BaseModel, NetworkSpec

READING = ("bytes", "normalize", "lowercase", "min_count", "lines", "delimiter")
"""The settings of what a symbol is."""
# What is given in the place of one of them leaves the others out, which it would contradict.
_INSTEAD = {"bytes": {"normalize", "lowercase", "min_count"}, "lines": {"delimiter"}, "delimiter": {"lines"}}


def inherited(origin: TrainingConfig, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a run from another's weights: those given, else inherited.

    Raises:
        UsageError: the task is another.

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
    task = origin.task.to_json()
    if (wanted := settings.get("task", task["task"])) != task["task"]:
        raise UsageError(
            f"--init-from needs a run of --task {wanted}, and this one is of --task {task['task']}: name another"
        )
    if task["task"] != "predict":
        del task["labels"]  # guessed from the new corpus
    return {**task, **origin.model.to_json(), **rate, **reading, **settings}


@dataclass(frozen=True)
class Transfer:
    """The number of symbols kept, and those new or dropped."""

    kept: int
    new: tuple[str, ...]
    dropped: tuple[str, ...]


class Named(Protocol):
    """A network, and what its symbols and labels are."""

    @property
    def network(self) -> BaseModel: ...  # noqa: D102
    @property
    def vocabulary(self) -> Vocabulary: ...  # noqa: D102


@dataclass(frozen=True)
class NamedNetwork:
    """The plainest ``Named``."""

    network: BaseModel
    vocabulary: Vocabulary


def transfer(source: Named, target: Named) -> Transfer:
    """Copy a network's parameters into another, in place: symbols and labels keep what belongs to them.

    Raises:
        UsageError: the networks differ in more than their symbols and labels.
    """
    specs = source.network.spec, target.network.spec
    parts = [(spec.network, spec.config, dict(spec.options)) for spec in specs]
    if parts[0] != parts[1]:
        raise UsageError("--init-from needs the same model settings as the run it names: leave those flags out")
    codes, spec = [_codes(each.vocabulary) for each in (target, source)], target.network.spec
    pairs = [[find(each.vocabulary, each.network.spec) for each in (target, source)] for find in (_read, _given)]
    # Along these axes there is an entry for each symbol that is read, and for each that is predicted.
    axes = [_find_axes(spec, replace(spec, inputs=spec.inputs + 1))]
    axes.append(_find_axes(spec, replace(spec, outputs=spec.outputs + 1)))
    for name, values in source.network.params.items():
        copied = [(axis[name], pair) for axis, pair in zip(axes, pairs, strict=True) if name in axis]
        if copied:
            _copy_shared(values, target.network.params[name], *copied[0])
        else:
            target.network.params[name][...] = values
    ours, theirs = codes
    return Transfer(
        kept=len(ours.keys() & theirs.keys()),
        new=tuple(sorted(ours.keys() - theirs.keys())),
        dropped=tuple(sorted(theirs.keys() - ours.keys())),
    )


def _find_axes(spec: NetworkSpec, grown: NetworkSpec) -> dict[str, int]:
    """The parameters that grow with a network, and along which axis."""
    pairs = ((name, np.not_equal(shape, grown.shapes[name])) for name, shape in spec.shapes.items())
    return {name: int(differs.argmax()) for name, differs in pairs if differs.any()}


def _copy_shared(values: Floats, into: Floats, axis: int, pair: Sequence[Mapping[str, int]]) -> None:
    """Copy the entries that both have."""
    shared = sorted(pair[0].keys() & pair[1].keys())
    to, of = (np.array([each[name] for name in shared], np.intp) for each in pair)
    np.moveaxis(into, axis, 0)[to] = np.moveaxis(values, axis, 0)[of]


def _codes(vocabulary: Vocabulary) -> dict[str, int]:
    """Each symbol's code by its name."""
    names = [vocabulary.name_of(code) for code in range(len(vocabulary.symbols))]
    specials = {"<end>": vocabulary.end, "<unknown>": vocabulary.unknown}
    ids = {name: code for code, name in enumerate(names)}
    return ids | {name: code for name, code in specials.items() if code is not None}


def _read(vocabulary: Vocabulary, spec: NetworkSpec) -> dict[str, int]:
    """The codes of what a network reads: symbols, and then start symbols of labels or others of its own."""
    codes, first = _codes(vocabulary), len(vocabulary)
    others = vocabulary.labels if _is_conditioned(vocabulary, spec) else range(spec.inputs - first)
    return codes | {f"<start {name}>": first + number for number, name in enumerate(others)}


def _given(vocabulary: Vocabulary, spec: NetworkSpec) -> dict[str, int]:
    """The codes of what a network predicts: labels, a number, symbols of targets, or those that it reads."""
    if vocabulary.scale is not None:
        return {"<number>": 0}
    if vocabulary.labels and not _is_conditioned(vocabulary, spec):
        return {label: number for number, label in enumerate(vocabulary.labels)}
    codes = {symbol: number for number, symbol in enumerate(vocabulary.target)} or _codes(vocabulary)
    first = len(vocabulary.target) or len(vocabulary)
    return codes | {f"<other {number}>": first + number for number in range(spec.outputs - first)}


def _is_conditioned(vocabulary: Vocabulary, spec: NetworkSpec) -> bool:
    return bool(vocabulary.labels) and spec.inputs == len(vocabulary) + len(vocabulary.labels)
