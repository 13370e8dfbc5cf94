"""Splitting a corpus: a text is cut in order; documents are shuffled first.

nanogpt    90/10: nanoGPT's ``data/shakespeare_char``
char-rnn   95/5: Karpathy's char-rnn (2015), there the end of each sequence of the batch
torch-rnn  80/10/10: Johnson's torch-rnn, with validation and test rounded down
enwik8     90, 5 and 5 million bytes (Graves 2013)
text8      the same numbers of characters (Mikolov et al. 2012)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor
from typing import TypeAlias

from charlm.base.errors import CorpusError, UsageError
from charlm.config import DataConfig
from charlm.data.encoded import EncodedCorpus, EncodedText
from charlm.data.reading.documents import shuffled

Lengths: TypeAlias = tuple[int, int, int]

DEFAULT_FRACTION = 0.1
_SHARES = re.compile(r"[0-9.]+(/[0-9.]+){1,2}")


@dataclass(frozen=True)
class Split:
    """Shares of the three splits; ``total`` is the only length allowed."""

    train: Fraction
    validation: Fraction
    test: Fraction = Fraction(0)
    total: int | None = None
    is_rest_trained: bool = False

    @classmethod
    def of(cls, config: DataConfig) -> Split:
        """The split of these settings.

        Raises:
            UsageError: ``--split`` is invalid, or there are two test splits.

        >>> Split.of(DataConfig(split="80/10/10")).lengths(1_115_394)
        (892315, 111539, 111540)
        >>> Split.of(DataConfig(split="torch-rnn")).lengths(1_115_394)
        (892316, 111539, 111539)
        """
        if config.split is not None:
            split = CONVENTIONS.get(config.split) or _shares(config.split)
            if split.test and config.test_file is not None:
                raise UsageError(
                    f"--split {config.split} has a test split, and so does --test-file: leave out one"
                )
            return split
        fraction = DEFAULT_FRACTION if config.val_fraction is None else config.val_fraction
        # Exact decimal digits, so that binary rounding cannot move the cut.
        held_out = Fraction(0) if config.val_file is not None else Fraction(str(fraction))
        return cls(1 - held_out, held_out)

    def lengths(self, count: int) -> Lengths:
        """The splits' lengths in symbols or documents.

        Raises:
            CorpusError: the convention is for another length.
        """
        if count != (self.total or count):
            raise CorpusError(
                f"this --split is a convention for a corpus of {self.total:,} symbols (enwik8 has them with "
                f"--bytes, text8 without), and this one has {count:,}",
                hint="give shares, such as --split 90/5/5",
            )
        whole = self.train + self.validation + self.test
        if self.is_rest_trained:
            validation, test = (floor(count * share / whole) for share in (self.validation, self.test))
            return count - validation - test, validation, test
        first, second = (floor(count * share / whole) for share in (self.train, self.train + self.validation))
        return first, second - first, count - second


CONVENTIONS = {
    "nanogpt": Split(Fraction(90), Fraction(10)),
    "char-rnn": Split(Fraction(95), Fraction(5)),
    "torch-rnn": Split(Fraction(80), Fraction(10), Fraction(10), is_rest_trained=True),
    "enwik8": Split(Fraction(90), Fraction(5), Fraction(5), total=100_000_000),
    "text8": Split(Fraction(90), Fraction(5), Fraction(5), total=100_000_000),
}


def split_corpus(
    prepared: EncodedCorpus, config: DataConfig, seed: int, val_corpus: EncodedCorpus | None
) -> tuple[EncodedText, EncodedText, EncodedText]:
    """Split a corpus into training, validation and test splits.

    Raises:
        UsageError: the settings are invalid.
        CorpusError: the length is wrong, or shuffling fails.
    """
    split, ids, alphabet = Split.of(config), prepared.ids, prepared.alphabet
    if alphabet.end is None:
        bounds, order = [0, *accumulate(split.lengths(len(ids)))], ""
        pieces = [ids[start:stop] for start, stop in pairwise(bounds)]
    else:
        ids, ends = shuffled(ids, alphabet, seed, prepared.folder)
        bounds, order = [0, *accumulate(split.lengths(len(ends) - 1))], f"-{seed}"
        # Neighboring splits share an end symbol: the last target of one is the first input of the next.
        pieces = [
            ids[ends[start] : ends[stop] + 1] if start < stop else ids[:0] for start, stop in pairwise(bounds)
        ]
    train, validation, test = (
        EncodedText(piece, alphabet, prepared.folder and prepared.folder / f"bigrams-{start}-{stop}{order}")
        for piece, (start, stop) in zip(pieces, pairwise(bounds), strict=True)
    )
    if val_corpus is not None:
        validation = EncodedText.of(val_corpus)
    return train, validation, test


def _shares(text: str) -> Split:
    """Parse shares such as 80/10/10; UsageError if they are invalid."""
    try:
        shares = [Fraction(share) for share in text.split("/")] if _SHARES.fullmatch(text) else []
    except ValueError:
        shares = []
    if not shares or not shares[0]:
        raise UsageError(
            f"--split is {text!r}: it must be the shares for training, validation and test, such as 90/10 or "
            f"80/10/10, or one of {', '.join(CONVENTIONS)}"
        )
    # Ratios such as 1/1/1 are valid; a sum over 100 is probably a mistake.
    if sum(shares) > 100:
        raise UsageError(
            f"--split {text} adds up to {float(sum(shares)):g}, more than 100: give shares of the text"
        )
    train, validation, *test = shares
    return Split(train, validation, sum(test, Fraction(0)))
