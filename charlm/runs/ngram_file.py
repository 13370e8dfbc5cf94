"""A run's n-gram model, with the weights of its mixture: ``ngram.safetensors``.

It holds the training text nearly verbatim, in its long n-grams.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charlm.base.arrays import Shapes, id_dtype
from charlm.base.errors import CheckpointError
from charlm.models.ngram.mixture import TENTHS, NgramMixture
from charlm.models.ngram.trie import NgramTrie
from charlm.runs.safetensors_header import TensorSpec
from charlm.runs.tensors import load_tensors, save_tensors

MOST_NGRAMS = 4_000_000  # kept when a text is counted
MOST_READ = 2 * MOST_NGRAMS  # of a file, whose vocabulary alone may be large
MOST_CONTEXT = 32


def save_ngram(path: Path, mixture: NgramMixture, scalars: Mapping[str, Any]) -> None:
    """Replace the file.

    Raises:
        RunError: a system error.
    """
    trie = mixture.trie
    tensors = {name: getattr(trie, name) for name in _dtypes(trie.vocab_size) if name != "weights"}
    save_tensors(path, {**tensors, "weights": mixture.weights}, scalars)


def load_ngram(path: Path, vocab_size: int) -> tuple[NgramMixture, dict[str, Any]]:
    """Read the file, and what was counted.

    Raises:
        RunError: it cannot be read.
        CheckpointError: it is damaged, too large, too new, or of another vocabulary.
    """
    tensors, scalars, _ = load_tensors(path, lambda found: _shapes(found, str(path)), _dtypes(vocab_size))
    weights = tensors.pop("weights")
    trie = NgramTrie(vocab_size, **tensors)
    fault = trie.find_fault()
    if fault is None and not ((weights >= 0) & (weights <= 1)).all():
        fault = "a weight is not between 0 and 1"
    if fault is not None:
        raise CheckpointError(f"{path} is damaged: {fault}")
    return NgramMixture(trie, weights), scalars


def _dtypes(vocab_size: int) -> dict[str, str]:
    return {
        "symbols": id_dtype(vocab_size).name,
        "counts": "uint32",
        "totals": "uint32",
        "children": id_dtype(vocab_size + 1).name,
        "discounts": "float64",
        "weights": "float64",
    }


def _shapes(found: Mapping[str, TensorSpec], where: str) -> Shapes:
    """The shapes that fit the numbers of n-grams, of contexts and of lengths.

    Raises:
        CheckpointError: these are too large.
    """
    ngrams, contexts, lengths = (
        found[name].shape[0] if name in found and found[name].shape else 0
        for name in ("symbols", "children", "discounts")
    )
    if ngrams > MOST_READ or not 0 < contexts <= ngrams or not 1 < lengths <= MOST_CONTEXT + 1:
        raise CheckpointError(f"{where} is damaged: it has {ngrams:,} n-grams of {contexts:,} contexts")
    return {
        "symbols": (ngrams,),
        "counts": (ngrams,),
        "totals": (contexts,),
        "children": (contexts,),
        "discounts": (lengths, 4),
        "weights": (TENTHS, TENTHS),
    }
