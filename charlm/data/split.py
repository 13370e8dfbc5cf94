"""The split: a text is cut in order, because a shuffled one would leak its context; documents are shuffled whole.

A named convention is what a line of work divides its text by, so that figures compare:

nanogpt    90/10: nanoGPT's ``data/shakespeare_char``; of tiny-shakespeare 1,003,854 and 111,540 characters
char-rnn   95/5: the defaults of Karpathy's char-rnn (2015), which cuts the last 5% from each stream of its
           batch; here they are the last of the text
torch-rnn  80/10/10: the defaults of Johnson's torch-rnn, where the validation and the test part are rounded down
           and the training part is what is left
enwik8     the first 90,000,000 bytes, then 5,000,000, then 5,000,000 (Graves 2013 and most after him); the
           corpus has 100,000,000, read with ``--bytes``
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
    """How a text of any length is divided; see the module for the conventions.

    Attributes:
        train: the training part's share of all three.
        validation: the validation part's.
        test: the test part's.
        total: the only length that is divided so; None where any is.
        is_rest_trained: whether what rounding leaves goes to the training part.
    """

    train: Fraction
    validation: Fraction
    test: Fraction = Fraction(0)
    total: int | None = None
    is_rest_trained: bool = False

    @classmethod
    def of(cls, config: DataConfig) -> Split:
        """The split that the settings say.

        Raises:
            UsageError: ``--split`` is neither shares nor a convention, or has a test part beside ``--test-file``.

        >>> Split.of(DataConfig(split="80/10/10")).lengths(1_115_394)
        (892315, 111539, 111540)
        >>> Split.of(DataConfig(split="torch-rnn")).lengths(1_115_394)
        (892316, 111539, 111539)
        """
        if config.split is not None:
            split = CONVENTIONS.get(config.split) or _shares(config.split)
            if split.test and config.test_file is not None:
                raise UsageError(
                    f"--split {config.split} has a test part, and so does --test-file: leave out one"
                )
            return split
        fraction = DEFAULT_FRACTION if config.val_fraction is None else config.val_fraction
        # The decimal digits that the fraction is written with, so that no rounding of binary ones moves the cut.
        held_out = Fraction(0) if config.val_file is not None else Fraction(str(fraction))
        return cls(1 - held_out, held_out)

    def lengths(self, count: int) -> Lengths:
        """The lengths of the training, the validation and the test part, together ``count``.

        Raises:
            CorpusError: the convention is of another length.
        """
        if count != (self.total or count):
            raise CorpusError(
                f"this --split is a convention for a corpus of {self.total:,} symbols (enwik8 has so many with "
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
    """Divide a corpus into its training, validation and test parts, of which the last two may be empty.

    Documents are shuffled, and divided by their number: none is in two parts.

    Args:
        prepared: the corpus.
        config: how it is divided.
        seed: of the documents' order.
        val_corpus: the text of ``--val-file``; None where there is none.

    Raises:
        UsageError: see ``Split.of``.
        CorpusError: the split is a convention for another length.
    """
    split, ids, alphabet = Split.of(config), prepared.ids, prepared.alphabet
    if alphabet.end is None:
        bounds, order = [0, *accumulate(split.lengths(len(ids)))], ""
        pieces = [ids[start:stop] for start, stop in pairwise(bounds)]
    else:
        ids, ends = shuffled(ids, alphabet, seed, prepared.folder)
        bounds, order = [0, *accumulate(split.lengths(len(ends) - 1))], f"-{seed}"
        # Neighbours share an end symbol: the last target of the one is the first input of the other.
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
    """The split of numbers between slashes.

    Raises:
        UsageError: they are no two or three numbers, the first is 0, or they are percentages of more than all.
    """
    try:
        shares = [Fraction(share) for share in text.split("/")] if _SHARES.fullmatch(text) else []
    except ValueError:
        shares = []
    if not shares or not shares[0]:
        raise UsageError(
            f"--split is {text!r}: it must be the shares for training, validation and test, such as 90/10 or "
            f"80/10/10, or one of {', '.join(CONVENTIONS)}"
        )
    # Ratios such as 1/1/1 are shares too; what adds up to more than 100 is a slip.
    if sum(shares) > 100:
        raise UsageError(
            f"--split {text} adds up to {float(sum(shares)):g}, more than 100: give shares of the text"
        )
    train, validation, *test = shares
    return Split(train, validation, sum(test, Fraction(0)))
