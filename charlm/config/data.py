"""How a corpus is divided: what is held out, and how the rest is cut into batches."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.base.errors import UsageError
from charlm.config.base import Config, flag, setting


@dataclass(frozen=True)
class DataConfig(Config):
    """The settings of the split and of truncated back-propagation's chunks.

    Raises:
        UsageError: what is held out is said twice.
    """

    seq_len: int = setting(64, "Time steps of a chunk: the length of back-propagation.", low=1, high=1_000_000)
    batch_size: int = setting(64, "Streams that are trained side by side.", low=1, high=1_000_000)
    partition: str = setting(
        "sequential",
        "sequential: parallel streams that carry their state; varied: such streams with other starts and chunk "
        "lengths each epoch; random: shuffled chunks that start afresh.",
        choices=("sequential", "varied", "random"),
    )
    val_fraction: float | None = setting(
        None, "Share of the text, from its end, held out for validation; left out, 0.1.", low=0, below=1
    )
    split: str | None = setting(
        None,
        "Shares for training, validation and test in order, such as 90/10 or 80/10/10, or a convention: "
        "nanogpt, char-rnn, torch-rnn, enwik8, text8.",
        since=2,
    )
    val_file: str | None = setting(None, "Validate on this file instead of a part of the corpus.", since=2)
    test_file: str | None = setting(
        None, "Test on this file, which eval --split test alone reads, instead of a part of the corpus.", since=2
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        others = [name for name in ("split", "val_file", "test_file") if getattr(self, name) is not None]
        for name in others:
            if self.val_fraction is not None:
                raise UsageError(f"--val-fraction and {flag(name)} both say what is held out: leave out one")
            if getattr(self, name) == "":
                raise UsageError(f"{flag(name)} is empty: give a value, or leave it out")
        if self.split is not None and self.val_file is not None:
            raise UsageError("--split and --val-file both say what to validate on: leave out one")
