"""The private cache folder, marked by CACHEDIR.TAG (https://bford.info/cachedir/)."""

from __future__ import annotations

import os
import shlex
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from charlm.base.errors import CharlmWarning
from charlm.base.files.atomic import PRIVATE, atomic_file

VARIABLE = "CHARLM_CACHE_DIR"
MARK = "CACHEDIR.TAG"

PRIVATE_FOLDER = 0o700
"""The mode of a folder that only its owner may enter."""

_temporary: ContextVar[Path | None] = ContextVar("temporary", default=None)

_MARKED = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# charlm began this folder, and charlm corpus clean removes from it what charlm has put there.\n"
)


def cache_folder() -> Path:
    """The folder in use: that of ``temporary_cache``, else the user's."""
    return _temporary.get() or user_cache_folder()


def user_cache_folder() -> Path:
    """The folder in ``CHARLM_CACHE_DIR``, else the platform's default."""
    given = os.environ.get(VARIABLE)
    return Path(given).absolute() if given else default_cache_folder()


@contextmanager
def temporary_cache() -> Iterator[None]:
    """Use an empty folder as the cache, and delete it at the end."""
    # Windows cannot delete a file that is still mapped into memory.
    with tempfile.TemporaryDirectory(prefix="charlm-", ignore_cleanup_errors=True) as folder:
        before = _temporary.set(Path(folder))
        try:
            yield
        finally:
            _temporary.reset(before)


def default_cache_folder() -> Path:
    """The platform's default cache folder."""
    import platformdirs  # here, so that it may be missing where the folder is given

    return platformdirs.user_cache_path("charlm", appauthor=False)


def make_cache_folder(name: str = "") -> Path:
    """Create the cache folder, or one in it."""
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
    """Mark a cache folder as charlm's."""
    with atomic_file(root / MARK, PRIVATE) as file:
        file.write(_MARKED)


def is_marked_cache(root: Path) -> bool:
    """Whether charlm created this cache folder."""
    try:
        return stat.S_ISREG((root / MARK).lstat().st_mode) and (root / MARK).read_bytes() == _MARKED
    except OSError:
        return False


def warn_if_readable() -> None:
    """Warn if others may list the cache folder."""
    root = cache_folder()
    mode = stat.S_IMODE(root.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        warnings.warn(
            f"other users may list the cache {root} (mode {mode:o}), but not read what is written there now: "
            f"chmod go= {shlex.quote(str(root))}, or name another folder by {VARIABLE}",
            CharlmWarning,
            stacklevel=2,
        )
