"""Encoding a text with a model's vocabulary, and the loss of unseen characters.

With ``<unk>``, a choice among rare characters and any other; else an escape.
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
    """A map from an alphabet's ids to a vocabulary's.

    Symbols that are not read cost the extra loss alone.

    >>> from charlm.data.encoded import EncodedText, CorpusConfig
    >>> alphabet = EncodedText.of_text("abcd", CorpusConfig()).alphabet
    >>> recoding = Recoding.of(Vocabulary(("a", "b"), 0, rare=("c",)), alphabet, training_characters=1000)
    >>> recoding.ids_A.tolist(), recoding.extra_nats_A.round(3).tolist()
    ([0, 1, 2, 2], [0.0, 0.0, 0.693, 14.615])
    """

    ids_A: TokenIds
    is_read_A: npt.NDArray[np.bool_]
    is_known_A: npt.NDArray[np.bool_]
    extra_nats_A: npt.NDArray[np.float64]

    @classmethod
    def of(cls, vocabulary: Vocabulary, alphabet: Alphabet, training_characters: int) -> Recoding:
        """The map for a model trained on this number of symbols."""
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
        """The model's ids (K,), and which symbols it reads (N,)."""
        is_read_N = self.is_read_A[ids]
        read_N = self.ids_A[ids]
        return read_N if is_read_N.all() else read_N[is_read_N], is_read_N
