"""Data settings."""

from __future__ import annotations

from dataclasses import dataclass

from charlm.base.errors import UsageError
from charlm.config.base import Config, flag, setting


@dataclass(frozen=True)
class DataConfig(Config):
    """Settings of split and truncated BPTT.

    Raises:
        UsageError: a split is defined twice.
    """

    seq_len: int = setting(64, "BPTT length in characters.", low=1, high=1_000_000)
    batch_size: int = setting(64, "Sequences per batch.", low=1, high=1_000_000)
    partition: str = setting(
        "sequential",
        "sequential: stateful truncated BPTT; varied: the same with new offsets and window lengths each epoch; "
        "random: shuffled windows that start from the initial state.",
        choices=("sequential", "varied", "random"),
    )
    val_fraction: float | None = setting(
        None, "Fraction for the validation split, from the end; default 0.1.", low=0, below=1
    )
    split: str | None = setting(
        None,
        "Train/validation/test shares, such as 90/10 or 80/10/10, or by name: nanogpt, char-rnn, "
        "torch-rnn, enwik8, text8.",
        since=2,
    )
    val_file: str | None = setting(None, "Validation file, instead of a split of the corpus.", since=2)
    test_file: str | None = setting(
        None, "Test file, instead of a split of the corpus; read by eval --split test only.", since=2
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
