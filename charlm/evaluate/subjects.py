"""From targets to subjects: every run with every text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from charlm.base.errors import CorpusError, MissingCorpusError, UsageError, alternative, hinting
from charlm.base.suggest import did_you_mean
from charlm.data.corpus import Corpus, prepare, prepare_temporary
from charlm.data.encoded import EncodedText
from charlm.data.reading.patterns import text_names
from charlm.data.reading.sources import Source, find_stored, find_text
from charlm.data.reload import CorpusSearch
from charlm.data.reload_splits import reload_splits
from charlm.evaluate.base import EvalCase
from charlm.inference.conditioned import load_model
from charlm.runs.find import find_runs, list_runs, resolve
from charlm.runs.run import Run

SPLITS = {"train": "training", "val": "validation", "test": "test"}
"""The parts of a run's own corpus, by the name that the command line has for each."""


NO_TEST = "the run is tested on it, so put it back"


@dataclass(frozen=True)
class RunText:
    """A run and a text to measure it on; the attributes are those of ``EvalCase``."""

    run: Run
    text_name: str
    part: EncodedText
    training: EncodedText | None
    description: str = ""
    is_cut: bool = False

    @property
    def keys(self) -> dict[str, str]:
        """What tables of it have in common."""
        return {"run": self.run.name, "text": self.text_name}


def subjects_of(
    targets: Sequence[str],
    split: str | None,
    weights: str | None = None,
    corpus: Sequence[str] | None = None,
    mix: bool | None = False,
    *,
    command: str = "eval",
) -> list[EvalCase]:
    """Pair runs with texts, by default with their own corpora; ``mix`` is as in ``LanguageModel.mixing``.

    Raises:
        UsageError: a split of a text file, an empty split, or no n-gram model to mix.
        RunError: a run is missing or damaged.
        CorpusError: a text is unreadable, or a corpus has changed.
    """
    runs, sources = _find(targets, split, weights, command)
    subjects = []
    with alternative(_alternative(split)):
        for run in runs:
            both = load_model(run, mix=mix)
            model, mixed = both.mixing(False), both if both.is_mixed else None
            for each in _texts_of_run(run, sources, split or "val", CorpusSearch(run.folder, corpus)):
                own = each.text_name, each.part, each.training, each.description, each.is_cut
                subjects.append(EvalCase(run.name, model, *own, mixed))
    return subjects


def run_texts_of(
    targets: Sequence[str],
    split: str | None,
    weights: str | None = None,
    corpus: Sequence[str] | None = None,
    *,
    command: str,
) -> list[RunText]:
    """Pair runs of any task on plain texts with them, by default the newest run that fills; the same errors."""
    is_named = any(isinstance(resolve(target), Path) for target in targets)
    runs, sources = _find(targets, split, weights, command if is_named else "fill")
    with alternative(_alternative(split)):
        return [
            text
            for run in runs
            for text in _texts_of_run(run, sources, split or "val", CorpusSearch(run.folder, corpus))
        ]


def _find(
    targets: Sequence[str], split: str | None, weights: str | None, command: str
) -> tuple[list[Run], list[Source]]:
    """The runs and the texts among targets."""
    found = [(target, resolve(target)) for target in targets]
    if targets.count("-") > 1:
        raise UsageError("standard input is named twice, and can be read once: leave out one -")
    named = [target for target, kind in found if isinstance(kind, Path)]
    runs = find_runs(named, weights, command)
    sources = [_find_text(kind) for _, kind in found if isinstance(kind, str)]
    if sources and split is not None:
        raise UsageError(
            f"--split {split} is a split of a run's own corpus: leave it out when a text file is given"
        )
    return runs, sources


def _alternative(split: str | None) -> str:
    return "give a text file as TARGET" + (f" in place of --split {split}" if split else "")


def _find_text(target: str) -> Source:
    """The text of a target that is no run.

    Raises:
        CorpusError: it is no text either.
    """
    try:
        return find_text(target)
    except MissingCorpusError:
        names = [*(run.name for run in list_runs()), *text_names(target)]
        meant = did_you_mean(target, names) or ": see charlm runs, or give a text file"
        raise CorpusError(f"{target!r} is neither a run nor a file{meant}") from None


def _texts_of_run(run: Run, sources: list[Source], split: str, search: CorpusSearch) -> list[RunText]:
    mark = " [lossy]" if run.config.corpus.is_lossy else ""
    if sources:
        training, own = _training_split(run, search), run.config.corpus
        texts = [(source.name + mark, EncodedText.of(prepare(source, own))) for source in sources]
        return [RunText(run, *text, training) for text in texts]
    corpus = reload_splits(run.corpus, run.config, run.vocabulary, search)
    part = _part(run, corpus, split)
    if len(part) < 2:
        raise UsageError(
            f"{run.name} has no {SPLITS[split]} split", hint="give a text file as TARGET, or --split train"
        )
    name, description = run.corpus.name, f"the {SPLITS[split]} split of {run.corpus.name}{mark}"
    is_cut = split != "train" and not corpus.train.alphabet.document_end
    return [RunText(run, f"{name}, {split}{mark}", part, corpus.train, description, is_cut)]


def _part(run: Run, corpus: Corpus, split: str) -> EncodedText:
    test_file = run.config.batching.test_file
    if split == "test" and test_file is not None:
        # Its sum is not known, so it may be any file that a stranger's run names.
        with hinting(NO_TEST):
            return prepare_temporary(find_stored(test_file), run.config.corpus)
    return {"train": corpus.train, "val": corpus.validation, "test": corpus.test}[split]


def _training_split(run: Run, search: CorpusSearch) -> EncodedText | None:
    """The training split of a run's corpus, if it is there."""
    try:
        return reload_splits(run.corpus, run.config, run.vocabulary, search).train
    except CorpusError:
        if search.given:
            raise
        return None
