"""Lower case and normalisation in pieces: what they make of the whole, wherever it is cut."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charlm.base.errors import CorpusError
from charlm.data.reading import normalize
from charlm.data.reading.normalize import lowercase, normalize_unicode

SIGMAS = "aΑΣσς.'· \n\u0301\u0345\u00adİΐ1"
# Letters that compose with what follows them, Hangul by rule, characters that decompose to what composes.
COMPOSING = "aeA\u0301\u0323\u0308\u0345가\u1100\u1161\u11a8각ㅏﾞかハㄱé\u0344\u0958Åﬁ½\u09c7\u09beㅤ \n"
FORMS = pytest.mark.parametrize("form", ["NFC", "NFKC"])
LETTERS = st.characters(exclude_categories=["Cs"])


def texts(alphabet):
    return st.lists(st.text(st.one_of(st.sampled_from(alphabet), LETTERS), max_size=12), max_size=12)


@example(["ΟΔΟΣ", " ΟΔΟΣ"])
@example(["ΟΣ'", "Σ"])
@example(["Σ", "\u0301", "a"])
@given(texts(SIGMAS))
def test_lower_case_in_pieces_is_that_of_the_whole(pieces):
    assert "".join(lowercase(pieces, "the text")) == "".join(pieces).lower()


@FORMS
@example(["\u1100", "ㅏ"])
@example(["か", "ﾞ"])
@example(["e", "\u0323", "\u0301"])
@given(texts(COMPOSING))
def test_normalising_in_pieces_is_normalising_the_whole(form, pieces):
    assert "".join(normalize_unicode(pieces, form, "the text")) == unicodedata.normalize(form, "".join(pieces))


@FORMS
def test_every_pair_of_characters_that_composes_is_kept_together(form):
    """Exhaustive: each canonical composition there is, cut in the middle."""
    for point in range(0x110000):
        parts = unicodedata.normalize("NFD", chr(point))
        for cut in range(1, len(parts)):
            pieces = [parts[:cut], parts[cut:]]
            assert "".join(normalize_unicode(pieces, form, "x")) == unicodedata.normalize(form, parts), hex(point)


@pytest.mark.parametrize("rewrite", [lowercase, lambda pieces, label: normalize_unicode(pieces, "NFC", label)])
def test_what_is_written_without_spaces_waits_for_nothing(rewrite):
    pieces = ["ACGT" * 5000, "漢字" * 5000, "ΑΒΓ" * 5000]
    longest = max(len(piece) for piece in rewrite(pieces, "the text"))
    assert longest <= 20_001


def test_accents_without_an_end_are_refused_and_not_kept_in_memory():
    with pytest.raises(
        CorpusError, match=r"the text: after character 905 come 4,096 accents or the like in a row"
    ):
        list(normalize_unicode(["a\n", "\u0301" * 5000], "NFC", "the text"))
    assert normalize.LONGEST_WAIT == 4096
