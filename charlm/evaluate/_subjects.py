"""From what a user names to what is measured: every run with every text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from charlm.arrays import Codes
from charlm.checkpoint.find import find_run, resolve
from charlm.checkpoint.run import Run
from charlm.errors import CorpusError, UsageError
from charlm.evaluate._base import Subject
from charlm.language_model import load_run
from charlm.text.prepare import Corpus, prepare_corpus
from charlm.text.sources import Source, find_again, read_source

SPLITS = ("train", "val")


def subjects_of(targets: Sequence[str], split: str | None) -> list[Subject]:
    """Pair runs and texts.

    Args:
        targets: runs and text files, by the one rule for every TARGET; with no run among them the newest run is
            measured, and with no text each run's own corpus.
        split: the part of a run's own corpus, ``val`` where it is left out.

    Raises:
        UsageError: a split is asked of a text file, or there is nothing in it.
        RunError: a run is missing or damaged.
        CorpusError: a text cannot be read, or a run's corpus has moved or changed.
    """
    found = [(target, resolve(target)) for target in targets]
    runs = [find_run(target) for target, kind in found if isinstance(kind, Path)] or [find_run(None)]
    sources = [read_source(kind) for _, kind in found if isinstance(kind, str)]
    if sources and split is not None:
        raise UsageError(
            f"--split {split} is a part of a run's own corpus: leave it out when a text file is given"
        )
    return [subject for run in runs for subject in _subjects_of_run(run, sources, split or "val")]


def _subjects_of_run(run: Run, sources: list[Source], split: str) -> list[Subject]:
    model = load_run(run)
    if sources:
        training = _training_part(run)
        return [Subject(run.name, model, source.name, source.text, training) for source in sources]
    corpus = _corpus(run)
    validation = corpus.validation if split == "val" else run.vocabulary.decode(corpus.train_codes)
    if len(validation) < 2:
        raise UsageError(f"{run.name} holds out no validation part: give a text file, or --split train")
    return [Subject(run.name, model, f"{run.corpus.name}, {split}", validation, corpus.train_codes)]


def _corpus(run: Run) -> Corpus:
    known, batching = run.corpus, run.config.batching
    source = find_again(known.kind, known.path, known.name, known.sha256)
    return prepare_corpus(source, batching.val_fraction, batching.seq_len, run.vocabulary)


def _training_part(run: Run) -> Codes | None:
    """The training part of a run's corpus, where that can still be found."""
    try:
        return _corpus(run).train_codes
    except CorpusError:
        return None
