"""Time training steps of a classifier, plain or a pyramid, on random texts of one length."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace

import numpy as np

from charlm.config import EngineConfig
from charlm.data.reading.sources import make_text_source
from charlm.training.presets import resolve_settings
from charlm.training.start import new_trainer
from charlm.training.trainer import Trainer

LENGTHS = (64, 256)
ROUNDS = 7
BATCHES = 4  # of different texts


@dataclass(frozen=True)
class ClassifierSize:
    """A classifier and its batches."""

    cell: str
    hidden: int
    layers: int
    batch_size: int
    seq_len: int


@dataclass(frozen=True)
class StepTime:
    """Milliseconds of a training step, as medians; ``ratio`` is that of the rounds, each of both in turn."""

    seq_len: int
    plain_ms: float
    pyramid_ms: float | None
    ratio: float | None


def time_steps(size: ClassifierSize, pyramid: bool, engine: EngineConfig) -> StepTime:
    """Time the plain network, and the pyramid too if it is asked for.

    Raises:
        UsageError: a pyramid has one layer.
    """
    with ExitStack() as stack:
        wanted = (False, True) if pyramid else (False,)
        kinds = [stack.enter_context(closing(_make_trainer(size, each, engine))) for each in wanted]
        rounds = [[_milliseconds(trainer) for trainer in kinds] for _ in range(ROUNDS + 1)][1:]
    medians = [statistics.median(each) for each in zip(*rounds, strict=True)]
    if not pyramid:
        return StepTime(size.seq_len, medians[0], None, None)
    ratio = statistics.median(plain / other for plain, other in rounds)
    return StepTime(size.seq_len, medians[0], medians[1], ratio)


def _make_trainer(size: ClassifierSize, pyramid: bool, engine: EngineConfig) -> Trainer:
    rng = np.random.default_rng(0)
    texts = rng.integers(ord("a"), ord("z") + 1, (BATCHES * size.batch_size, size.seq_len)).astype(np.uint8)
    lines = "".join(f"{bytes(text).decode()}\t{'xy'[number % 2]}\n" for number, text in enumerate(texts))
    settings = resolve_settings(
        {"task": "classify", "labels": "tab", "pyramid": pyramid, "steps": 1, "val_fraction": 0.0, "dropout": 0.0,
         **{name: getattr(size, name) for name in ("cell", "hidden", "layers", "batch_size")}}
    )  # fmt: skip
    return new_trainer(make_text_source(lines), replace(settings, config=replace(settings.config, engine=engine)))


def _milliseconds(trainer: Trainer) -> float:
    """The time of a step, the mean over all texts."""
    began = time.perf_counter()
    for _ in range(BATCHES):
        trainer.state, *_ = trainer.step(0.0)
    return 1e3 * (time.perf_counter() - began) / BATCHES
