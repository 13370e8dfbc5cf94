"""The n-gram trie: the Kneser-Ney model that it was made from, as distributions, which pruning keeps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.models.ngram.counts import count_levels
from charlm.models.ngram.kneser_ney import KneserNey
from charlm.models.ngram.trie import NgramTrie, kept_ngrams
from tests.models.ngram.slow_models import ALPHABET, SlowKneserNey

V = len(ALPHABET)
TRAINING = st.one_of(st.text("abc", min_size=1, max_size=80), st.text(ALPHABET, min_size=1, max_size=80))
DOCUMENTS = st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=12).map(
    lambda documents: f"d{'d'.join(documents)}d"
)
TEXTS = st.text(ALPHABET, min_size=2, max_size=30)
ORDERS = st.integers(1, 5)
MOST = st.one_of(st.none(), st.integers(0, 60))


def make_trie(ids, order, end=None, most=None, vocab_size=V):
    return NgramTrie.from_levels(count_levels(ids, vocab_size, order, end), most)


def distributions(trie, ids, carry=None):
    """The distribution after each character, read one by one (N, V)."""
    contexts, found = trie.begin(1), []
    for place in range(len(ids)):
        if carry is not None and not carry[place]:
            contexts = trie.begin(1)
        contexts = trie.follow(contexts, ids[place : place + 1])
        found.append(trie.probabilities(contexts)[0])
    return np.array(found)


@given(training=TRAINING, text=TEXTS, order=ORDERS)
def test_is_the_kneser_ney_model_over_all_characters(encoded, training, text, order):
    found = distributions(make_trie(encoded(training), order), encoded(text))
    slow = SlowKneserNey(training, order)
    expected = [
        [slow.probability(each, slow.context(text, place + 1, order)) for each in ALPHABET]
        for place in range(len(text))
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@given(training=DOCUMENTS, text=DOCUMENTS, order=ORDERS)
def test_contexts_do_not_cross_the_end_of_a_document(encoded, training, text, order):
    end = ALPHABET.index("d")
    found = distributions(make_trie(encoded(training), order, end), encoded(text))
    slow = SlowKneserNey(training, order, "d")
    expected = [
        [slow.probability(each, slow.context(text, place + 1, order)) for each in ALPHABET]
        for place in range(len(text))
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@given(training=st.one_of(TRAINING, DOCUMENTS), text=TEXTS, order=ORDERS, most=MOST, ended=st.booleans())
def test_sums_to_one_in_every_context_however_pruned(encoded, training, text, order, most, ended):
    trie = make_trie(encoded(training), order, ALPHABET.index("d") if ended else None, most)
    p_NV = distributions(trie, encoded(text))
    np.testing.assert_allclose(p_NV.sum(axis=1), 1, rtol=1e-12)
    assert (p_NV > 0).all()


@given(training=TRAINING, text=TEXTS, order=ORDERS, data=st.data())
def test_a_window_is_read_as_its_characters_are(encoded, training, text, order, data):
    trie, ids = make_trie(encoded(training), order), encoded(text)
    carry = np.array(data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids))), np.float32)
    cut = data.draw(st.integers(1, len(ids) - 1))
    first = trie.read(trie.begin(1), ids[:cut, None], carry[:cut, None])
    second = trie.read(first[-1], ids[cut:, None], carry[cut:, None])
    contexts_NK = np.concatenate([first, second])[:, 0]
    np.testing.assert_array_equal(trie.probabilities(contexts_NK), distributions(trie, ids, carry))


def test_several_sequences_are_read_as_each_alone(encoded):
    trie, ids = make_trie(encoded("abcabdabcacbbda" * 3), 3), encoded("abdcabcaadbc").reshape(6, 2)
    both = trie.read(trie.begin(2), ids)
    for column in (0, 1):
        alone = trie.read(trie.begin(1), ids[:, column : column + 1])
        np.testing.assert_array_equal(both[:, column : column + 1], alone)


def test_sums_to_one_at_random_contexts_of_a_large_vocabulary():
    rng = np.random.default_rng(3)
    ids = (rng.zipf(1.3, 60_000) % 3000).astype(np.uint16)
    trie = make_trie(ids, 4, most=60_000, vocab_size=3000)
    assert len(trie) <= 60_000
    contexts_TBK = trie.read(trie.begin(64), ids[rng.integers(0, len(ids) - 6, 64) + np.arange(6)[:, None]])
    np.testing.assert_allclose(trie.probabilities(contexts_TBK[-1]).sum(axis=1), 1, rtol=0, atol=1e-9)


def test_has_the_loss_of_the_model_it_was_made_from(encoded):
    rng = np.random.default_rng(5)
    ids = rng.choice(V, 4000, p=[0.5, 0.3, 0.15, 0.05]).astype(np.uint8)
    levels = count_levels(ids[:3000], V, 5)
    trie = NgramTrie.from_levels(levels)
    p_NV = trie.probabilities(trie.read(trie.begin(1), ids[3000:-1, None])[:, 0])
    expected = KneserNey.from_levels(levels).nll(ids[3000:-1], ids[3001:])
    np.testing.assert_allclose(-np.log(p_NV[np.arange(len(p_NV)), ids[3001:]]), expected, rtol=1e-12)


def test_pruning_drops_the_rarest_of_the_longest_first(encoded):
    levels = count_levels(encoded("abcabdabcacbbda" * 2 + "dddaca"), V, 4)
    whole = sum(len(level.keys) for level in levels)
    for most in range(whole, 0, -5):
        kept = kept_ngrams(levels, most)
        assert kept[0].all() and sum(mask.sum() for mask in kept) <= max(most, len(levels[0].keys))
        for shorter, level, mask in zip(kept, levels[1:], kept[1:], strict=False):
            assert shorter[level.owners[mask]].all()  # the context of what stays stays
            assert level.counts[~mask].max(initial=0) < level.counts[mask].min(initial=99)
    assert all(mask.all() for mask in kept_ngrams(levels, None))


@given(training=TRAINING, order=ORDERS, most=st.integers(0, 40))
def test_the_probability_of_what_is_pruned_goes_to_shorter_contexts(encoded, training, order, most):
    levels = count_levels(encoded(training), V, order)
    kept = kept_ngrams(levels, most)
    rarest = [1 + level.counts[~mask].max(initial=0) for level, mask in zip(levels, kept, strict=True)]
    slow = SlowKneserNey(training, order)

    def occurrences(text):
        return sum(training.startswith(text, place) for place in range(len(training)))

    def probability(character, context):
        shorter = probability(character, context[1:]) if context else 1 / V
        counts = {each: slow.tables[len(context)][context + each] for each in ALPHABET}
        total = sum(counts.values())
        if total == 0:
            return shorter
        taken = {each: slow.discounts[len(context)][min(n, 3) - 1] if n else 0 for each, n in counts.items()}
        own = {
            each: (counts[each] - taken[each]) / total
            if occurrences(context + each) >= rarest[len(context)]
            else 0
            for each in ALPHABET
        }
        return own[character] + (1 - sum(own.values())) * shorter

    found = distributions(NgramTrie.from_levels(levels, most), encoded("abcabdacbb"))
    text = "abcabdacbb"
    expected = [
        [probability(each, slow.context(text, place + 1, order)) for each in ALPHABET]
        for place in range(len(text))
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
