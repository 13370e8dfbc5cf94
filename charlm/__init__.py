"""charlm: character-level recurrent language models, trained, sampled and measured in NumPy.

>>> import charlm
>>> model = charlm.train("to be or not to be, " * 100, hidden=16, steps=60, seq_len=16, batch_size=8)
>>> len(model.sample(20, seed=3))
20
"""

from typing import TYPE_CHECKING, Any

from charlm.errors import CharlmError

if TYPE_CHECKING:
    from charlm.api import load, train
    from charlm.language_model import LanguageModel
    from charlm.scoring import Figures

__version__ = "0.3.0"

__all__ = ["CharlmError", "Figures", "LanguageModel", "__version__", "load", "train"]

_HOMES = {
    "Figures": "charlm.scoring",
    "LanguageModel": "charlm.language_model",
    "load": "charlm.api",
    "train": "charlm.api",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``charlm --help`` need not wait for NumPy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
