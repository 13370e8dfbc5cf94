"""Compare the n-grams with a separate implementation's figures on tiny-shakespeare.

Witten-Bell, mixed down to the uniform distribution over the text's 65 symbols and trained on the first 90%, costs
the last 10% 1.698 nats a character with five characters of context and 1.669 with four. The test suite cannot
say so, because the text is not part of the project:

    python tests/bench/witten_bell_reference.py tinyshakespeare.txt
"""

import sys
from pathlib import Path

from charlm.config import DataConfig
from charlm.data.split import Split
from charlm.data.vocabulary import Vocabulary
from charlm.models.ngram.kneser_ney import KneserNey
from charlm.models.ngram.witten_bell import WittenBell

REFERENCE = {4: 1.669, 5: 1.698}


def main(path):
    text = Path(path).read_bytes().decode()
    vocabulary = Vocabulary.of(text)
    ids = vocabulary.encode(text, path)
    cut = Split.of(DataConfig()).lengths(len(text))[0]
    train, held_out = ids[:cut], ids[cut:]
    means = {}
    for kind in (WittenBell, KneserNey):
        model = kind(train, len(vocabulary), 8)
        means[kind] = [float(costs.mean()) for costs in model.reader()(held_out[:-1], held_out[1:])]
        print(kind.__name__, " ".join(f"{order}: {mean:.4f}" for order, mean in enumerate(means[kind])))
    wrong = [order for order, nats in REFERENCE.items() if round(means[WittenBell][order], 3) != nats]
    sys.exit(f"Witten-Bell differs from the reference at order {wrong}" if wrong else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
