"""How a corpus is divided: what is held out, and how the rest is cut into batches."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.config._base import Config, setting


@dataclass(frozen=True)
class BatchingConfig(Config):
    """The settings of the validation split and of truncated back-propagation's chunks."""

    seq_len: int = setting(64, "Time steps of a chunk: the length of back-propagation.", low=1, high=1_000_000)
    batch_size: int = setting(64, "Streams that are trained side by side.", low=1, high=1_000_000)
    workers: int | None = setting(
        None, "Threads that share a batch's streams; left out, the cores that there are.", low=1, high=1024
    )
    partition: str = setting(
        "sequential",
        "sequential: parallel streams that carry their state; random: shuffled chunks that start from zero.",
        choices=("sequential", "random"),
    )
    val_fraction: float = setting(
        0.1, "Share of the text, from its end, held out for validation.", low=0, below=1
    )
