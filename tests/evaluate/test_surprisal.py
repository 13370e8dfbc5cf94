"""Surprisal against single steps of the network and a slow search; its table and its colors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import UsageError
from charlm.base.escape import escape_unprintable
from charlm.cli.display.colors import escape_lines, print_colored
from charlm.evaluate.base import ColoredText, EvalCase
from charlm.evaluate.measures.surprisal import Surprisal, worst_passages

TEXT = "abca?\nbcab"
HOSTILE = "<script>&\"'\x1b[31m\u202e\x00[red]x[/red]\\ \t\r\n"


@pytest.fixture
def measure(pool):
    def measured(*subjects, **settings):
        return Surprisal(**settings).measure(subjects, pool, lambda done, total: None)

    return measured


def test_bits_and_guesses_are_those_of_single_steps(measure, model):
    (found,) = measure(EvalCase("run", model, "text", model.part_of(TEXT), None)).colored
    assert (found.text, found.bits[0], found.guesses[0]) == (TEXT, None, [])
    vocabulary, state = model.vocabulary, model.network.zero_state(1)
    logits_BV = None
    for place, character in enumerate(TEXT):
        if character not in vocabulary.symbols:
            assert found.guesses[place] == []
            assert found.bits[place] == pytest.approx(model.score(TEXT).costs_nats[place - 1] / math.log(2))
            continue
        code = vocabulary.symbols.index(character)
        if logits_BV is not None:
            p_V = np.exp(logits_BV[0]) / np.exp(logits_BV[0]).sum()
            assert found.bits[place] == pytest.approx(-math.log2(p_V[code]), rel=1e-9)
            likeliest = sorted(zip(p_V, vocabulary.symbols, strict=True), reverse=True)[:5]
            assert [guess.character for guess in found.guesses[place]] == [symbol for _, symbol in likeliest]
            np.testing.assert_allclose(
                [guess.probability for guess in found.guesses[place]], [p for p, _ in likeliest]
            )
        logits_BV, state = model.network.step(np.array([code]), state)


def test_a_long_text_costs_what_scoring_says(measure, model):
    text = "abcab\nca?bc" * 900
    findings = measure(EvalCase("run", model, "text", model.part_of(text), None))
    np.testing.assert_allclose(
        findings.colored[0].bits[1:], model.score(text).costs_nats / math.log(2), atol=1e-6
    )
    assert findings.records[0]["nats_per_char"] == pytest.approx(model.perplexity(text).nats_per_char, abs=1e-6)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(1, 6), st.integers(0, 4))
def test_worst_passages_are_found_by_the_slow_search_too(bits, window, count):
    text = "".join(chr(ord("A") + i) for i in range(len(bits) + 1))
    window = min(window, len(bits))
    means = {start: sum(bits[start : start + window]) / window for start in range(len(bits) - window + 1)}
    wanted = []
    while means and len(wanted) < count:
        best = max(means, key=lambda start: (means[start], -start))
        wanted.append((best + 1, means[best], text[best + 1 : best + 1 + window]))
        means = {start: mean for start, mean in means.items() if abs(start - best) >= window}
    found = worst_passages(text, np.array(bits, float), window, count)
    assert [(passage.position, passage.text) for passage in found] == [
        (place, words) for place, _, words in wanted
    ]
    np.testing.assert_allclose([passage.bits_per_char for passage in found], [mean for _, mean, _ in wanted])


def test_the_table_has_a_line_a_character_and_can_be_read_back(measure, model):
    text = "a\tb\\nc\n?\x1b"
    findings = measure(EvalCase("run", model, "text", model.part_of(text), None), tsv="out.tsv")
    heading, *lines = findings.files["out.tsv"].splitlines()
    assert heading == "run\ttext\tposition\tcharacter\tbits"
    fields = [line.split("\t") for line in lines]
    assert [field[2] for field in fields] == [str(place) for place in range(1, len(text))]
    assert "".join(field[3].encode().decode("unicode_escape") for field in fields) == text[1:]
    np.testing.assert_allclose([float(field[4]) for field in fields], findings.colored[0].bits[1:], atol=1e-4)
    assert findings.pages == {}


def test_the_page_is_asked_for_by_its_name(measure, model):
    findings = measure(EvalCase("run", model, "text", model.part_of(TEXT), None), html="out.html")
    assert list(findings.pages) == ["out.html"]
    assert findings.pages["out.html"] == findings.colored


def test_the_terminal_sees_no_control_character_and_no_markup(capsys):
    print_colored(
        ColoredText("a\x1brun", HOSTILE, [None, *[3.0] * (len(HOSTILE) - 1)], [[]] * len(HOSTILE), 2000)
    )
    out = capsys.readouterr().out
    assert escape_lines(HOSTILE) in out
    assert "[red]x[/red]" in out
    assert all(character.isprintable() or character == "\n" for character in out)


def test_the_terminal_shows_as_much_as_is_asked(capsys):
    print_colored(ColoredText("run", "xyz" * 10, [None, *[3.0] * 29], [[]] * 30, 4))
    out = capsys.readouterr().out
    assert "xyzx\n" in out
    assert "26 more characters" in out


@given(st.text())
def test_visible_text_prints_and_can_be_read_back(text):
    assert escape_unprintable(text).isprintable()
    written = escape_unprintable(text).encode("ascii", "backslashreplace").decode("unicode_escape")
    assert written.encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


@pytest.mark.parametrize("settings", [{"html": ""}, {"tsv": ""}, {"html": "a", "tsv": "a"}])
def test_files_that_cannot_be_are_refused(settings):
    with pytest.raises(UsageError, match="--html"):
        Surprisal(**settings)
