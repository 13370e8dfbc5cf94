"""Entropy rates from first principles: differences of the entropies of all texts of a length, one by one."""

from collections import defaultdict
from itertools import product
from math import log2

import numpy as np
import pytest

from charlm.data.synthetic.brackets import PAIRS, Brackets
from charlm.data.synthetic.copy import Copy
from charlm.data.synthetic.counting import Counting
from charlm.data.synthetic.markov import Markov
from charlm.data.synthetic.mirror import Mirror
from tests.data.synthetic.drawing import draw


def entropy_bits(probabilities):
    return -sum(p * log2(p) for p in probabilities if p > 0)


def block_entropies(go_on, state, length):
    """H(x_1 ... x_n) for n of 0 to ``length``, where ``go_on(state)`` lists (character, probability, state)."""
    texts = {("", state): 1.0}
    found = [0.0]
    for _ in range(length):
        longer = defaultdict(float)
        for (text, before), probability in texts.items():
            for character, share, after in go_on(before):
                longer[text + character, after] += probability * share
        texts = longer
        found.append(entropy_bits(texts.values()))
    return found


@pytest.mark.parametrize(("depth", "kinds", "opening"), [(1, 3, 0.5), (2, 2, 0.3), (3, 1, 0.7), (4, 1, 0.5)])
def test_brackets(depth, kinds, opening):
    def go_on(stack):
        up = {0: 1.0, depth: 0.0}.get(len(stack), opening)
        for left, right in PAIRS[:kinds] if up else ():
            yield left, up / kinds, stack + right
        if up < 1:
            yield stack[-1], 1 - up, stack[:-1]

    *_, before, _, last = block_entropies(go_on, "", 16 if kinds == 1 else 12)
    # Heights are even and odd in turn, so only two steps together are a fair sample.
    assert (last - before) / 2 == pytest.approx(
        Brackets(depth=depth, kinds=kinds, opening=opening).bits_per_char, rel=5e-3
    )


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_markov(order):
    source = Markov(order=order, symbols=3, chain_seed=2)
    contexts = list(product(range(3), repeat=order))
    transition = np.zeros((len(contexts), len(contexts)))
    for context, row in zip(contexts, source.rows_CS, strict=True):
        for symbol, probability in enumerate(row):
            after = (*context, symbol)[1:] if order else ()
            transition[contexts.index(context), contexts.index(after)] += probability
    values, vectors = np.linalg.eig(transition.T)
    stationary = np.real(vectors[:, np.argmin(abs(values - 1))])
    stationary /= stationary.sum()
    np.testing.assert_allclose(source.stationary_C, stationary, atol=1e-12)
    # H(x_1 ... x_n+1) - H(x_1 ... x_n) is the rate once n is the order.
    joint = [p * q for p, row in zip(stationary, source.rows_CS, strict=True) for q in row]
    assert source.bits_per_char == pytest.approx(entropy_bits(joint) - entropy_bits(stationary))


def test_markov_shows_its_rows_in_its_text():
    source = Markov(order=1, symbols=3, chain_seed=3)
    text = draw(source, 50_000, np.random.default_rng(4))
    ids = np.frombuffer(text.characters.encode(), np.uint8) - ord("a")
    counts = np.zeros((3, 3))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), source.rows_CS, atol=0.02)
    np.testing.assert_allclose(text.bits[1:], -np.log2(source.rows_CS[ids[:-1], ids[1:]]))


def test_markov_starts_as_it_goes_on():
    source = Markov(order=1, symbols=3, chain_seed=3)
    first = [draw(source, 1, np.random.default_rng(seed)) for seed in range(4000)]
    assert np.mean([text.bits[0] for text in first]) == pytest.approx(source.bits_per_char, rel=0.03)
    shares = [np.mean([text.characters == letter for text in first]) for letter in "abc"]
    np.testing.assert_allclose(shares, source.stationary_C, atol=0.03)


def test_brackets_close_what_is_open_and_no_more():
    source = Brackets(depth=3, kinds=2, opening=0.7)
    text = draw(source, 5000, np.random.default_rng(1))
    stack, heights = [], set()
    for character, bits in zip(text.characters, text.bits, strict=True):
        up = {0: 1.0, 3: 0.0}.get(len(stack), 0.7)
        if character in "([":
            stack.append(character)
            assert bits == pytest.approx(-log2(up / 2))
        else:
            assert stack.pop() + character in ("()", "[]")
            assert bits == pytest.approx(-log2(1 - up))
        heights.add(len(stack))
    assert heights == {0, 1, 2, 3}


def test_brackets_are_at_each_height_as_often_as_said():
    source = Brackets(depth=3, kinds=1, opening=0.7)
    steps = np.where(np.array([*draw(source, 40_000, np.random.default_rng(1)).characters]) == "(", 1, -1)
    shares = np.bincount(steps.cumsum(), minlength=4) / len(steps)
    np.testing.assert_allclose(shares, source.stationary, atol=0.01)


def test_very_deep_brackets_have_a_rate_too():
    # All but always at one end of the stack: every second step is certain, the other a coin of 0.0114 bits.
    assert Brackets(depth=1000, kinds=1, opening=0.999).bits_per_char == pytest.approx(0.0057, abs=1e-4)
    assert Brackets(depth=1000, kinds=1, opening=0.001).bits_per_char == pytest.approx(0.0057, abs=1e-4)


def test_a_copy_comes_a_lag_after_its_letter():
    source = Copy(lag=9, width=4, symbols=3)
    text = draw(source, 14 * 50, np.random.default_rng(1)).characters
    for line in text.splitlines():
        assert line[:4] == line[9:] and line[4:9] == "....:" and len(line) == 13
    assert set(text) == set("abc.:\n")
    assert draw(Copy(lag=2), 8, np.random.default_rng(0)).characters[1::4] == "::"
    # 4 letters of 3 kinds decide 14 characters, the newline among them.
    assert source.bits_per_char == pytest.approx(log2(3**4) / 14)


def test_counting_has_as_many_of_both():
    source = Counting(longest=4)
    drawn = draw(source, 3000, np.random.default_rng(2))
    lines = drawn.characters.splitlines()[:-1]
    assert set(lines) == {"ab", "aabb", "aaabbb", "aaaabbbb"}
    # 4 lines, equally likely, of 3, 5, 7 and 9 characters.
    assert source.bits_per_char == pytest.approx(2 / 6)
    place = 0
    for line in lines:
        assert drawn.bits[place : place + len(line) + 1].sum() == pytest.approx(2)
        place += len(line) + 1
    assert Counting(longest=1).bits_per_char == 0


def test_a_mirrored_line_repeats_its_first_half_but_for_the_noise():
    source = Mirror(width=3, symbols=4, noise=0.25)
    drawn = draw(source, 7 * 4000, np.random.default_rng(2))
    lines = [line for line in drawn.characters.splitlines() if len(line) == 6]
    assert {len(line) for line in drawn.characters.splitlines()} == {6}
    others = np.mean([a != b for line in lines for a, b in zip(line[:3], line[:2:-1], strict=True)])
    assert others == pytest.approx(0.25, abs=0.01)
    noise = -0.75 * log2(0.75) - 0.25 * log2(0.25 / 3)
    assert source.bits_per_char == pytest.approx(3 * (2 + noise) / 7)
    assert source.bits_per_missing == pytest.approx(6 * noise / 7)
    # A letter given its mirror image, counted.
    pairs = np.zeros((4, 4))
    for line in lines:
        for a, b in zip(line[:3], line[:2:-1], strict=True):
            pairs[ord(a) - 97, ord(b) - 97] += 1
    joint = pairs / pairs.sum()
    conditional = entropy_bits(joint.ravel()) - entropy_bits(joint.sum(axis=0))
    assert conditional == pytest.approx(noise, rel=0.02)
