"""Finding a run's corpus again."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, takewhile
from pathlib import Path, PurePath
from typing import Protocol

from charlm.base.errors import CorpusError, MissingCorpusError, hinting
from charlm.base.progress import Progress
from charlm.config import CorpusConfig, TrainingConfig
from charlm.data.cache.entry import hash_content, hash_name
from charlm.data.cache.store import open_entry, read_files
from charlm.data.catalog.builtin import BUILTIN_NAMES
from charlm.data.corpus import Corpus, divide, find_prepared, prepare
from charlm.data.encoded import EncodedCorpus
from charlm.data.reading.encode import CorpusEncoder, FileDigest
from charlm.data.reading.sources import Kind, Source, find_files, find_source, find_stored, make_builtin_source
from charlm.data.vocabulary import Vocabulary

_ORIGINS = {"stdin": "standard input", "text": "a text that was handed in from Python"}
_MOST_SHOWN = 3
MOST_FOLDERS = 10_000  # to search for a moved corpus: a folder of the same name may be a whole disk
BY_NAME = "name it by --corpus PATH"


class StoredCorpus(Protocol):
    """What a run stores of its corpus."""

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
class CorpusSearch:
    """Where to look for a run's texts; ``given`` is ``--corpus``, or the text itself."""

    folder: Path
    given: Sequence[str] | Source | None = None

    def near(self, corpus: Source | None = None) -> list[Path]:
        """Folders near which a text may be."""
        paths = () if corpus is None else corpus.paths
        return [self.folder.absolute(), self.folder.resolve(), *(Path(path).parent for path in paths)]


def reload_corpus(
    known: StoredCorpus,
    config: TrainingConfig,
    vocabulary: Vocabulary,
    search: CorpusSearch,
    progress: Progress | None = None,
) -> Corpus:
    """The corpus of a run with the same splits."""
    prepared, val_corpus = reload_texts(known, config, search, progress)
    return divide(prepared, config, vocabulary, val_corpus)


def reload_texts(
    known: StoredCorpus, config: TrainingConfig, search: CorpusSearch, progress: Progress | None = None
) -> tuple[EncodedCorpus, EncodedCorpus | None]:
    """A run's text, and that of ``--val-file`` if it has one.

    Raises:
        CorpusError: one is missing, cannot be read, or has changed.
    """
    prepared = reload_prepared(known, config.corpus, search, progress)
    return prepared, _reload_val_corpus(known, config, search, prepared.source, progress)


def _reload_val_corpus(
    known: StoredCorpus, config: TrainingConfig, search: CorpusSearch, corpus: Source, progress: Progress | None
) -> EncodedCorpus | None:
    """The text of ``--val-file``, or None."""
    stored, sha256 = config.batching.val_file, known.val_sha256
    if stored is None and sha256 is None:
        return None
    if stored is None or sha256 is None:
        raise MissingCorpusError(
            "of the file that the run validates on, it has the name or the sum alone", hint=""
        )
    if stored == "-":
        kept = _find_kept("stdin", "stdin", sha256, config.corpus)
        if kept is None:
            raise MissingCorpusError(f"the run validates on {_ORIGINS['stdin']}, which is not kept", hint="")
        return kept
    others = () if stored in BUILTIN_NAMES else find_moved([stored], search.near(corpus))
    places = chain([stored], (path for (path,) in others))
    with hinting("put back what the run validates on, or put it beside the corpus"):
        return ExpectedText(sha256, 1).first(
            (partial(find_stored, place) for place in places), config.corpus, progress
        )


def reload_prepared(
    known: StoredCorpus, config: CorpusConfig, search: CorpusSearch, progress: Progress | None = None
) -> EncodedCorpus:
    """Find a run's corpus where ``--corpus`` says, where it was, or where it moved.

    Raises:
        CorpusError: it is missing, cannot be read, or has changed.
    """
    wanted = ExpectedText(known.sha256, known.files)
    if search.given:
        given = search.given
        place = (lambda: given) if isinstance(given, Source) else partial(find_source, given, config.glob)
        with hinting("name what the run was trained on, or leave out --corpus"):
            return wanted.first([place], config, progress)
    if known.kind != "built-in" and not known.paths:
        kept = _find_kept(known.name, known.kind, known.sha256, config)
        if kept is None:
            raise MissingCorpusError(
                f"the run was trained on {_ORIGINS.get(known.kind, 'a text')}, which is not kept",
                hint="" if search.given is None else BY_NAME,
            )
        return kept
    places: Iterable[Callable[[], Source]] = [partial(make_builtin_source, known.name)]
    if known.kind != "built-in":
        moved = (
            partial(find_files, each, config.glob, MOST_FOLDERS)
            for each in find_moved(known.paths, search.near())
        )
        places = chain([partial(find_files, known.paths, config.glob)], moved)
    put_back = "put back what the run was trained on"
    with hinting(put_back if search.given is None else f"{put_back}, or {BY_NAME}"):
        return wanted.first(places, config, progress)


def _find_kept(name: str, kind: Kind, sha256: str, config: CorpusConfig) -> EncodedCorpus | None:
    """A text from a pipe, if it is in the cache."""
    return open_entry(hash_name(sha256, config), Source(name, kind, (), ()), config)


@dataclass(frozen=True)
class ExpectedText:
    """A text that must have this sha256."""

    sha256: str
    files: int

    def first(
        self, places: Iterable[Callable[[], Source]], config: CorpusConfig, progress: Progress | None
    ) -> EncodedCorpus:
        """Prepare the text from the first place that has it."""
        errors = []
        for place in places:
            try:
                return self._prepare_from(
                    place().allow_expansion(), config, progress
                )  # as when it was first read
            except CorpusError as error:
                errors.append(error)
        raise errors[0]

    def _prepare_from(self, source: Source, config: CorpusConfig, progress: Progress | None) -> EncodedCorpus:
        if len(source.files) != self.files:
            now = [FileDigest(member.path, 0, "") for member in source.files]
            raise self._mismatch(source, config, now, f"{self.files:,} files then, {len(now):,} now")
        prepared = find_prepared(source, config)
        if prepared is None:
            files: Sequence[FileDigest] = CorpusEncoder(source, config, progress).sums()
            if hash_content(files) == self.sha256:
                prepared = prepare(source, config, progress)
        else:
            files = read_files(prepared.sha256, source.paths, config)
        if prepared is None or prepared.sha256 != self.sha256:
            sha256 = hash_content(files) if prepared is None else prepared.sha256
            difference = f"sha256 {self.sha256[:12]} then, {sha256[:12]} now"
            raise self._mismatch(source, config, files, difference)
        return prepared

    def _mismatch(
        self, source: Source, config: CorpusConfig, now: Sequence[FileDigest], difference: str
    ) -> CorpusError:
        """The error for another text."""
        then = read_files(self.sha256, source.paths, config)
        said = difference if not then or len(then) == len(now) == 1 else _difference(then, now)
        return MissingCorpusError(f"{source.label} is not what the run read ({said})", hint="")


def _difference(then: Sequence[FileDigest], now: Sequence[FileDigest]) -> str:
    """The files that differ."""
    before, after = ({file.path: file.sha256 for file in files} for files in (then, now))
    kinds = {
        "changed": [path for path in before if after.get(path) and after[path] != before[path]],
        "new": [path for path in after if path not in before],
        "gone": [path for path in before if path not in after],
    }
    shown = [
        f"{kind}: {', '.join(map(repr, paths[:_MOST_SHOWN]))}"
        + (f" and {len(paths) - _MOST_SHOWN:,} more" if len(paths) > _MOST_SHOWN else "")
        for kind, paths in kinds.items()
        if paths
    ]
    return "; ".join(shown) or "its files are in another order"


def find_moved(paths: Sequence[str], near: Iterable[Path]) -> Iterator[tuple[str, ...]]:
    """Where paths may be that moved with a folder, nearest first.

    Below every ancestor, every end of the paths is tried.
    """
    parts = [PurePath(path).parts for path in paths]
    literal = [len(list(takewhile(lambda part: not glob.has_magic(part), each))) for each in parts]
    shared = len(list(takewhile(lambda column: len(set(column)) == 1, zip(*parts, strict=False))))
    # At least a file's name stays, or one folder of a pattern, which alone could match anything.
    most = min(shared, *(min(count, len(each)) - 1 for count, each in zip(literal, parts, strict=True)))
    for folder in dict.fromkeys(each for start in near for each in (start, *start.parents)):
        for dropped in range(1, most + 1):
            ends = [each[dropped:] for each in parts]
            kept = [folder.joinpath(*end[: count - dropped]) for end, count in zip(ends, literal, strict=True)]
            found = tuple(str(folder.joinpath(*end)) for end in ends)
            if found != tuple(paths) and all(map(_exists, kept)):
                yield found


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
