"""Labelled texts: what is read, what is guessed, and what is refused with the line and the remedy."""

import re

import pytest

from charlm.base.errors import CorpusError
from charlm.config import CorpusConfig
from charlm.data.label_survey import find_labels, survey_labels
from charlm.data.labels import LabelledReader, guess_mode
from charlm.data.reading.sources import find_source


@pytest.fixture
def source(tmp_path):
    """A function that writes files and gives their folder's source, or that of a single file."""

    def write(files, alone=None):
        for name, text in files.items():
            path = tmp_path / "corpus" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return find_source([str(tmp_path / "corpus" / (alone or ""))], "**/*.txt")

    return write


def read(source, mode=None, is_number=False, **corpus):
    found = LabelledReader(source, CorpusConfig(**corpus), mode or guess_mode(source, is_number))
    return found, list(found)


def test_a_file_a_label(source):
    found, pairs = read(source({"Czech.txt": "Dvořák \n\nKafka\r\n", "Irish.txt": "  Joyce\n"}))
    assert (found.mode, found.empty, found.spaced) == ("file", 1, 2)
    assert pairs == [("Dvořák", "Czech"), ("Kafka", "Czech"), ("Joyce", "Irish")]


def test_a_folder_a_label(source):
    found, pairs = read(source({"pos/1.txt": "good\nindeed\n", "neg/1.txt": "bad", "neg/2.txt": " \n"}))
    assert (found.mode, found.empty) == ("folder", 1)
    assert sorted(pairs) == [("bad", "neg"), ("good\nindeed", "pos")]


def test_a_tab_between_text_and_label(source):
    found, pairs = read(source({"r.tsv": "fine film \tpos\ndull\t neg"}, "r.tsv"), lowercase=True)
    assert found.mode == "tab" and pairs == [("fine film", "pos"), ("dull", "neg")]


def test_a_number_in_place_of_a_label(source):
    found, pairs = read(source({"r.tsv": "fine\t4.5\ndull\t-1e2\n"}, "r.tsv"), is_number=True)
    assert found.mode == "number" and pairs == [("fine", "4.5"), ("dull", "-1e2")]


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("a\tx\nb", "tab", "line 2 has no tab: write the text, one tab, and its label"),
        ("a\tx\ty\n", "tab", "line 1 has 2 tabs: write the text, one tab, and its label"),
        (" \tx\n", "tab", "line 1 has no text: write the text, one tab, and its label"),
        ("a\t \n", "tab", "line 1 has no label: write"),
        ("a\tone\n", "number", "line 1 has 'one' in the place of a number: write a finite number"),
        ("a\tnan\n", "number", "line 1 has 'nan' in the place of a number"),
    ],
)
def test_a_wrong_line_is_named(source, text, mode, message):
    with pytest.raises(CorpusError, match=rf"r\.tsv', {re.escape(message)}"):
        read(source({"r.tsv": text}, "r.tsv"), mode)


def test_files_and_folders_of_texts_at_once_are_refused(source):
    with pytest.raises(CorpusError, match="has files and folders of texts at once"):
        read(source({"a.txt": "x", "b/1.txt": "y"}))


def test_labels_that_differ_by_case_alone_are_refused(source):
    with pytest.raises(CorpusError, match="the labels 'IRISH' and 'irish' differ by case alone: rename one"):
        read(source({"IRISH/1.txt": "x", "irish/1.txt": "y"}))


def test_what_is_not_utf8_is_refused_by_name_and_read_as_bytes(source):
    files = {"a.txt": b"\xe9t\xe9\n", "b.txt": "x\n"}
    with pytest.raises(CorpusError, match=r"a\.txt' is not in UTF-8: byte 0"):
        read(source(files))
    _, pairs = read(source(files), bytes=True)
    assert pairs == [("\xe9t\xe9", "a"), ("x", "b")]


def test_a_survey_counts_what_could_mislead(source):
    found = survey_labels(source({"a.txt": "x\nx\ny \n\n", "b.txt": "y\nzz\n"}), "file")
    assert (found.examples, found.distinct, found.texts, found.ambiguous) == (5, 4, 3, 1)
    assert (found.spaced, found.empty, found.longest, found.labels) == (1, 1, 2, {"a": 2, "b": 2})
    assert found.ceiling == 3 / 4 and found.refused is None


def test_a_survey_finds_out_how_texts_are_labelled_and_counts_lines_that_are_no_example(source):
    assert find_labels(source({"a.txt": "x\n", "b.txt": "y\n"})) == "file"
    assert find_labels(source({"plain.txt": "x\ny\n"}, "plain.txt")) is None
    tabs = source({"r.tsv": "fine\tpos\nno tab\na\tb\tc\n \tpos\ndull\tneg\n"}, "r.tsv")
    assert find_labels(tabs) == "tab"
    found = survey_labels(tabs, "tab")
    assert (found.examples, found.refused, found.labels) == (2, 3, {"neg": 1, "pos": 1})
