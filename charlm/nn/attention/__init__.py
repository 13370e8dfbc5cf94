"""Attention scores, one file each: a file is a value of ``--attention``."""

from charlm.base.registry import Registry
from charlm.nn.attention_layer import Attention

ATTENTIONS: Registry[Attention] = Registry(__name__, Attention)  # type: ignore[type-abstract]
"""The attention scores by name."""
