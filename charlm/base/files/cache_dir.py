"""The cache's own folder: private, and marked as charlm's where charlm began it.

The mark is the one that backup programs know (https://bford.info/cachedir/), with a line of charlm's own. What is
in a folder without it may be anybody's.
"""

from __future__ import annotations

import os
import shlex
import stat
import warnings
from pathlib import Path

import platformdirs

from charlm.base.errors import CharlmWarning
from charlm.base.files.atomic import PRIVATE, atomic_file

VARIABLE = "CHARLM_CACHE_DIR"
MARK = "CACHEDIR.TAG"

PRIVATE_FOLDER = 0o700
"""The mode of a folder that only its owner may enter."""

_MARKED = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# charlm began this folder, and charlm corpus clean removes from it what charlm has put there.\n"
)


def cache_folder() -> Path:
    """The folder that ``CHARLM_CACHE_DIR`` names, else the platform's own; it may not exist yet."""
    given = os.environ.get(VARIABLE)
    return Path(given).absolute() if given else default_cache_folder()


def default_cache_folder() -> Path:
    """The platform's own place for charlm's cache."""
    return platformdirs.user_cache_path("charlm", appauthor=False)


def make_cache_folder(name: str = "") -> Path:
    """A folder of the cache, or the cache's own, which is made where it is missing.

    Raises:
        OSError: the system refuses.
    """
    root = cache_folder()
    try:
        root.mkdir(PRIVATE_FOLDER, parents=True)
    except FileExistsError:
        if not root.is_dir():
            raise
    if not any(root.iterdir()):
        mark_cache(root)
    room = root / name
    room.mkdir(PRIVATE_FOLDER, exist_ok=True)
    return room


def mark_cache(root: Path) -> None:
    """Mark a cache's folder as charlm's; OSError where the system refuses."""
    with atomic_file(root / MARK, PRIVATE) as file:
        file.write(_MARKED)


def is_marked_cache(root: Path) -> bool:
    """Whether charlm began a cache's folder."""
    try:
        return stat.S_ISREG((root / MARK).lstat().st_mode) and (root / MARK).read_bytes() == _MARKED
    except OSError:
        return False


def warn_if_readable() -> None:
    """Say where others may look into the cache's folder, as its mode is its owner's to choose."""
    root = cache_folder()
    mode = stat.S_IMODE(root.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        warnings.warn(
            f"others may look into the cache {root} (mode {mode:o}), though not into what is put there now: "
            f"chmod go= {shlex.quote(str(root))}, or name another folder by {VARIABLE}",
            CharlmWarning,
            stacklevel=2,
        )
