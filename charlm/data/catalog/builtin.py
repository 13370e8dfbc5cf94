"""Built-in corpora: text that comes with Python, so it differs between versions.

``python-docs`` is about 465 kB of English; ``python-source`` is about 12 MB of code.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Callable
from pathlib import Path

from charlm.base.errors import CorpusError

_LEFT_OUT = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"})


def read_builtin(name: str) -> str:
    """The text of a built-in corpus; CorpusError if there is none."""
    if name not in _READERS:
        raise CorpusError(f"no built-in corpus is called {name!r}", hint=f"there are {', '.join(BUILTIN_NAMES)}")
    text = _READERS[name]()
    if not text:
        raise CorpusError(
            f"the built-in corpus {name} is not there, because this Python came without those files",
            hint="give a text file, or install the full standard library",
        )
    return text


def _python_docs() -> str:
    """The language reference's topics, sorted by name."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        return ""
    return "\n".join(topics[name] for name in sorted(topics))


def _python_source() -> str:
    """The standard library's files in UTF-8, sorted by path, without tests."""
    library = Path(sysconfig.get_path("stdlib"))
    paths: list[Path] = []
    for folder, subfolders, names in os.walk(library):
        # Removed from the list, a folder is not entered: site-packages can be huge.
        subfolders[:] = [name for name in subfolders if name not in _LEFT_OUT]
        paths.extend(Path(folder, name) for name in names if name.endswith(".py"))
    texts = map(_utf8_text, sorted(paths))
    return "\n".join(text for text in texts if text)


def _utf8_text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise CorpusError(
            f"{str(path)!r} cannot be read ({error.strerror})", hint="give a text file instead"
        ) from None


_READERS: dict[str, Callable[[], str]] = {"python-docs": _python_docs, "python-source": _python_source}

BUILTIN_NAMES = tuple(_READERS)
DEFAULT_CORPUS = "python-docs"
