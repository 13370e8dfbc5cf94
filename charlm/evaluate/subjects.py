"""From targets to subjects: every run with every text."""

from __future__ import annotations

from collections.abc import Sequence
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
    with alternative("give a text file as TARGET" + (f" in place of --split {split}" if split else "")):
        return [
            subject
            for run in runs
            for subject in _subjects_of_run(run, sources, split or "val", CorpusSearch(run.folder, corpus), mix)
        ]


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


def _subjects_of_run(
    run: Run, sources: list[Source], split: str, search: CorpusSearch, mix: bool | None
) -> list[EvalCase]:
    both, mark = load_model(run, mix=mix), " [lossy]" if run.config.corpus.is_lossy else ""
    model, mixed = both.mixing(False), both if both.is_mixed else None
    if sources:
        training, own = _training_split(run, search), run.config.corpus
        texts = [(source.name + mark, EncodedText.of(prepare(source, own))) for source in sources]
        return [EvalCase(run.name, model, *text, training, mixed=mixed) for text in texts]
    corpus = reload_splits(run.corpus, run.config, run.vocabulary, search)
    part = _part(run, corpus, split)
    if len(part) < 2:
        raise UsageError(
            f"{run.name} has no {SPLITS[split]} split", hint="give a text file as TARGET, or --split train"
        )
    name, description = run.corpus.name, f"the {SPLITS[split]} split of {run.corpus.name}{mark}"
    is_cut = split != "train" and not corpus.train.alphabet.document_end
    return [EvalCase(run.name, model, f"{name}, {split}{mark}", part, corpus.train, description, is_cut, mixed)]


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
