"""A folder of classes from a zip archive: exactly the files that the catalog lists, each with its sum.

Nothing else of the archive is read, so that paths, links and other files in it have no effect.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from charlm.base.errors import CorpusError
from charlm.base.files.atomic import PRIVATE, new_file

MOST_MEMBERS = 10_000
"""Files of an archive; reading the list of many more takes long."""


@dataclass(frozen=True)
class RemoteFolder:
    """A zip archive of at most ``most`` bytes, and the files of its ``folder`` with their sha256."""

    address: str
    most: int
    folder: str
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            ValueError: one is not the plain name of a file.
        """
        for name in self.files:
            if name != Path(name).name or name.startswith(".") or "\\" in name:
                raise ValueError(f"{name!r} is not the plain name of a file")

    def unpack(self, archive: Path, most: int, into: Path) -> None:
        """Write the files to an existing folder; together they have ``most`` bytes.

        Raises:
            CorpusError: the archive is damaged, too large, or has other files.
        """
        try:
            with zipfile.ZipFile(archive) as opened:
                for name, data in self._read(opened, most).items():
                    with new_file(into / name, PRIVATE) as file:
                        file.write(data)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise CorpusError(f"the archive from {self.address} cannot be unpacked ({error})") from None

    def _read(self, archive: zipfile.ZipFile, most: int) -> Mapping[str, bytes]:
        """The contents of the files."""
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise CorpusError(f"the archive from {self.address} has more than {MOST_MEMBERS:,} files")
        found: dict[str, bytes] = {}
        for name, sha256 in self.files.items():
            own = [member for member in members if member.filename == f"{self.folder}/{name}"]
            if len(own) != 1 or not _is_plain(own[0]):
                raise self._refuse(name, "is not there, or not a plain file")
            with archive.open(own[0]) as file:
                # The size that an archive states need not be true.
                found[name] = file.read(most + 1)
            most -= len(found[name])
            if most < 0 or _sum(found[name]) != sha256:
                raise self._refuse(name, f"does not have the hash {sha256}")
        return found

    def _refuse(self, name: str, why: str) -> CorpusError:
        return CorpusError(f"{self.folder}/{name} of the archive from {self.address} {why}: nothing is kept")


def holds(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether a folder has exactly these files, with these sha256."""
    try:
        names = {path.name for path in folder.iterdir()}
        return names == files.keys() and all(
            not (folder / name).is_symlink() and _sum((folder / name).read_bytes()) == sha256
            for name, sha256 in files.items()
        )
    except OSError:
        return False


def _is_plain(member: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind in (0, stat.S_IFREG) and not member.is_dir()


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
