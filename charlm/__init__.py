"""charlm: character-level recurrent language models, trained, sampled and measured in NumPy.

>>> import charlm
>>> model = charlm.train("to be or not to be, " * 100, hidden=16, steps=60, seq_len=16, batch_size=8)
>>> len(model.sample(20, seed=3))
20
"""

# Nothing is imported here at once: `charlm --help` need not wait for NumPy, and Ctrl-C meets no import unguarded.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from charlm.api.model import Model, load
    from charlm.api.training import train
    from charlm.base.errors import CharlmError
    from charlm.base.version import __version__
    from charlm.inference.language_model import LanguageModel
    from charlm.inference.scoring import Figures, TextMetrics

__all__ = ["CharlmError", "Figures", "LanguageModel", "Model", "TextMetrics", "__version__", "load", "train"]

_HOMES = {
    "CharlmError": "charlm.base.errors",
    "Figures": "charlm.inference.scoring",
    "LanguageModel": "charlm.inference.language_model",
    "Model": "charlm.api.model",
    "TextMetrics": "charlm.inference.scoring",
    "__version__": "charlm.base.version",
    "load": "charlm.api.model",
    "train": "charlm.api.training",
}


def __getattr__(name: str) -> "Any":
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
