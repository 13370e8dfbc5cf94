"""Sources of text whose entropy rate is known exactly, one file each: a file is a command of ``corpus make``.

On real text nobody knows what a perfect model would reach. Here every character's probability is known, so no
model can honestly be better than the source itself, and what a model falls short by is its own.
"""

from charlm.base.registry import Registry
from charlm.synthetic._base import Drawn, Source
from charlm.synthetic._file import Made, write_text

SOURCES: Registry[Source] = Registry(__name__, Source)  # type: ignore[type-abstract]

__all__ = ["SOURCES", "Drawn", "Made", "Source", "write_text"]
