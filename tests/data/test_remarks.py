"""What is said of a corpus before it is trained on: accidents, and documents that nothing ends."""

import gzip

import pytest

from charlm.base.errors import CorpusError
from charlm.config import CorpusConfig, TrainingConfig
from charlm.data.corpus import prepare_corpus
from charlm.data.reading.sources import find_source
from charlm.data.remarks import describe_passed_over, list_remarks


@pytest.fixture
def remark(tmp_path, monkeypatch):
    """A function that writes files and gives the remarks on them as a corpus."""
    monkeypatch.chdir(tmp_path)

    def of(*contents, **settings):
        for number, content in enumerate(contents):
            (tmp_path / f"t{number}.txt").write_bytes(content)
        source = find_source(["t0.txt"] if len(contents) == 1 else ["."], "*.txt")
        return list_remarks(prepare_corpus(source, TrainingConfig.from_settings(seq_len=2, **settings)).prepared)

    return of


LINES = "to be\r\nor not\r\n" * 20
MARK = "\ufeff"


@pytest.mark.parametrize("is_bytes", [False, True])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LINES, ["its lines end in CRLF, so '\\r' is a symbol (tr -d '\\r' < OLD > NEW removes it)"]),
        (MARK + LINES.replace("\r", ""), ["a byte order mark, U+FEFF, is a symbol"]),
        (MARK + LINES, ["its lines end in CRLF", "a byte order mark"]),
    ],
)
def test_line_ends_and_marks_that_become_symbols_are_said_in_one_line(remark, text, words, is_bytes):
    (line,) = remark(text.encode(), bytes=is_bytes)
    assert line.startswith("t0: ") and line.endswith("samples will show it")
    assert all(each in line for each in words)


def test_the_line_ends_of_an_old_macintosh_are_said(remark):
    (line,) = remark(LINES.replace("\n", "").encode())
    assert "its lines end in CR, so '\\r' is a symbol (tr '\\r' '\\n' < OLD > NEW removes it)" in line


def test_of_a_plain_text_nothing_is_said(remark):
    assert remark(LINES.replace("\r", "").encode()) == []
    assert remark(LINES.encode(), lines=True) == []  # a carriage return belongs to the line end there
    assert remark(bytes(range(256)) * 10, bytes=True) == []


def test_bytes_of_what_holds_a_text_are_said(remark):
    (line,) = remark(gzip.compress(LINES.encode(), mtime=0), bytes=True)
    assert line == (
        "'t0.txt' is compressed with gzip, and is read as it is: for its text, give it a name that ends in .gz, "
        "or decompress it with gzip -d"
    )


POEMS = "roses are red\nviolets are blue\n\n" * 20


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        (POEMS, {"delimiter": "%%"}, r"--delimiter %% does not occur in 't0\.txt', .* give a string that ends"),
        (
            POEMS,
            {"delimiter": r"\n\n"},
            r"--delimiter '\\n\\n' does not occur in .*: --delimiter \$'\\n\\n' does$",
        ),
        (POEMS.replace("\n", "\r\n"), {"delimiter": "\n\n"}, r"\$'\\n\\n' does not .* \$'\\r\\n\\r\\n' does$"),
        (POEMS.replace("\n", "\r\n"), {"delimiter": r"\n\n"}, r"'\\n\\n' does not .* \$'\\r\\n\\r\\n' does$"),
        (POEMS, {"delimiter": "\r\n\r\n"}, r"\$'\\r\\n\\r\\n' does not .* \$'\\n\\n' does$"),
        (POEMS.replace("\n", "\r"), {"lines": True}, r"no line end occurs in .* --delimiter \$'\\r' does$"),
        (POEMS, {"delimiter": "é", "bytes": True}, "--delimiter 'é' does not occur"),
    ],
)
def test_an_end_of_documents_that_never_occurs_is_told_with_what_was_meant(remark, text, settings, words):
    with pytest.raises(CorpusError, match=words) as raised:
        remark(text.encode(), **settings)
    assert len(str(raised.value).splitlines()) == 1


def test_files_that_are_documents_each_are_said_and_trained_on(remark):
    (line,) = remark(*(POEMS.encode() + bytes([number]) for number in range(65, 75)), delimiter="%%")
    assert line.startswith("--delimiter %% does not occur in the corpus ")
    assert line.endswith("so that each file is one document: give a string that ends documents")
    assert remark(*(f"{number} {POEMS}%%".encode() for number in range(10)), delimiter="%%") == []


def test_a_delimiter_is_looked_for_across_blocks(remark, monkeypatch):
    monkeypatch.setattr("charlm.data.reading.files.BLOCK", 3)
    assert remark(*(f"{number} to be %%END%%".encode() for number in range(10)), delimiter="%%END%%") == []


NAMES = "".join(f"{name}\n" for name in ("anna", "bo", "christopher") * 20)


def test_short_lines_may_be_examples(remark):
    (said,) = remark(NAMES.encode())
    assert said.startswith("every line is short (at most 11 characters)") and said.endswith("add --lines")


@pytest.mark.parametrize(
    "text",
    [
        NAMES + "\n" + NAMES,  # verses: between two of them is an empty line
        NAMES + "a line that is as long as a line of a story is\n",
        "anna\nbo\n" * 10,  # too few to tell
        "abc " * 300,
    ],
)
def test_other_lines_are_no_examples(remark, text):
    assert remark(text.encode()) == []


def test_lines_that_are_read_as_examples_are_not_told(remark):
    assert remark(NAMES.encode(), lines=True) == []


def test_files_that_the_default_pattern_passes_over_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("lyrics/a.txt", "lyrics/deep/b.txt", "lyrics/deep/song4.md", "lyrics/.hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("to be or not to be")
    pattern = CorpusConfig().glob
    said = describe_passed_over(find_source(["lyrics"], pattern), pattern)
    assert (
        said
        == "left out by --glob '**/*.txt': 'song4.md'; to read such files, give --glob '**/*.md' or name them"
    )
    assert describe_passed_over(find_source(["lyrics"], "*.txt"), "*.txt") is None
    assert describe_passed_over(find_source(["lyrics/a.txt"], pattern), pattern) is None
    both = find_source(["lyrics", "lyrics/deep/song4.md"], pattern)
    assert describe_passed_over(both, pattern) is None
    for number in range(4):
        (tmp_path / "lyrics" / f"{number}.rtf").write_text("to be")
    said = describe_passed_over(find_source(["lyrics"], pattern), pattern)
    assert said.startswith("left out by --glob '**/*.txt': '0.rtf', '1.rtf', '2.rtf' and 2 more; to")
