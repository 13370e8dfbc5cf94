"""One writer a run: whoever trains it holds a lock in its folder, which readers never ask for.

The lock is the operating system's (see ``charlm.base.files.lock``): killing its holder frees it, and the file
``.lock`` stays in the folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from charlm.base.errors import RunError
from charlm.base.files.lock import hold

LOCK = ".lock"


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a run's folder, which is made where it is missing.

    Raises:
        RunError: another one is in it, or the system refuses.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(hold(folder / LOCK, wait=False))
        except BlockingIOError as error:
            raise RunError(
                f"{folder} is being trained: {error.strerror}; wait for that training, or stop it"
            ) from None
        except OSError as error:
            raise RunError(f"{folder} cannot be used: {error.strerror}; give another folder") from error
        yield
