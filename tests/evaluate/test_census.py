"""The census of characters: the same whatever the pieces, and quick to see what does not belong."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.evaluate.census import Census

TEXTS = st.text(st.one_of(st.sampled_from("aα\r\n\ufeff\xa0я"), st.characters(codec="utf-8")), min_size=1)


def census_of(*pieces):
    census = Census()
    for piece in pieces:
        census.take(piece)
    return census


def facts(census):
    return (
        census.bytes, census.characters, census.distinct, census.most_common(5), census.scripts, census.oddities
    )  # fmt: skip


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_pieces_are_counted_as_one_text(pieces):
    assert facts(census_of(*pieces)) == facts(census_of("".join(pieces)))


@given(TEXTS)
def test_counts_are_those_of_the_text(text):
    census, counts = census_of(text), Counter(text)
    assert (census.characters, census.distinct) == (len(text), len(counts))
    assert census.bytes == len(text.encode())
    assert all(census.count(character) == count for character, count in counts.items())
    common = census.most_common(3)
    assert [count for _, count in common] == [count for _, count in counts.most_common(3)]


@pytest.mark.parametrize(
    ("text", "oddities"),
    [
        ("plain\ttext\nwith ümlauts, 字 and я\n", {}),
        ("\ufeffmarked", {"byte order mark at the start": 1}),
        ("joined\ufefffiles", {"byte order marks elsewhere": 1}),
        ("dos\r\nfile\r\n", {"line ends CR LF": 2}),
        ("mac\rfile\r", {"CR alone": 2}),
        ("mixed\r\r\n", {"line ends CR LF": 1, "CR alone": 1}),
        ("lost \ufffd\ufffd", {"replacement characters U+FFFD": 2}),
        ("a\x07b\x1b[31m\x85", {"control characters": 3}),
        ("zero\u200bwidth\u202e", {"invisible format characters": 2}),
        ("non\xa0breaking", {"no-break spaces U+00A0": 1}),
        ("own \ue000", {"private-use characters": 1}),
        ("none \U000e0fff\uffff", {"unassigned code points": 2}),
        ("split\u2028here\u2029", {"line separators U+2028": 1, "paragraph separators U+2029": 1}),
        # A Cyrillic а between Latin letters; side by side with a space between them, both are fine.
        ("p\u0430ypal", {"Latin, Greek or Cyrillic letters side by side": 2}),
        ("αa", {"Latin, Greek or Cyrillic letters side by side": 1}),
        ("война и мир war α β", {}),
        ("字a かa", {}),
    ],
)
def test_what_does_not_belong_is_seen(text, oddities):
    assert census_of(text).oddities == oddities


def test_a_pair_that_two_pieces_share_is_seen():
    assert census_of("a\r", "\n\u0430").oddities == {"line ends CR LF": 1}
    assert census_of("a", "\u0430").oddities == {"Latin, Greek or Cyrillic letters side by side": 1}


def test_a_mark_is_at_the_start_of_the_first_piece_alone():
    assert census_of("a", "\ufeffb").oddities == {"byte order marks elsewhere": 1}
    assert census_of("\ufeffa", "b").oddities == {"byte order mark at the start": 1}


def test_letters_are_counted_by_script():
    assert census_of("abc, где? 字 12").scripts == {"LATIN": 3, "CYRILLIC": 3, "CJK": 1}
