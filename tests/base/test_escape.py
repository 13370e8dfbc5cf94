"""What is escaped, and what reads as before."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.escape import escape_controls, escape_json, escape_unprintable

DRIVING = [
    *("\x00", "\x07", "\x08", "\r", "\x0b", "\x1b", "\x7f", "\x85", "\x9b", "\x9f"),
    *("\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069", "\udcff"),
]


@pytest.mark.parametrize("character", DRIVING, ids=ascii)
def test_what_could_drive_a_terminal_is_escaped(character):
    expected = character.encode("unicode_escape").decode()
    assert escape_controls(f"a{character}b") == f"a{expected}b" == escape_unprintable(f"a{character}b")
    assert json.loads(escape_json(json.dumps(character, ensure_ascii=False))) == character


@pytest.mark.parametrize(
    "text", ["a\n\tb", "\\x1b", "[bold]x[/bold]", "été 唐诗\u3000 שלום", "👩\u200d👧", "e\u0301"]
)
def test_text_that_only_reads_stays(text):
    assert escape_controls(text) == text


@given(st.text())
def test_no_control_character_of_any_kind_is_left(text):
    shown = escape_controls(text)
    assert not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        for character in shown.translate({9: 32, 10: 32})
    )
    assert not any(
        unicodedata.bidirectional(character) in ("LRO", "RLO", "LRE", "RLE", "PDF") for character in shown
    )


@given(st.text())
def test_escaping_character_by_character_is_escaping_the_whole(text):
    assert "".join(map(escape_controls, text)) == escape_controls(text)
    assert escape_controls(escape_controls(text)) == escape_controls(text)


@given(st.text() | st.dictionaries(st.text(), st.text()))
def test_escaped_json_means_the_same(value):
    assert json.loads(escape_json(json.dumps(value, ensure_ascii=False))) == value


@given(st.text())
def test_a_visible_text_is_one_printable_line_and_can_be_read_back(text):
    shown = escape_unprintable(text)
    assert shown.isprintable()
    assert shown.encode("latin-1", "backslashreplace").decode("unicode_escape").encode(
        "utf-16", "surrogatepass"
    ) == text.encode("utf-16", "surrogatepass")
