"""From targets to labelled cases: every run that gives labels, numbers or targets, with every labelled text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt

from charlm.base.errors import CorpusError, UsageError, hinting
from charlm.config.encoder import PairsConfig
from charlm.data.corpus import prepare
from charlm.data.examples import LabelledPart, find_distinct, take_part
from charlm.data.labels import guess_mode
from charlm.data.pairs import PairsPart, read_pairs_part, reload_pairs
from charlm.data.reading.sources import Source, find_stored, find_text
from charlm.data.reload import CorpusSearch
from charlm.data.sides import read_sides
from charlm.data.split_examples import SplitExamples
from charlm.data.tags import check_tags
from charlm.evaluate.subjects import NO_TEST, SPLITS
from charlm.runs.find import find_runs, resolve
from charlm.runs.run import Run
from charlm.tasks.whole_texts import reload_examples

Part = TypeVar("Part", LabelledPart, PairsPart)


@dataclass(frozen=True)
class LabelledCase(Generic[Part]):
    """A run and labelled texts to measure it on; ``training`` is None where the run's corpus is missing."""

    run: Run
    text_name: str
    part: Part
    training: Part | None
    description: str

    @property
    def title(self) -> str:
        """The model and its texts, in words."""
        return f"{self.run.name} on {self.description} ({len(self.part):,} examples)"

    @property
    def keys(self) -> dict[str, str]:
        """What tables of it have in common."""
        return {"run": self.run.name, "text": self.text_name}

    @property
    def is_new_D(self) -> npt.NDArray[np.bool_]:
        """Which texts do not stand in the training split (D,)."""
        known = set() if self.training is None else set(self.training.texts)
        return np.array([text not in known for text in self.part.texts])


def labelled_cases_of(
    targets: Sequence[str],
    split: str | None,
    weights: str | None = None,
    corpus: Sequence[str] | None = None,
    *,
    command: str,
) -> list[LabelledCase[Any]]:
    """Pair runs with labelled texts, by default with a split of their own corpora.

    Raises:
        UsageError: a split of a file, or an empty split.
        RunError: a run is missing, damaged, or of another task.
        CorpusError: a text is unreadable or not labelled, or a corpus has changed.
    """
    found = [(target, resolve(target)) for target in targets]
    runs = find_runs([target for target, kind in found if isinstance(kind, Path)], weights, command)
    sources = [find_text(kind) for _, kind in found if isinstance(kind, str)]
    if sources and split is not None:
        raise UsageError(f"--split {split} is a split of a run's own corpus: leave it out when a file is given")
    return [
        case
        for run in runs
        for case in _cases_of_run(run, sources, split or "val", CorpusSearch(run.folder, corpus))
    ]


def _cases_of_run(
    run: Run, sources: Sequence[Source], split: str, search: CorpusSearch
) -> list[LabelledCase[Any]]:
    if sources:
        training = _training_part(run, search)
        return [LabelledCase(run, each.name, _read(run, each), training, each.name) for each in sources]
    examples = _examples_of(run, search)
    part = {"train": examples.train, "val": examples.validation, "test": examples.test}[split]
    test_file = run.config.batching.test_file
    if split == "test" and test_file is not None:
        with hinting(NO_TEST):
            part = _read(run, find_stored(test_file))
    if not len(part):
        raise UsageError(
            f"{run.name} has no {SPLITS[split]} split", hint="give a labelled file, or another --split"
        )
    description = f"the {SPLITS[split]} split of {run.corpus.name}"
    return [LabelledCase(run, f"{run.corpus.name}, {split}", part, examples.train, description)]


def _examples_of(run: Run, search: CorpusSearch) -> SplitExamples[Any]:
    """The examples of a run's own corpus."""
    own = run.config.task.own
    if isinstance(own, PairsConfig):
        return reload_pairs(run.corpus, run.config, own.target_units, run.vocabulary, search)
    return reload_examples(run.corpus, run.config, run.vocabulary, search)


def _read(run: Run, source: Source) -> LabelledPart | PairsPart:
    """Labelled texts, each distinct pair once, as a run reads them."""
    own = run.config.task.own
    if isinstance(own, PairsConfig):
        part = read_pairs_part(source, run.config.corpus, run.vocabulary, own.target_units)
        if run.config.task.kind.network == "tagger":
            check_tags(part, source, run.config.corpus, own.target_units)
        return part
    mode = guess_mode(source, run.vocabulary.scale is not None)
    sides = read_sides(prepare(source, run.config.corpus), run.config.corpus, mode)
    return take_part(sides, find_distinct(sides, source.name, []), run.vocabulary)


def _training_part(run: Run, search: CorpusSearch) -> LabelledPart | PairsPart | None:
    """The training split of a run's corpus, if it is there."""
    try:
        return cast(LabelledPart | PairsPart, _examples_of(run, search).train)
    except CorpusError:
        if search.given:
            raise
        return None
