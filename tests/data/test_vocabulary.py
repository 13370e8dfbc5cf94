"""The vocabulary: round trips on any Unicode text, its order, its start, and everything it refuses."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.base.errors import CheckpointError, CorpusError, VocabularyError
from charlm.data.alphabet import END, Alphabet, code_points
from charlm.data.vocabulary import UNICODE_CODE_POINTS, Vocabulary, unknown_nats

ASTRAL = st.characters(min_codepoint=0x10000)
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), ASTRAL), min_size=1)


@settings(deadline=None)
@given(TEXTS)
def test_any_unicode_text_survives_encoding_and_storage(text):
    vocabulary = Vocabulary.of(text)
    ids = vocabulary.encode(text, "the text")
    assert vocabulary.decode(ids) == text
    assert ids.dtype == vocabulary.dtype
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())), "vocab.json") == vocabulary


@settings(deadline=None)
@given(TEXTS)
def test_symbols_are_the_text_s_characters_in_code_point_order(text):
    vocabulary = Vocabulary.of(text)
    assert vocabulary.symbols == tuple(sorted(set(text)))
    assert len(vocabulary) == len(set(text))


@settings(deadline=None)
@given(TEXTS, st.text())
def test_encode_known_leaves_out_exactly_the_unknown(known_text, text):
    vocabulary = Vocabulary.of(known_text)
    ids, known = vocabulary.encode_known(text)
    assert known.tolist() == [character in known_text for character in text]
    assert vocabulary.decode(ids) == "".join(character for character in text if character in known_text)
    assert ids.dtype == vocabulary.dtype


@pytest.mark.parametrize(("size", "dtype"), [(1, "uint8"), (256, "uint8"), (257, "uint16"), (66_000, "uint32")])
def test_codes_have_the_smallest_type_at_every_size(size, dtype):
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x20000)][:size]))
    vocabulary = Vocabulary.of(text)
    ids = vocabulary.encode(text, "the text")
    assert ids.dtype == np.dtype(dtype)
    assert np.array_equal(ids, np.arange(size))


def test_nothing_encodes_to_nothing():
    vocabulary = Vocabulary.of("ab")
    assert vocabulary.encode("", "the prompt").shape == (0,)
    assert vocabulary.decode(vocabulary.encode("", "the prompt")) == ""


def test_carriage_returns_are_symbols_of_their_own():
    vocabulary = Vocabulary.of("a\r\nb\r")
    assert vocabulary.symbols == ("\n", "\r", "a", "b")
    assert vocabulary.decode(vocabulary.encode("\r\n\r", "the text")) == "\r\n\r"


@pytest.mark.parametrize(
    ("text", "start"), [("aaaa\nb", "\n"), ("abbb", "b"), ("zzaab", "a"), ("😀😀a", "😀"), ("x", "x")]
)
def test_start_is_the_newline_or_else_the_most_frequent_character(text, start):
    vocabulary = Vocabulary.of(text)
    assert vocabulary.symbols[vocabulary.start] == start


def test_an_empty_text_has_no_vocabulary():
    with pytest.raises(CorpusError, match="empty"):
        Vocabulary.of("")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ab\u00e9\u00e8", "'é' (U+00E9), at position 2"),
        ("a\U0001f600", "'😀' (U+1F600), at position 1"),
        ("\n", "'\\n' (U+000A), at position 0"),
        ("ab\udc80", "'\\udc80' (U+DC80), at position 2"),
    ],
)
def test_an_unknown_character_is_named_with_its_place(text, named):
    with pytest.raises(VocabularyError) as raised:
        Vocabulary.of("abc").encode(text, "the prompt")
    message = str(raised.value)
    assert named in message
    assert message.startswith("the prompt: ")
    assert "counted from 0" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {"symbols": ["a"]},
        {"symbols": ["a"], "start": 0, "more": 1},
        {"symbols": "ab", "start": 0},
        {"symbols": [], "start": 0},
        {"symbols": ["a", 1], "start": 0},
        {"symbols": ["a", ""], "start": 0},
        {"symbols": ["a", "bc"], "start": 0},
        {"symbols": ["a", "\ud800"], "start": 0},
        {"symbols": ["a", "a"], "start": 0},
        {"symbols": ["b", "a"], "start": 0},
        {"symbols": ["b", "a", "b"], "start": 0, "by_frequency": True},
        {"symbols": ["a", "b"], "start": 0, "by_frequency": 1},
        {"symbols": ["a", "b"], "start": 2},
        {"symbols": ["a", "b"], "start": -1},
        {"symbols": ["a", "b"], "start": True},
        {"symbols": ["a", "b"], "start": 0.0},
        {"symbols": ["a", "b"], "start": "a"},
        {"symbols": ["a", "b"], "start": None},
    ],
)
def test_stored_values_that_are_no_vocabulary_are_refused(values):
    with pytest.raises(CheckpointError, match=r"^runs/x/vocab\.json .*restore") as raised:
        Vocabulary.from_json(values, "runs/x/vocab.json")
    assert len(str(raised.value).splitlines()) == 1


def test_symbols_in_the_order_of_frequency_keep_their_start_and_their_ends():
    counts = np.bincount(code_points("cabbcc\udc00\udc00\udc00\udc00d"))
    alphabet = Alphabet.from_counts(counts, "characters", "\n")
    vocabulary = Vocabulary.from_counts(alphabet, alphabet.counts_A, min_count=2)
    found = vocabulary.sorted_by_frequency(alphabet, alphabet.counts_A)
    assert (found.symbols, found.end, found.start, found.unknown) == (("c", "b"), 2, 2, 3)
    assert found.encode("bcd", "the text").tolist() == [1, 0, 3]
    assert Vocabulary.from_json(found.to_json(), "vocab.json") == found
    lines = Vocabulary.of("a\nb b\nb")
    alphabet = Alphabet.from_counts(np.bincount(code_points("a\nb b\nb")), "characters")
    assert lines.sorted_by_frequency(alphabet, alphabet.counts_A).symbols[1] == "\n" == lines.symbols[lines.start]


def test_an_unknown_character_costs_an_escape_and_a_choice_of_code_point():
    assert unknown_nats(99, 64) == pytest.approx(-math.log(1 / 100 * 1 / (UNICODE_CODE_POINTS - 64)))
    assert UNICODE_CODE_POINTS == 0x110000 - 0x800


def alphabet_of(text, units="characters", document_end=None):
    return Alphabet.from_counts(np.bincount(code_points(text), minlength=256), units, document_end)


def vocabulary_of(text, min_count=1, **kind):
    alphabet = alphabet_of(text, **kind)
    return Vocabulary.from_counts(alphabet, alphabet.counts_A, min_count)


@given(TEXTS)
def test_counted_and_collected_vocabularies_are_the_same(text):
    assert vocabulary_of(text) == Vocabulary.of(text)


@given(TEXTS, st.integers(1, 4))
def test_characters_rarer_than_the_least_count_share_the_last_symbol(text, min_count):
    rare = tuple(sorted({character for character in text if text.count(character) < min_count}))
    if len(rare) == len(set(text)):
        with pytest.raises(CorpusError, match=f"no character occurs {min_count} times .*lower --min-count"):
            vocabulary_of(text, min_count)
        return
    vocabulary = vocabulary_of(text, min_count)
    assert vocabulary.rare == rare
    assert vocabulary.symbols == tuple(sorted(set(text) - set(rare)))
    assert vocabulary.unknown == (len(vocabulary) - 1 if rare else None)
    ids = vocabulary.encode(text, "the text")
    assert vocabulary.decode(ids) == "".join("\ufffd" if character in rare else character for character in text)
    assert vocabulary.encode_alphabet(alphabet_of(text)).max() < len(vocabulary)
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())), "vocab.json") == vocabulary


def test_the_end_of_a_document_comes_before_the_unknown_symbol_and_starts_a_text():
    vocabulary = vocabulary_of(f"{END}aab{END}aa{END}", min_count=2, document_end="\n")
    assert (vocabulary.symbols, vocabulary.rare, len(vocabulary)) == (("a",), ("b",), 3)
    assert (vocabulary.end, vocabulary.unknown, vocabulary.start) == (1, 2, 1)
    assert vocabulary.decode(np.array([1, 0, 2, 1], np.uint8)) == "a\ufffd"
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())), "vocab.json") == vocabulary


def test_another_alphabets_codes_are_looked_up_and_what_is_unseen_is_one_past_the_last():
    vocabulary = vocabulary_of("aabbc", min_count=2)
    other = alphabet_of(f"xcba\U0010ffff{END}", document_end="\n")
    assert other.symbols == ("a", "b", "c", "x", "\U0010ffff", END)
    assert vocabulary.encode_alphabet(other).tolist() == [0, 1, 2, 3, 3, 3]
    with_end = vocabulary_of(f"ab{END}", document_end="\n")
    assert with_end.encode_alphabet(other).tolist() == [0, 1, 3, 3, 3, 2]


@given(st.binary())
def test_any_bytes_survive_encoding_whatever_the_training_part_had(raw):
    vocabulary = vocabulary_of("abc", units="bytes")
    text = raw.decode("utf-8", "surrogateescape")
    assert vocabulary.encode(text, "the text").tobytes() == raw
    assert vocabulary.decode(np.frombuffer(raw, np.uint8)) == text
    assert (len(vocabulary), vocabulary.rare, vocabulary.unknown) == (256, (), None)


BYTES = {"symbols": list(map(chr, range(256))), "start": 10, "units": "bytes", "has_end": False, "rare": []}


@pytest.mark.parametrize(
    "changes",
    [
        {"units": "words"},
        {"units": []},
        {"has_end": 1},
        {"rare": "z"},
        {"rare": ["z"]},
        {"symbols": ["a"]},
        {"start": 256},
        {"start": 256, "has_end": True, "rare": ["a"]},
        {"units": "characters", "rare": ["a"]},
        {"units": "characters", "rare": ["\u1234", "\u1234"]},
        {"units": "characters", "rare": [None]},
        {"more": 1},
    ],
)
def test_a_stored_vocabulary_of_format_2_is_checked_too(changes):
    assert len(Vocabulary.from_json(BYTES, "vocab.json")) == 256
    with pytest.raises(CheckpointError, match="holds no valid vocabulary"):
        Vocabulary.from_json(BYTES | changes, "vocab.json")
