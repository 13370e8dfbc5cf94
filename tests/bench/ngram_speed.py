"""How fast an n-gram model is counted, loaded and asked for the distribution over all characters.

    python tests/bench/ngram_speed.py tinyshakespeare.txt --context 8

The first nine tenths are counted. The contexts are of the last tenth, 64 at once and one at a time.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from charlm.data.vocabulary import Vocabulary
from charlm.models.ngram.counts import count_levels
from charlm.models.ngram.mixture import TENTHS, NgramMixture
from charlm.models.ngram.trie import NgramTrie
from charlm.runs.ngram_file import MOST_NGRAMS, load_ngram, save_ngram

STEPS = 200


def microseconds_per_context(trie, ids, batch_size):
    """The median time of reading a character and giving the next one's distribution."""
    starts = np.random.default_rng(1).integers(0, len(ids) - STEPS, batch_size)
    contexts, seconds = trie.begin(batch_size), []
    for step in range(STEPS):
        began = time.perf_counter()
        contexts = trie.follow(contexts, ids[starts + step])
        trie.probabilities(contexts)
        seconds.append(time.perf_counter() - began)
    return np.median(seconds) / batch_size * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--context", type=int, default=8)
    given = parser.parse_args()
    text = given.text.read_text(encoding="utf-8")
    vocabulary = Vocabulary.of(text)
    ids = vocabulary.encode(text, str(given.text))
    cut = len(ids) * 9 // 10
    began = time.perf_counter()
    trie = NgramTrie.from_levels(count_levels(ids[:cut], len(vocabulary), given.context), MOST_NGRAMS)
    counted = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ngram.safetensors"
        save_ngram(path, NgramMixture(trie, np.ones((TENTHS, TENTHS))), {})
        began = time.perf_counter()
        mixture, _ = load_ngram(path, len(vocabulary))
        mixture.trie.probabilities(trie.begin(1))
        loaded, megabytes = time.perf_counter() - began, path.stat().st_size / 1e6
    print(f"{cut:,} characters, {len(vocabulary):,} symbols: counted in {counted:.1f} s, {len(trie):,} n-grams")
    print(f"{megabytes:.1f} MB, loaded in {loaded:.2f} s")
    for batch_size in (64, 1):
        found = microseconds_per_context(trie, ids[cut:], batch_size)
        print(f"{batch_size} contexts at once: {found:.1f} microseconds each")


if __name__ == "__main__":
    main()
