"""Packed texts against what went in, their size, and where a cut text begins."""

import base64
import json
import zlib

import numpy as np
import pytest

from charlm.data.vocabulary import Vocabulary
from charlm.engines.threads import ThreadPool
from charlm.evaluate.base import Candidate, ColoredText, EvalCase
from charlm.evaluate.measures.surprisal import Surprisal
from charlm.inference.language_model import LanguageModel
from charlm.report.colored import GUESSES, from_line_start, pack
from charlm.report.page import script_json
from charlm.report.surprisal_page import make_surprisal_page

SYMBOLS = {"latin": [chr(97 + i) for i in range(20)], "chinese": [chr(0x4E00 + i) for i in range(400)]}


def unpack(data):
    """Bits and guesses, as js/colored.js reads them."""
    raw = np.frombuffer(zlib.decompress(base64.b64decode(data["packed"])), np.uint8)
    count, width = len(data["text"]), data["guesses"]
    bits, rest = raw[:count], raw[count:].reshape(-1, count, width)
    numbers = rest[1].astype(int) + (256 * rest[2].astype(int) if len(rest) > 2 else 0)
    guesses = [
        [(data["symbols"][number], (share / 255) ** 2) for number, share in zip(*row, strict=True) if share]
        for row in zip(numbers, rest[0].astype(float), strict=True)
    ]
    return [None if each == data["none"] else each / data["bits_unit"] for each in bits], guesses


@pytest.fixture
def make_text():
    """A function that makes a colored text of random numbers."""

    def made(symbols, count):
        rng = np.random.default_rng(0)
        guesses = []
        for _ in range(count):
            shares = sorted(rng.dirichlet(np.full(GUESSES + 1, 0.5))[:GUESSES], reverse=True)
            chosen = rng.choice(symbols, GUESSES, replace=False)
            guesses.append(
                [Candidate(str(each), float(share)) for each, share in zip(chosen, shares, strict=True)]
            )
        bits = [None, *rng.exponential(2, count - 1).tolist()]
        return ColoredText("text", "".join(rng.choice(symbols, count)), bits, [[], *guesses[1:]], 0)

    return made


@pytest.mark.parametrize("symbols", SYMBOLS.values(), ids=SYMBOLS)
def test_what_is_packed_comes_out_again(make_text, symbols):
    text = make_text(symbols, 500)
    bits, guesses = unpack(json.loads(script_json(pack(text, "here"))))
    assert bits[0] is None and guesses[0] == []
    np.testing.assert_allclose(bits[1:], np.minimum(text.bits[1:], 25.4), atol=0.05 + 1e-9)
    for found, wanted in zip(guesses[1:], text.guesses[1:], strict=True):
        shown = [each for each in wanted if round(255 * each.probability**0.5) > 0]
        assert [character for character, _ in found] == [each.character for each in shown]
        np.testing.assert_allclose(
            [share for _, share in found], [each.probability for each in shown], atol=0.005
        )


def test_bits_beyond_the_scale_are_its_end():
    text = ColoredText("text", "ab", [None, 90.0], [[], []], 0)
    assert unpack(pack(text, "here"))[0] == [None, 25.4]


@pytest.mark.parametrize("name", SYMBOLS)
def test_a_page_takes_under_20_bytes_a_character(make_model, name):
    symbols = SYMBOLS[name]
    vocabulary = Vocabulary.of("".join(symbols))
    model = LanguageModel(make_model(len(vocabulary), cell="gru"), vocabulary, 100)
    text = "".join(np.random.default_rng(1).choice(symbols, 20_000))
    with ThreadPool(1) as pool:
        case = EvalCase("run", model, "text", model.part_of(text), None)
        colored = Surprisal().measure([case], pool, lambda done, total: None).colored
    size = len(make_surprisal_page(colored).encode()) - len(make_surprisal_page([]).encode())
    assert size < 20 * len(text)


def test_only_a_cut_text_begins_at_its_second_line():
    whole = ColoredText("text", "one\ntwo\n", [None, *[1.0] * 7], [[]] * 8, 0)
    cut = ColoredText("text", "one\ntwo\n", [None, *[1.0] * 7], [[]] * 8, 0, is_cut=True)
    assert from_line_start(whole) == whole
    assert (from_line_start(cut).text, from_line_start(cut).bits) == ("two\n", [1.0] * 4)
    one_line = ColoredText("text", "one\n", [None] * 4, [[]] * 4, 0, is_cut=True)
    assert from_line_start(one_line) == one_line
