"""Time and memory of the search for copies: 1 MB of samples in 100 MB of text.

    python -m tests.bench.copies_speed

Both are drawn from the same made-up words; a tenth of the samples is copied from the text.
"""

from __future__ import annotations

import resource
import time

import numpy as np

from charlm.data.alphabet import Alphabet
from charlm.data.encoded import EncodedText
from charlm.engines.threads import ThreadPool
from charlm.evaluate.copies import find_copies, find_stretches
from charlm.evaluate.measures.memorization import SIZES

TEXT, SAMPLES, COPIED = 100_000_000, 1_000_000, 100_000
SPACE, FIRST_LETTER = 32, 97


def made_text(rng: np.random.Generator, words: list[np.ndarray], size: int) -> np.ndarray:
    """Words at Zipf's frequencies, up to so many characters."""
    shares = 1 / np.arange(1, len(words) + 1)
    chosen = rng.choice(len(words), size // 4, p=shares / shares.sum())
    return np.concatenate([words[number] for number in chosen])[:size]


def main() -> None:
    """Search once."""
    rng = np.random.default_rng(0)
    words = [
        np.append(rng.integers(FIRST_LETTER, FIRST_LETTER + 26, rng.integers(2, 9)), SPACE).astype(np.uint8)
        for _ in range(20_000)
    ]
    text, samples = made_text(rng, words, TEXT), made_text(rng, words, SAMPLES)
    samples[:COPIED] = text[TEXT // 2 : TEXT // 2 + COPIED]
    alphabet = Alphabet.from_counts(np.bincount(text, minlength=128), "characters")
    source = EncodedText(alphabet.table[text], alphabet)
    del text
    start, used = time.perf_counter(), time.process_time()
    with ThreadPool() as pool:
        searches = find_copies(samples.astype(np.uint32), source, SIZES, pool, lambda done, total: None)
        stretches, _ = find_stretches(searches[-1], source, lambda done, total: None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{len(samples):,} characters in {len(source):,}: {time.perf_counter() - start:.1f} s, "
        f"{time.process_time() - used:.1f} s of processor time, at most {peak:.2f} GB; "
        f"longest copy {stretches[0].length:,}"
    )


if __name__ == "__main__":
    main()
