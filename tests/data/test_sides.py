"""Examples are stored on disk, found again, read again when something changed, and cost little memory."""

import os
import tracemalloc

import pytest

from charlm.config import CorpusConfig, TrainingConfig
from charlm.data.cache.clearing import clean
from charlm.data.corpus import prepare
from charlm.data.examples import read_examples
from charlm.data.labels import LabelledReader
from charlm.data.reading.sources import find_source, make_text_source
from charlm.data.sides import StoredTexts, read_sides

LINES = "ab c\tx\nλόγος\ty\nab c\tx\nab c\tz\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def readings(monkeypatch):
    """The modes of all readings of files."""
    done = []
    real = LabelledReader.__iter__
    monkeypatch.setattr(LabelledReader, "__iter__", lambda reader: done.append(reader.mode) or real(reader))
    return done


def read(path, mode="tab"):
    prepared = prepare(find_source([str(path)], "**/*.txt"), CorpusConfig())
    return read_sides(prepared, CorpusConfig(), mode), prepared


def contents(sides):
    answers = [sides.symbols[number] for number in sides.answers.ids]
    return list(zip(StoredTexts(sides.texts), answers, strict=True))


def test_examples_are_found_again_and_are_those_of_a_text_in_memory(tmp_path, readings):
    (tmp_path / "a.tsv").write_text(LINES, encoding="utf-8")
    sides, prepared = read(tmp_path / "a.tsv")
    assert contents(sides) == [("ab c", "x"), ("λόγος", "y"), ("ab c", "x"), ("ab c", "z")]
    assert contents(read(tmp_path / "a.tsv")[0]) == contents(sides) and readings == ["tab"]
    in_memory = read_sides(prepare(make_text_source(LINES), CorpusConfig()), CorpusConfig(), "tab")
    assert contents(in_memory) == contents(sides)
    assert in_memory.pair_sums_D.tolist() == sides.pair_sums_D.tolist()
    assert len(set(sides.pair_sums_D.tolist())) == 3 and len(set(sides.text_sums_D.tolist())) == 2
    del sides
    assert clean().left == () and not prepared.folder.exists()


def test_what_was_changed_or_lost_is_read_again(tmp_path, readings):
    (tmp_path / "a.tsv").write_text(LINES, encoding="utf-8")
    sides, prepared = read(tmp_path / "a.tsv")
    expected = contents(sides)
    stored = sorted(prepared.folder.glob("sides-*"))
    assert len(stored) == 7
    for path in stored[::3]:
        raw = path.read_bytes()
        path.write_bytes(bytes(len(raw)))
        assert contents(read(tmp_path / "a.tsv")[0]) == expected
        path.unlink()
        assert contents(read(tmp_path / "a.tsv")[0]) == expected
    assert len(readings) == 1 + 2 * len(stored[::3])


def test_the_same_texts_in_files_of_other_names_have_other_labels(tmp_path):
    for names in (("Basque", "Czech"), ("Czech", "Dutch")):
        folder = tmp_path / "".join(names)
        folder.mkdir()
        for name, text in zip(names, ("one\n", "two\n"), strict=True):
            (folder / f"{name}.txt").write_text(text)
        assert contents(read(folder, "file")[0]) == [("one", names[0]), ("two", names[1])]


def test_an_example_costs_few_bytes_of_memory(tmp_path):
    path, count = tmp_path / "a.tsv", 10_000
    path.write_text("".join(f"text {number:040}\tlabel{number % 3}\n" for number in range(count)))
    os.utime(path, (1, 1))  # a young file has no key in the cache
    config = TrainingConfig.from_settings(split="80/10/10", task="classify")
    read_examples(find_source([str(path)], ""), config, "tab")
    tracemalloc.start()
    try:
        examples = read_examples(find_source([str(path)], ""), config, "tab")
        assert tracemalloc.get_traced_memory()[0] < 20 * count and len(examples) == count
    finally:
        tracemalloc.stop()
