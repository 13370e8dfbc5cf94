"""How a model reads a text: its own code for each of the text's symbols, and what it is charged beside that.

A model with an unknown symbol predicts that one, and is then charged for saying which character it was: one of
the R rare characters of its training part or, as one more case, a character that it never saw, which may be any
other code point. That is what a code for it would take, so a vocabulary that leaves more to the unknown symbol
gains nothing by it. A model without one has an escape for what it never saw; see ``unknown_nats``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.data.alphabet import Alphabet
from charlm.data.vocabulary import UNICODE_CODE_POINTS, Vocabulary, unknown_nats


@dataclass(frozen=True, eq=False)
class Recoding:
    """A vocabulary beside an alphabet.

    Attributes:
        ids_A: the vocabulary's code of each of the alphabet's symbols.
        is_read_A: whether the model reads and predicts it; the others, of which it has no code, pass it by.
        is_known_A: whether it is a symbol of its own to the model.
        extra_nats_A: what it costs beside the prediction, or in its place.

    >>> from charlm.data.encoded import EncodedText, CorpusConfig
    >>> alphabet = EncodedText.of_text("abcd", CorpusConfig()).alphabet
    >>> reading = Recoding.of(Vocabulary(("a", "b"), 0, rare=("c",)), alphabet, training_characters=1000)
    >>> reading.ids_A.tolist(), reading.extra_nats_A.round(3).tolist()
    ([0, 1, 2, 2], [0.0, 0.0, 0.693, 14.615])
    """

    ids_A: TokenIds
    is_read_A: npt.NDArray[np.bool_]
    is_known_A: npt.NDArray[np.bool_]
    extra_nats_A: npt.NDArray[np.float64]

    @classmethod
    def of(cls, vocabulary: Vocabulary, alphabet: Alphabet, training_characters: int) -> Recoding:
        """How a model with this vocabulary, trained on so many symbols, reads texts in this alphabet."""
        ids_A = vocabulary.encode_alphabet(alphabet)
        is_unseen_A = ids_A == len(vocabulary)
        extra_nats_A = np.zeros(len(alphabet))
        if vocabulary.unknown is None:
            extra_nats_A[is_unseen_A] = unknown_nats(training_characters, len(vocabulary))
            return cls(ids_A, ~is_unseen_A, ~is_unseen_A, extra_nats_A)
        ids_A[is_unseen_A] = vocabulary.unknown
        is_known_A = ids_A != vocabulary.unknown
        others = UNICODE_CODE_POINTS - len(vocabulary.symbols) - len(vocabulary.rare)
        extra_nats_A[~is_known_A] = math.log(len(vocabulary.rare) + 1)
        extra_nats_A[is_unseen_A] += math.log(others)
        return cls(ids_A, np.ones(len(alphabet), np.bool_), is_known_A, extra_nats_A)

    def read(self, ids: TokenIds) -> tuple[TokenIds, npt.NDArray[np.bool_]]:
        """The model's codes (K,) of the K symbols of a text that it reads, and which of all N those are (N,)."""
        is_read_N = self.is_read_A[ids]
        read_N = self.ids_A[ids]
        return read_N if is_read_N.all() else read_N[is_read_N], is_read_N
