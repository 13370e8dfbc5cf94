"""Checkpoints of a model and its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charlm.base.arrays import FlatVector, Floats, Shapes
from charlm.config import ModelConfig
from charlm.models.base import NetworkSpec
from charlm.models.torch_layout import from_tensors, is_of_model, tensor_shapes, to_torch
from charlm.runs.format_version import FORMAT
from charlm.runs.tensors import check_file, load_tensors, save_tensors


@dataclass(frozen=True)
class Checkpoint:
    """The contents of one file."""

    params: FlatVector
    extras: Mapping[str, Floats] = field(default_factory=dict)
    scalars: Mapping[str, Any] = field(default_factory=dict)
    version: int = FORMAT


def save_checkpoint(path: Path, checkpoint: Checkpoint, config: ModelConfig) -> None:
    """Replace a file by a checkpoint."""
    save_tensors(path, {**checkpoint.extras, **to_torch(checkpoint.params, config)}, checkpoint.scalars)


def load_checkpoint(path: Path, network: NetworkSpec, extras: Shapes | None = None) -> Checkpoint:
    """Read a checkpoint; ``extras`` gives all further shapes, None ignores them.

    Raises:
        RunError: it cannot be read.
        CheckpointError: it is damaged, too new, or of another model.
    """
    config, shapes = network.config, network.shapes
    expected = {**(extras or {}), **tensor_shapes(shapes, config)}
    others = _is_extra if extras is None else (lambda name: False)
    tensors, scalars, version = load_tensors(path, expected, config.dtype, others=others)
    params = from_tensors(tensors, shapes, config)
    return Checkpoint(params, {name: tensors[name] for name in extras or {}}, scalars, version)


def check_checkpoint(path: Path, network: NetworkSpec) -> None:
    """Check by a file's header alone that it holds this model.

    Raises:
        RunError: it cannot be read.
        CheckpointError: it is damaged, too new, or of another model.
    """
    expected = tensor_shapes(network.shapes, network.config)
    check_file(path, expected, network.config.dtype, others=_is_extra)


def _is_extra(name: str) -> bool:
    """Whether a tensor is not a model's."""
    return not is_of_model(name)
