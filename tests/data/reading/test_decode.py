"""From blocks to text: any cut is the same, and what is no UTF-8 is refused with its place in the whole file."""

import bz2
import gzip
import io
import lzma
import zipfile
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charlm.base.errors import CorpusError
from charlm.data.reading.decode import decode
from charlm.data.reading.file_formats import HEAD

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def cut(raw, places):
    bounds = sorted({0, len(raw), *(place % (len(raw) + 1) for place in places)})
    return [raw[start:stop] for start, stop in pairwise(bounds)]


# The first bytes are joined whatever the blocks are; what comes after them is decoded block by block.
STARTS = st.sampled_from([b"", b"x" * HEAD])


@given(STARTS, TEXTS, st.lists(st.integers(0, 1000)))
def test_a_text_may_be_cut_inside_its_characters(start, text, places):
    assert "".join(decode([start, *cut(text.encode(), places)], "x")) == start.decode() + text


@given(STARTS, st.binary(), st.lists(st.integers(0, 1000)))
@example(b"", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", [])  # an old Word document
def test_where_the_blocks_end_does_not_change_what_is_said(start, raw, places):
    outcomes = []
    for blocks in ([raw], cut(raw, places), [raw[place : place + 1] for place in range(len(raw))]):
        try:
            outcomes.append("".join(decode([start, *blocks], "x")))
        except CorpusError as error:
            outcomes.append(str(error))
    first, *others = outcomes
    if not start:
        assert all(other == first for other in others)
    elif "is binary" in first:
        # Of two things wrong in a file, one is named; which one may depend on the blocks.
        assert all(other.startswith("x is ") for other in others)
    else:
        assert all(other == first or "is binary" in other for other in others)


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([b"ab", b"c\xe9d"], r"byte 3 \(counted from 0\) is 0xE9"),
        ([b"ab\xf0", b"\x9f\x98"], r"byte 2 \(counted from 0\) is 0xF0"),
        ([b"abc\xe2", b"\x82", b"x"], r"byte 3 \(counted from 0\) is 0xE2"),
        ([b"abc\xe2", b"\0"], r"byte 4 \(counted from 0\) is zero"),
        ([b"x" * HEAD, b"ab\xf0", b"\x9f\x98"], rf"byte {HEAD + 2} \(counted from 0\) is 0xF0"),
        ([b"x" * HEAD, b"abc\xe2", b"\0"], rf"byte {HEAD + 4} \(counted from 0\) is zero"),
        ([b"\xff\xfea\0", b"b\0"], "is in UTF-16, as the mark"),
        ([b"\xff\xfe\0\0", b"b\0\0\0"], "is in UTF-32, as the mark"),
    ],
)
def test_the_place_is_the_file_s_and_not_the_block_s(blocks, words):
    with pytest.raises(CorpusError, match=words):
        list(decode(blocks, "x"))


def zipped(name, first=None):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        if first is not None:
            archive.writestr("mimetype", first, zipfile.ZIP_STORED)
        archive.writestr(name, "some text " * 100)
    return file.getvalue()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (gzip.compress(b"a text", mtime=0), "compressed with gzip, not text: give it a name that ends in .gz"),
        (bz2.compress(b"a text"), "compressed with bzip2, not text"),
        (lzma.compress(b"a text"), "compressed with xz, not text"),
        (b"\x28\xb5\x2f\xfd\x04", "compressed with Zstandard, not text: .* decompress it with zstd -d"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF, not text: convert it to text, such as with pdftotext"),
        (b"%PDF-1.0\nnothing but ASCII", "a PDF, not text"),
        (zipped("word/document.xml"), r"a Word document \(\.docx\), not text: .* pandoc"),
        (zipped("OEBPS/book.xhtml", first="application/epub+zip"), "an EPUB book, not text: .* pandoc"),
        (zipped("tale.txt"), "a zip archive, not text: unpack it"),
    ],
)
def test_what_is_no_text_is_told_as_what_it_is(raw, words):
    with pytest.raises(CorpusError, match=f"x is {words}"):
        list(decode([raw], "x"))


@pytest.mark.parametrize("byte", [0x92, 0x9F, 0xE9])
def test_the_advice_keeps_curly_quotes(byte):
    """In Latin-1 the bytes 0x80 to 0x9F are control characters; Windows-1252 has the rest alike."""
    with pytest.raises(CorpusError, match="iconv -f WINDOWS-1252 -t UTF-8"):
        list(decode([b"it" + bytes([byte]) + b"s"], "x"))


def test_a_text_that_begins_like_a_compressed_file_is_a_text():
    assert "".join(decode([b"BZhang came home"], "x")) == "BZhang came home"
