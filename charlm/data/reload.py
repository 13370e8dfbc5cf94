"""A run's own corpus, found again: refused, with the difference, where it is no longer what it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Protocol

from charlm.base.errors import CorpusError
from charlm.base.progress import Progress
from charlm.config import CorpusConfig, TrainingConfig
from charlm.data.cache.store import name_of, open_entry
from charlm.data.catalog.builtin import NAMES
from charlm.data.corpus import Corpus, divide
from charlm.data.moved import moved
from charlm.data.prepared import EncodedCorpus
from charlm.data.reading.sources import Kind, Source, built_in_source, find_files, find_source, find_stored
from charlm.data.same import Wanted
from charlm.data.vocabulary import Vocabulary

_ORIGINS = {"stdin": "standard input", "text": "a text that was handed in from Python"}


class Known(Protocol):
    """What is remembered of a corpus: its source's ``name``, ``kind`` and ``paths``, how many files, the sums."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> Kind: ...  # noqa: D102
    @property
    def paths(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def files(self) -> int: ...  # noqa: D102
    @property
    def val_sha256(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True)
class Search:
    """How a run's own texts are looked for.

    Attributes:
        remedy: what else the user can do, as the end of a sentence.
        folder: the run's; what has moved together with it is found.
        given: the corpus as the user names it now by ``--corpus``, empty where it is to be looked for; None where
            there is no such option.
    """

    remedy: str
    folder: Path
    given: Sequence[str] | None = None

    @property
    def corpus_remedy(self) -> str:
        """What the user can do where it is the corpus that is not found."""
        return self.remedy if self.given is None else f"name it by --corpus PATH, or {self.remedy}"

    def near(self, corpus: Source | None = None) -> list[Path]:
        """Folders near which a text may be: the run's, and its corpus's once that is found."""
        beside = () if corpus is None else corpus.paths
        return [self.folder.absolute(), self.folder.resolve(), *(Path(path).parent for path in beside)]


def divide_again(
    known: Known, config: TrainingConfig, vocabulary: Vocabulary, search: Search, progress: Progress | None = None
) -> Corpus:
    """The corpus that a run was trained on, divided as it was; see ``prepare_again`` and ``divide``.

    Raises:
        CorpusError: the file that it validates on has changed.
    """
    prepared = prepare_again(known, config.corpus, search, progress)
    validating = _validating_again(known, config, search, prepared.source, progress)
    return divide(prepared, config, vocabulary, validating)


def _validating_again(
    known: Known, config: TrainingConfig, search: Search, corpus: Source, progress: Progress | None
) -> EncodedCorpus | None:
    """The text of ``--val-file``; None where there is none."""
    stored, sha256, remedy = config.batching.val_file, known.val_sha256, search.remedy
    if stored is None and sha256 is None:
        return None
    if stored is None or sha256 is None:
        raise CorpusError(f"of the file that the run validates on, it has the name or the sum alone: {remedy}")
    if stored == "-":
        return _kept("stdin", "stdin", sha256, config.corpus, f"the run validates on {{}}: {remedy}")
    own = Wanted(
        sha256,
        1,
        lambda label, difference: (
            f"the file {label}, which the run validates on, has changed since ({difference}): "
            f"put it back as it was, or {remedy}"
        ),
    )
    wanted = f"the run validates on it, so put it back or beside the corpus, or {remedy}"
    others = () if stored in NAMES else moved([stored], search.near(corpus))
    places = chain([stored], (path for (path,) in others))
    return own.first((partial(find_stored, place, wanted) for place in places), config.corpus, progress)


def prepare_again(
    known: Known, config: CorpusConfig, search: Search, progress: Progress | None = None
) -> EncodedCorpus:
    """Prepare the corpus that a run was trained on, or find it in the cache.

    It is looked for where it was, and where it is if it has moved together with the run's folder; or else it is
    what the user names. It is the same only by its sum, and nothing of another text is kept.

    Args:
        known: what the run remembers of it.
        config: how it was read.
        search: where to look, and what else the user can do.
        progress: called now and then while files are read.

    Raises:
        CorpusError: it was never kept, is gone, cannot be read, or is no longer the same.
    """
    remedy = search.corpus_remedy
    if search.given:
        named = Wanted(
            known.sha256,
            known.files,
            lambda label, difference: (
                f"{label} is not what the run was trained on ({difference}): name that, or leave out --corpus"
            ),
        )
        return named.first([partial(find_source, search.given, config.glob)], config, progress)
    own = Wanted(
        known.sha256,
        known.files,
        lambda label, difference: (
            f"{label} has changed since the run was trained on it ({difference}): "
            f"put it back as it was, or {remedy}"
        ),
    )
    if known.kind == "built-in":
        return own.first([partial(built_in_source, known.name)], config, progress)
    if not known.paths:
        return _kept(known.name, known.kind, known.sha256, config, f"the run was trained on {{}}: {remedy}")
    wanted = f"the run was trained on it, so put it back, or {remedy}"
    places = chain([known.paths], moved(known.paths, search.near()))
    return own.first((partial(find_files, paths, config.glob, wanted) for paths in places), config, progress)


def _kept(name: str, kind: Kind, sha256: str, config: CorpusConfig, refusal: str) -> EncodedCorpus:
    """A text that came through a pipe, if the cache still has it."""
    prepared = open_entry(name_of(sha256, config), Source(name, kind, (), ()), config)
    if prepared is None:
        raise CorpusError(refusal.format(f"{_ORIGINS.get(kind, 'a text')}, which is not kept"))
    return prepared
