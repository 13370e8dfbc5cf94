"""A run with an adaptive softmax: ids in the order of frequency, and probabilities of all symbols."""

import collections

import numpy as np
import pytest

import charlm
from charlm.inference.language_model import load_run
from charlm.runs.run import Run

TEXT = "the quick brown fox jumps over the lazy dog.\n" * 40
SETTINGS = {"hidden": 8, "encoding": "embedding", "embedding_size": 5, "tied": True, "adaptive_softmax": True}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adaptive")
    (folder / "fox.txt").write_text(TEXT)
    sizes = {"steps": 30, "seq_len": 16, "batch_size": 8, "workers": 1, "ngram": 3}
    charlm.train(folder / "fox.txt", out=folder / "fox-1", progress=None, **sizes, **SETTINGS)
    return Run.open(folder / "fox-1")


def test_ids_are_in_the_order_of_frequency_in_the_training_split(run):
    counts = collections.Counter(TEXT[: run.corpus.training_characters])
    found = [counts[symbol] for symbol in run.vocabulary.symbols]
    assert found == sorted(found, reverse=True) and run.vocabulary.by_frequency
    assert run.vocabulary.symbols[run.vocabulary.start] == "\n"


@pytest.mark.parametrize("mix", [False, True])
def test_surprisal_is_the_next_characters_of_one_distribution(run, mix):
    model = load_run(run, mix)
    text = "\na lazy fox\n"
    surprisal_N = model.surprisal(text)
    for place in range(1, len(text)):
        likely = dict(model.next(text[:place], k=len(run.vocabulary)))
        assert sum(likely.values()) == pytest.approx(1, abs=1e-5)
        assert -np.log2(likely[text[place]]) == pytest.approx(surprisal_N[-len(text) + place], rel=1e-3)
    assert model.sample(40, seed=1) == model.sample(40, seed=1)
