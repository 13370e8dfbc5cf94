"""Selected samples: new, unique, of a length; and a bound on what is drawn."""

import pytest

import charlm
from charlm.base.errors import UsageError
from charlm.data.encoded import EncodedText
from charlm.inference import selection as module
from charlm.inference.selection import Selection, documents_of, select

NAMES = "emma\nava\nbo\nolivia\nmia\n"


@pytest.fixture(scope="module")
def model():
    settings = {"hidden": 24, "steps": 60, "seq_len": 12, "batch_size": 4, "lr": 0.02, "workers": 1}
    return charlm.train(NAMES * 60, lines=True, **settings)


def test_candidates_are_the_samples_of_the_seed_in_order(model):
    texts, drawn = select(model, Selection(min_len=3), (), {"num": 5, "seed": 4})
    plain = model.samples(module.BATCH, seed=4)[:drawn]
    assert texts == [text for text in plain if len(text) >= 3]
    assert len(texts) == 5 and texts[-1] == plain[-1]


def test_unique_new_and_the_lengths_hold(model):
    known = documents_of(EncodedText.of_text(NAMES, model.corpus))
    assert known == {"emma", "ava", "bo", "olivia", "mia", ""}
    chosen = Selection(new=True, unique=True, min_len=2, max_len=5)
    texts, _ = select(model, chosen, known, {"num": 20, "temperature": 1.5})
    assert len(set(texts)) == len(texts) == 20
    assert all(2 <= len(text) <= 5 for text in texts) and not known & set(texts)


def test_more_than_a_batch_is_drawn_under_further_seeds(model):
    texts, drawn = select(model, Selection(max_len=5), (), {"num": 100, "seed": 2})
    assert len(texts) == 100 and drawn > 100
    assert texts != texts[:50] * 2


def test_tries_are_bounded(model):
    texts, drawn = select(model, Selection(min_len=10**6), (), {"num": 2})
    assert (texts, drawn) == ([], 2 * module.TRIES)


def test_lengths_that_exclude_everything_and_models_without_documents_are_refused(make_model):
    with pytest.raises(UsageError, match="--max-len 2 is less than --min-len 3"):
        Selection(min_len=3, max_len=2)
    plain = charlm.train("abc " * 99, hidden=4, steps=1, seq_len=8, batch_size=2, workers=1)
    with pytest.raises(UsageError, match="train with --lines"):
        select(plain, Selection(unique=True), (), {})
