"""A run's own corpus, found again: refused, with the difference, where it is no longer what it was."""

from __future__ import annotations

from typing import Protocol

from charlm.config import CorpusConfig, TrainingConfig
from charlm.errors import CorpusError
from charlm.text.cache import name_of, open_entry, read_files
from charlm.text.passes import Progress
from charlm.text.prepare import Corpus, divide, prepare
from charlm.text.prepared import Prepared
from charlm.text.sources import Kind, Source, built_in_source, find_files, find_stored
from charlm.text.vocab import Vocabulary

_ORIGINS = {"stdin": "standard input", "text": "a text that was handed in from Python"}
_MOST_SHOWN = 3


class Known(Protocol):
    """What is remembered of a corpus: its source's ``name``, ``kind`` and ``paths``, and the contents' sums."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> Kind: ...  # noqa: D102
    @property
    def paths(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def val_sha256(self) -> str | None: ...  # noqa: D102


def divide_again(
    known: Known, config: TrainingConfig, vocabulary: Vocabulary, remedy: str, progress: Progress | None = None
) -> Corpus:
    """The corpus that a run was trained on, divided as it was; see ``prepare_again`` and ``divide``.

    Raises:
        CorpusError: the file that it validates on has changed.
    """
    prepared = prepare_again(known, config.corpus, remedy, progress)
    corpus = divide(prepared, config, vocabulary, _validating_again(known, config, remedy, progress))
    if corpus.val_sha256 != known.val_sha256:
        then, now = ((sha256 or "none")[:12] for sha256 in (known.val_sha256, corpus.val_sha256))
        raise CorpusError(
            f"the file {config.batching.val_file!r}, which the run validates on, has changed since "
            f"(sha256 {then} then, {now} now): put it back as it was, or {remedy}"
        )
    return corpus


def _validating_again(
    known: Known, config: TrainingConfig, remedy: str, progress: Progress | None
) -> Prepared | None:
    """The text of ``--val-file``; None where there is none."""
    stored = config.batching.val_file
    if stored is None:
        return None
    if stored == "-" and known.val_sha256 is not None:
        return _kept("stdin", "stdin", known.val_sha256, config.corpus, f"the run validates on {{}}: {remedy}")
    wanted = f"the run validates on it, so put it back, or {remedy}"
    return prepare(find_stored(stored, wanted).expanding(), config.corpus, progress)


def prepare_again(known: Known, config: CorpusConfig, remedy: str, progress: Progress | None = None) -> Prepared:
    """Prepare the corpus that a run was trained on, or find it in the cache.

    Args:
        known: what the run remembers of it.
        config: how it was read.
        remedy: what else the user can do, as the end of a sentence.
        progress: called now and then while files are read.

    Raises:
        CorpusError: it was never kept, is gone, cannot be read, or is no longer the same.
    """
    if known.kind == "built-in":
        source = built_in_source(known.name)
    elif known.paths:
        wanted = f"the run was trained on it, so put it back, or {remedy}"
        source = find_files(known.paths, config.glob, wanted)
    else:
        refusal = f"the run was trained on {{}}: {remedy}"
        return _kept(known.name, known.kind, known.sha256, config, refusal)
    prepared = prepare(source.expanding(), config, progress)  # it may, as it did when the run was trained
    if prepared.sha256 != known.sha256:
        raise CorpusError(
            f"{source.label} has changed since the run was trained on it ({_difference(known, prepared)}): "
            f"put it back as it was, or {remedy}"
        )
    return prepared


def _kept(name: str, kind: Kind, sha256: str, config: CorpusConfig, refusal: str) -> Prepared:
    """A text that came through a pipe, if the cache still has it."""
    prepared = open_entry(name_of(sha256, config), Source(name, kind, (), ()), config)
    if prepared is None:
        raise CorpusError(refusal.format(f"{_ORIGINS.get(kind, 'a text')}, which is not kept"))
    return prepared


def _difference(known: Known, prepared: Prepared) -> str:
    """What is not the same any more: by file, where the cache still knows what they were."""
    config = prepared.config
    then = {file.path: file.sha256 for file in read_files(known.sha256, known.paths, config)}
    now = {file.path: file.sha256 for file in read_files(prepared.sha256, known.paths, config)}
    if not then or (len(then) == len(now) == 1):
        return f"sha256 {known.sha256[:12]} then, {prepared.sha256[:12]} now"
    kinds = {
        "changed": [path for path in then if path in now and now[path] != then[path]],
        "new": [path for path in now if path not in then],
        "gone": [path for path in then if path not in now],
    }
    shown = [
        f"{kind}: {', '.join(map(repr, paths[:_MOST_SHOWN]))}"
        + (f" and {len(paths) - _MOST_SHOWN:,} more" if len(paths) > _MOST_SHOWN else "")
        for kind, paths in kinds.items()
        if paths
    ]
    return "; ".join(shown) or "its files are in another order"
