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

    seq_len: int = setting(64, "BPTT length in characters.", low=1, high=1_000_000, aliases=("seq_length",))
    batch_size: int = setting(64, "Sequences per batch.", low=1, high=1_000_000, aliases=("batch",))
    partition: str = setting(
        "sequential",
        "Windows: sequential (stateful truncated BPTT), varied (the same, new offsets each epoch) or random "
        "(shuffled, no carried state).",
        choices=("sequential", "varied", "random"),
    )
    val_fraction: float | None = setting(
        None, "Fraction for the validation split, from the end.", low=0, below=1, otherwise="0.1"
    )
    split: str | None = setting(
        None,
        "Split as 90/10, 80/10/10, nanogpt, char-rnn, torch-rnn, enwik8 or text8.",
        since=2,
        metavar="SHARES",
        otherwise="90/10",
    )
    val_file: str | None = setting(None, "Validation file.", since=2, metavar="FILE")
    test_file: str | None = setting(None, "Test file, for --split test of charlm eval.", since=2, metavar="FILE")

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
