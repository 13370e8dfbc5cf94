"""charlm: character-level recurrent language models, trained, sampled and measured in NumPy."""

__version__ = "0.1.0"
