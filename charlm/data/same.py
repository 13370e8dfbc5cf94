"""A text that must be the one it was: judged by its sum, before anything of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from charlm.base.errors import CorpusError
from charlm.base.progress import Progress
from charlm.config import CorpusConfig
from charlm.data.cache.store import content_sum, read_files
from charlm.data.corpus import found, prepare
from charlm.data.prepared import EncodedCorpus
from charlm.data.reading.encode import CorpusEncoder, FileDigest
from charlm.data.reading.sources import Source

_MOST_SHOWN = 3


@dataclass(frozen=True)
class Wanted:
    """The text that is wanted.

    Attributes:
        sha256: of its content, in hexadecimal.
        files: how many it was read from.
        refusal: what to say of another text, of its label and how it differs.
    """

    sha256: str
    files: int
    refusal: Callable[[str, str], str]

    def first(
        self, places: Iterable[Callable[[], Source]], config: CorpusConfig, progress: Progress | None
    ) -> EncodedCorpus:
        """Prepare it from the first of some places where it is, or find it in the cache.

        Raises:
            CorpusError: it is in none; what is said is of the first place.
        """
        complaints = []
        for place in places:
            try:
                return self._prepare(place().expanding(), config, progress)  # it may, as it did at first
            except CorpusError as error:
                complaints.append(error)
        raise complaints[0]

    def _prepare(self, source: Source, config: CorpusConfig, progress: Progress | None) -> EncodedCorpus:
        if len(source.members) != self.files:
            now = [FileDigest(member.path, 0, "") for member in source.members]
            raise self._refused(source, config, now, f"{self.files:,} files then, {len(now):,} now")
        prepared = found(source, config)
        if prepared is None:
            files: Sequence[FileDigest] = CorpusEncoder(source, config, progress).sums()
            if content_sum(files) == self.sha256:
                prepared = prepare(source, config, progress)
        else:
            files = read_files(prepared.sha256, source.paths, config)
        if prepared is None or prepared.sha256 != self.sha256:
            sha256 = content_sum(files) if prepared is None else prepared.sha256
            difference = f"sha256 {self.sha256[:12]} then, {sha256[:12]} now"
            raise self._refused(source, config, files, difference)
        return prepared

    def _refused(
        self, source: Source, config: CorpusConfig, now: Sequence[FileDigest], difference: str
    ) -> CorpusError:
        """What to say of another text: which files differ, where the cache still knows what they were."""
        then = read_files(self.sha256, source.paths, config)
        said = difference if not then or len(then) == len(now) == 1 else _difference(then, now)
        return CorpusError(self.refusal(source.label, said))


def _difference(then: Sequence[FileDigest], now: Sequence[FileDigest]) -> str:
    """What is not the same any more, by file; those whose sum is not known now may have changed as well."""
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
