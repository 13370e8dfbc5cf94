"""The validation text of training."""

from __future__ import annotations

import numpy as np

from charlm.data.corpus import Corpus
from charlm.data.encoded import EncodedText

VALIDATION_CHARACTERS = 250_000  # scored at each validation; eval scores the whole split
TELLING_SHARE = 0.5  # of the targets that must be known: an unknown one costs the same with any weights


def validation_part(corpus: Corpus) -> EncodedText | None:
    """The beginning of the validation split; None if missing or mostly unknown."""
    part = corpus.validation[:VALIDATION_CHARACTERS]
    if len(part) < 2:
        return None
    is_known_A = corpus.vocabulary.encode_alphabet(part.alphabet) < len(corpus.vocabulary)
    return part if np.mean(is_known_A[part.ids[1:]]) >= TELLING_SHARE else None
