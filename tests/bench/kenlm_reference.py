"""The loss of KenLM's modified Kneser-Ney models, as a check of charlm's: the same figures to six digits.

    python tests/bench/kenlm_reference.py names.txt --lmplz kenlm/build/bin/lmplz

Each line is a document. Both count the first nine tenths of the lines and score the rest, with contexts of 1 to 5
characters. KenLM's unknown word is a symbol that never occurs here.
"""

import argparse
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from charlm.models.ngram.counts import count_levels
from charlm.models.ngram.kneser_ney import KneserNey

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"


class Arpa:
    """A model with back-off, as ``lmplz`` writes it: the logarithms of probabilities and of back-off weights."""

    def __init__(self, text):
        self.order, self.log_probs, self.back_offs = 0, {}, {}
        for fields in (line.split("\t") for line in text.splitlines()):
            if len(fields) > 1:
                gram = tuple(fields[1].split())
                self.order = max(self.order, len(gram))
                self.log_probs[gram] = float(fields[0]) * math.log(10)
                self.back_offs[gram] = float(fields[2]) * math.log(10) if len(fields) > 2 else 0.0

    def log_prob(self, context, word):
        """The logarithm of a word's probability after a context."""
        if (*context, word) in self.log_probs:
            return self.log_probs[*context, word]
        return self.back_offs.get(context, 0.0) + self.log_prob(context[1:], word)

    def nats(self, documents):
        """The loss per symbol, the ends included."""
        total = count = 0
        for document in documents:
            words = [BEGIN, *(f"c{ord(character)}" for character in document), END]
            for place in range(1, len(words)):
                total -= self.log_prob(tuple(words[max(0, place - self.order + 1) : place]), words[place])
                count += 1
        return total / count


def estimate(lmplz, documents, order):
    """KenLM's model with ``order`` characters of context."""
    text = "".join(" ".join(f"c{ord(character)}" for character in document) + "\n" for document in documents)
    with tempfile.TemporaryDirectory() as folder:
        command = [lmplz, "-o", str(order + 1), "--discount_fallback", "-S", "500M", "-T", folder]
        done = subprocess.run(command, input=text, capture_output=True, check=True, text=True)
    return Arpa(done.stdout)


def charlm_nats(training, scored, order):
    """The same figure of charlm's model."""
    symbols = [*sorted({*"".join(training), *"".join(scored)}), END, UNKNOWN]
    ids = {symbol: code for code, symbol in enumerate(symbols)}
    end = ids[END]
    x, y = (
        np.array([end, *(code for each in part for code in (*map(ids.get, each), end))], np.uint32)
        for part in (training, scored)
    )
    return KneserNey.from_levels(count_levels(x, len(symbols), order, end), end).nll(y[:-1], y[1:]).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument(
        "--lmplz", required=True, help="KenLM's program, built with KENLM_MAX_ORDER of at least 6"
    )
    given = parser.parse_args()
    documents = [line for line in given.text.read_text(encoding="utf-8").split("\n") if line]
    cut = len(documents) * 9 // 10
    training, scored = documents[:cut], documents[cut:]
    for order in range(1, 6):
        kenlm = estimate(given.lmplz, training, order).nats(scored)
        print(f"context {order}: KenLM {kenlm:.6f}, charlm {charlm_nats(training, scored, order):.6f} nats/char")


if __name__ == "__main__":
    main()
