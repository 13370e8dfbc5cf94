"""Corpora of every kind from the command line: folders, compressed files, bytes, rare characters, lost files."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest

from charlm.base.files.cache_dir import cache_folder
from charlm.runs.run import Run

TEXT = "The quick brown fox jumps over the lazy dog.\n" * 40


def corpus_of(folder, name):
    return json.loads((folder / "runs" / name / "config.json").read_text())["corpus"]


def test_a_folder_and_a_compressed_file_are_one_corpus(elsewhere, call, tiny):
    (elsewhere / "texts" / "deep").mkdir(parents=True)
    (elsewhere / "texts" / "deep" / "a.txt").write_text(TEXT)
    (elsewhere / "texts" / "b.md").write_text(TEXT)
    (elsewhere / "more.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    ended = call("train", "texts", "more.txt.gz", *tiny)
    assert ended.code == 0 and ended.err.startswith(
        "left out by --glob '**/*.txt': 'b.md'; to read such files, give --glob '**/*.md' or name them\n"
        "Read texts, 2 files: 3,600 characters, 30 different\n  train 3,240 · val 360 (last 10%)"
    )
    corpus = corpus_of(elsewhere, "texts-1")
    assert corpus["paths"] == [str(elsewhere / "texts"), str(elsewhere / "more.txt.gz")] and corpus["files"] == 2
    assert call("train", "texts", "--glob", "*.md", *tiny).err.startswith("Read texts/b.md: 1,800 characters")
    assert call("train", "--resume", "texts-1", "--steps", "22").code == 0


def test_any_file_is_a_corpus_of_bytes(elsewhere, call, tiny):
    (elsewhere / "picture.png").write_bytes(bytes(range(256)) * 10)
    ended = call("train", "picture.png", "--bytes", *tiny)
    assert ended.code == 0
    assert ended.err.startswith(
        "Read picture.png: 2,560 bytes, 256 different\n  train 2,304 · val 256 (last 10%)\nLSTM"
    )
    (record,) = call("eval", "perplexity", "--json").records[:1]
    assert record["bits_per_byte"] == pytest.approx(record["bits_per_char"])
    assert call("sample", "--len", "20").code == 0


def test_rare_characters_are_told(elsewhere, call, tiny):
    (elsewhere / "fox.txt").write_text("zürich " + TEXT)
    ended = call("train", "fox.txt", "--min-count", "10", *tiny)
    assert "\n  1 rare character mapped to <unk>: 'ü'\nLSTM" in ended.err
    assert Run.open(elsewhere / "runs" / "fox-1").vocabulary.rare == ("ü",)


def test_a_changed_corpus_is_refused_with_a_remedy_that_fits_the_command(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", *tiny).code == 0
    (elsewhere / "fox.txt").write_text("other")
    resumed, measured = call("train", "--resume", "fox-1"), call("eval", "perplexity")
    assert resumed.code == measured.code == 1
    assert resumed.complaint.endswith(
        "put back what the run was trained on, or name it by --corpus PATH, or begin a new run, by charlm train"
    )
    assert measured.complaint.endswith(
        "put back what the run was trained on, or name it by --corpus PATH, or give a text file as TARGET"
    )
    (elsewhere / "fox.txt").unlink()
    resumed = call("train", "--resume", "fox-1").complaint
    assert resumed.startswith("there is no file") and "TARGET" not in resumed


def test_a_cache_that_cannot_be_written_is_told(elsewhere, call, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(elsewhere / "fox.txt"))
    refused = call("train", "fox.txt")
    assert refused.code == 1 and "cannot be written" in refused.complaint
    assert refused.complaint.endswith("or name another folder by CHARLM_CACHE_DIR")


@pytest.mark.skipif(os.name != "posix", reason="links need rights that this platform may not give")
def test_links_that_lead_to_the_same_text_again_are_said(elsewhere, call, tiny):
    (elsewhere / "d").mkdir()
    (elsewhere / "d" / "x.txt").write_text(TEXT)
    (elsewhere / "d" / "loop").symlink_to(".")
    for number in range(4):
        (elsewhere / "d" / f"y{number}.txt").symlink_to("x.txt")
    ended = call("train", "d", *tiny)
    assert ended.err.startswith(
        "left out: 'd/loop' (a link to a folder that is read anyway), 'd/y0.txt' (the same file as 'd/x.txt'), "
        "'d/y1.txt' (the same file as 'd/x.txt') and 2 more\nRead d/x.txt: 1,800 characters"
    )
    assert "note: left out: 'd/loop' (a link to a folder" in call("corpus", "info", "d").err


def test_a_corpus_that_moved_with_its_run_is_found_and_remembered(tmp_path, monkeypatch, call, tiny):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("fox.txt").write_text(TEXT)
    assert call("train", "fox.txt", "--quiet", *tiny).code == 0
    there = (tmp_path / "here").rename(tmp_path / "there")
    monkeypatch.chdir(there)
    assert call("eval", "perplexity", "--json").records[0]["text"] == "fox, val"
    assert call("train", "--resume", "fox-1", "--steps", "22").code == 0
    assert corpus_of(there, "fox-1")["paths"] == [str(there / "fox.txt")]


def test_a_moved_corpus_is_named(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", *tiny).code == 0
    (elsewhere / "fox.txt").rename(elsewhere / "animal.txt")
    (elsewhere / "other.txt").write_text("other")
    assert call("eval", "perplexity").complaint.endswith(
        "name it by --corpus PATH, or give a text file as TARGET"
    )
    assert call("eval", "perplexity", "--corpus", "animal.txt").code == 0
    for command in (["eval", "perplexity"], ["eval", "perplexity", "animal.txt"], ["train", "--resume", "fox-1"]):
        message = call(*command, "--corpus", "other.txt").complaint
        assert message.startswith("'other.txt' is not what the run read (sha256 ")
    assert call("train", "--resume", "fox-1", "--steps", "21", "--corpus", "animal.txt").code == 0
    assert call("train", "--resume", "fox-1", "--steps", "22").code == 0
    assert "give --resume, or CORPUS alone" in call("train", "--corpus", "animal.txt").complaint


def test_a_text_from_a_pipe_that_is_not_kept_is_named(elsewhere, call, tiny):
    assert call("train", "-", "--quiet", *tiny, stdin=TEXT.encode()).code == 0
    shutil.rmtree(cache_folder())
    assert call("train", "--resume", "stdin-1", "--steps", "21").complaint == (
        "the run was trained on standard input, which is not kept: name it by --corpus PATH, or begin a new run, "
        "by charlm train"
    )
    (elsewhere / "kept.txt").write_text(TEXT)
    assert call("train", "--resume", "stdin-1", "--steps", "21", "--corpus", "kept.txt").code == 0
    assert corpus_of(elsewhere, "stdin-1")["kind"] == "file"


def test_of_a_test_file_nothing_is_kept(elsewhere, call, tiny):
    """A run has no sum of it, and a stranger's run may name any file."""
    (elsewhere / "test.txt").write_text(TEXT)
    assert call("train", "fox.txt", "--quiet", "--test-file", "test.txt", *tiny).code == 0
    before = sorted((cache_folder() / "prepared").iterdir())
    assert call("eval", "perplexity", "--split", "test").code == 0
    assert sorted((cache_folder() / "prepared").iterdir()) == before
    assert not any((cache_folder() / "unfinished").iterdir())


def test_temperature_gives_the_remedy_of_its_own_command(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", *tiny).code == 0
    (elsewhere / "fox.txt").unlink()
    assert call("sample", "--temperature", "auto").complaint.endswith(
        "put the run's corpus back, or give --temperature a number"
    )


def test_windows_line_ends_are_said_before_training(elsewhere, call, tiny):
    (elsewhere / "dos.txt").write_bytes(TEXT.replace("\n", "\r\n").encode())
    said, *_ = call("train", "dos.txt", *tiny).err.splitlines()
    assert said.startswith(
        "dos: its lines end in CRLF, so '\\r' is a symbol (tr -d '\\r' < OLD > NEW removes it)"
    )


def test_a_delimiter_that_never_occurs_is_told(elsewhere, call, tiny):
    complaint = call("train", "fox.txt", "--delimiter", "%%", *tiny).complaint
    assert complaint.startswith("--delimiter %% does not occur in 'fox.txt'")


def test_one_of_a_thing_is_said_as_one(elsewhere, call, tiny):
    (elsewhere / "one.txt").write_text("a" * 400)
    ended = call("train", "one.txt", *tiny, "--steps", "1")
    assert ", 1 different\n" in ended.err and "\nDone: 1 step in " in ended.err
    assert "\nCharacters\t1: a\n" in call("info").out
    (elsewhere / "a.txt").write_text("a" * 399)
    assert "over 1 word between white space" in call("eval", "perplexity", "a.txt", "--explain").err
    too_short = call("train", "a.txt", "--split", "0.3/99.7")
    assert too_short.complaint.startswith("a: the training split has 1 character, and a window")
