"""Reading a text from both sides: as windows do it, in stretches, mirrored, and line by line."""

import numpy as np
import pytest

from charlm.config import CorpusConfig, ModelConfig
from charlm.data.encoded import EncodedText
from charlm.data.vocabulary import Vocabulary
from charlm.inference import two_sided
from charlm.inference.two_sided import TwoSidedModel, askable, draw_missing
from charlm.models.base import NetworkSpec
from charlm.nn.readout import log_softmax_

LETTERS = "abcde\n"


def make(lines=False, seed=0, **model):
    config = CorpusConfig(lines=lines)
    part = EncodedText.of_text(LETTERS, config)
    vocabulary = Vocabulary.from_counts(part.alphabet, part.alphabet.counts_A, 1)
    sizes = len(vocabulary) + 1, len(vocabulary)
    network = NetworkSpec("two-sided", ModelConfig(**{"hidden": 4, "dtype": "float64", **model}), *sizes).build()
    network.params.flat[:] = np.random.default_rng(seed).uniform(-0.8, 0.8, network.params.flat.size)
    return TwoSidedModel(network, vocabulary, 100, config)


def draw_text(count, seed=1):
    return "".join(np.random.default_rng(seed).choice(list("abcdeabcde\n"), count))


def slow_log_probs(model, ids, t):
    """The log-probabilities of character t of ids with one context on each side, one step at a time."""
    net = model.network
    f, b = net.ahead.initial_state(1), net.back.initial_state(1)
    for symbol in ids[:t]:
        _, f = net.ahead.step(np.array([symbol]), f)
    for symbol in ids[:t:-1]:
        _, b = net.back.step(np.array([symbol]), b)
    sides = np.concatenate([f[-1][0], b[-1][0]], axis=-1)
    hidden = np.maximum(sides @ net.params["join.W"] + net.params["join.b"], 0)
    return log_softmax_(hidden @ net.params["readout.W_hy"] + net.params["readout.b_y"])[0]


@pytest.mark.parametrize("missing", [False, True])
def test_a_plain_text_is_read_as_character_by_character(missing):
    model = make(layers=2)
    part = EncodedText.of_text(draw_text(40), model.corpus)
    is_missing_N = draw_missing(part, 0.3, np.random.default_rng(0)) if missing else None
    found = model.cloze(part, is_missing_N=is_missing_N)
    y = model.vocabulary.encode_alphabet(part.alphabet)[part.ids].astype(int)
    read = np.append(y, model.vocabulary.start)
    asked = range(1, len(y)) if is_missing_N is None else np.flatnonzero(is_missing_N) + 1
    if missing:
        read[asked] = len(model.vocabulary)
    expected = [slow_log_probs(model, read, t) for t in asked]
    costs = [-log_probs[y[t]] for t, log_probs in zip(asked, expected, strict=True)]
    np.testing.assert_allclose(found.costs_nats, costs, rtol=0, atol=1e-12)
    assert found.is_right.tolist() == [e.argmax() == y[t] for t, e in zip(asked, expected, strict=True)]


def test_documents_are_read_each_by_itself():
    model = make(lines=True)
    lines = ["abc", "d", "eab"]
    found = model.cloze(EncodedText.of_text("\n".join(lines), model.corpus))
    alone = [model.cloze(EncodedText.of_text(line, model.corpus)).costs_nats for line in lines]
    np.testing.assert_allclose(found.costs_nats, np.concatenate(alone), rtol=0, atol=1e-12)
    by_line = model.line_log_probs([model.vocabulary.encode_symbols(line) for line in lines])
    costs = [-row[y] for line, rows in zip(lines, by_line, strict=True)
             for y, row in zip(model.vocabulary.encode_symbols(line), rows, strict=True)]  # fmt: skip
    np.testing.assert_allclose(found.costs_nats, costs, rtol=0, atol=1e-12)


def test_stretches_change_nothing(monkeypatch):
    model = make()
    part = EncodedText.of_text(draw_text(100), model.corpus)
    whole = model.cloze(part)
    monkeypatch.setattr(two_sided, "STRETCH", 17)
    np.testing.assert_allclose(model.cloze(part).costs_nats, whole.costs_nats, rtol=0, atol=1e-12)


def test_a_mirrored_text_with_the_stacks_exchanged_has_the_same_figures():
    model = make()
    mirrored = make()
    params, hidden = mirrored.network.params, model.network.config.hidden
    for name, values in model.network.params.items():
        if name.startswith(("forward.", "backward.")):
            part, _, rest = name.partition(".")
            params[f"{'backward' if part == 'forward' else 'forward'}.{rest}"][:] = values
    params["join.W"][:] = np.roll(model.network.params["join.W"], hidden, axis=0)
    text = "\n" + draw_text(60) + "\n"  # with the start symbol at both ends, as what is beyond them is read
    found = model.cloze(EncodedText.of_text(text[:-1], model.corpus))
    turned = mirrored.cloze(EncodedText.of_text(text[:0:-1], model.corpus))
    np.testing.assert_allclose(turned.costs_nats[::-1], found.costs_nats, rtol=0, atol=1e-12)
    assert turned.accuracy == found.accuracy


def test_an_unknown_character_is_read_as_a_missing_one_and_never_right():
    model = make()
    found = model.cloze(EncodedText.of_text("abcxeab", model.corpus))
    assert found.costs_nats[2] > 10 and not found.is_right[2]
    read = np.append(model.vocabulary.encode_symbols("abcxeab"), model.vocabulary.start)
    assert read[3] == len(model.vocabulary)
    expected = -slow_log_probs(model, read, 2)[read[2]]
    np.testing.assert_allclose(found.costs_nats[1], expected, rtol=0, atol=1e-12)


def test_only_characters_are_asked_for_and_only_missing_ones_counted():
    model = make(lines=True)
    part = EncodedText.of_text("abc\nde\n" * 20, model.corpus)
    assert len(model.cloze(part).costs_nats) == 100 == int(askable(part).sum())
    is_missing_N = draw_missing(part, 0.3, np.random.default_rng(1))
    assert 15 < is_missing_N.sum() < 45 and not (is_missing_N & ~askable(part)).any()
    assert len(model.cloze(part, is_missing_N=is_missing_N).costs_nats) == is_missing_N.sum()
    assert draw_missing(part, 0.0, np.random.default_rng(1)).sum() == 1
