"""What is scored at each validation, and whether it says anything of the network."""

from __future__ import annotations

import numpy as np

from charlm.data.corpus import Corpus
from charlm.data.encoded import EncodedText

VALIDATION_CHARACTERS = 250_000  # scored at each validation, from the part's start; eval scores the whole part
TELLING_SHARE = 0.5  # of the targets that the vocabulary must have: the others cost the same with any weights


def validation_part(corpus: Corpus) -> EncodedText | None:
    """The beginning of what is held out; None where its cost would say nothing of the network.

    It says nothing where nothing is held out, or where most of it is characters that the training part lacks:
    those cost the same whatever the network has learned.
    """
    part = corpus.validation[:VALIDATION_CHARACTERS]
    if len(part) < 2:
        return None
    is_known_A = corpus.vocabulary.encode_alphabet(part.alphabet) < len(corpus.vocabulary)
    return part if np.mean(is_known_A[part.ids[1:]]) >= TELLING_SHARE else None
