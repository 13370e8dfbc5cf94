"""The commands on texts: make, list, get and info, as a user types them."""

import functools
import hashlib
import json
import lzma
import os
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from charlm.data.catalog import catalog
from charlm.data.synthetic import SOURCES
from charlm.data.synthetic.counting import Counting

NAMED = """
title = "a sample"
language = "none"
licence = "none"
split = "90/10"
options = "--lines"
address = "http://127.0.0.1/about"
bytes = {bytes}
hash = "sha256:{sum}"
evidence = "counted"

[[files]]
address = "http://127.0.0.1:{port}/remote.txt"
hash = "sha256:{sum}"
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def remote(elsewhere, monkeypatch):
    """A working folder with a catalogue of two corpora, one on a server on the loopback address, one to bring."""
    (elsewhere / "served").mkdir()
    text = (elsewhere / "fox.txt").read_bytes()
    (elsewhere / "served" / "remote.txt").write_bytes(text)
    named = elsewhere / "package" / "corpora"
    named.mkdir(parents=True)
    monkeypatch.setattr(catalog, "_PACKAGE", elsewhere / "package")
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(elsewhere / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("CHARLM_OFFLINE", raising=False)
    handler = functools.partial(Quiet, directory=elsewhere / "served")
    catalog.read_catalog.cache_clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        entry = NAMED.format(bytes=len(text), sum=hashlib.sha256(text).hexdigest(), port=server.server_port)
        (named / "sample.toml").write_text(entry)
        (named / "secret.toml").write_text(
            'title = "a"\nlanguage = "b"\nlicence = "c"\nsplit = "d"\naddress = "e"\nbring = "it is secret"\n'
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield elsewhere
        server.shutdown()
        thread.join()
    catalog.read_catalog.cache_clear()


@pytest.mark.parametrize("name", SOURCES.names())
def test_every_source_makes_a_file_and_says_its_entropy(elsewhere, call, name):
    shown = call("corpus", "make", name, "--length", "3000", "--seed", "4")
    assert (shown.code, shown.err) == (0, "")
    assert f"{name}.txt: 3,000 characters\nentropy rate of the source  " in shown.out
    (record,) = call(
        "corpus", "make", name, "--length", "3000", "--seed", "4", "--out", "b.txt", "--json"
    ).records
    first, second = ((elsewhere / file).read_bytes() for file in (f"{name}.txt", "b.txt"))
    assert first == second and len(first) == 3000
    assert record["sha256"] == hashlib.sha256(first).hexdigest()
    source = SOURCES.find(name)()
    assert record["entropy_rate_bits_per_char"] == source.bits_per_char
    assert record["bits_per_char"] == pytest.approx(source.bits_per_char, rel=0.1)
    assert set(source.to_json()) < set(record)


def test_a_text_is_the_same_however_it_is_cut_into_blocks(elsewhere, call, monkeypatch):
    call("corpus", "make", "counting", "--length", "500", "--out", "whole.txt")
    monkeypatch.setattr("charlm.data.synthetic_source.BLOCK", 7)
    (record,) = call("corpus", "make", "counting", "--length", "500", "--out", "cut.txt", "--json").records
    assert (elsewhere / "cut.txt").read_text() == (elsewhere / "whole.txt").read_text()
    lines = (elsewhere / "cut.txt").read_text().splitlines()
    assert all(line == "a" * (len(line) // 2) + "b" * (len(line) // 2) for line in lines[:-1])
    assert record["characters"] == 500 and record["bits_per_char"] == pytest.approx(
        Counting().bits_per_char, rel=0.1
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["copy", "--out", "fox.txt"], "fox.txt exists: name another file by --out, or remove it"),
        (
            ["copy", "--out", "no/x.txt"],
            "no/x.txt cannot be written: No such file or directory: give another file",
        ),
        (["copy", "--lag", "2", "--width", "2"], "--width 2 needs a --lag of 3 at least: it is 2"),
        (["markov", "--symbols", "four"], "--symbols is 'four': it must be a whole number"),
        (["nothing"], "no command is called 'nothing'; see charlm corpus make --help"),
    ],
)
def test_what_cannot_be_made_is_told_in_a_line(elsewhere, call, arguments, complaint):
    before = (elsewhere / "fox.txt").read_bytes()
    assert call("corpus", "make", *arguments).complaint == complaint
    assert [path.name for path in elsewhere.iterdir()] == ["fox.txt"]
    assert (elsewhere / "fox.txt").read_bytes() == before


def test_a_named_corpus_is_got_listed_and_trained_on(remote, call, tiny):
    listed = {record["name"]: record for record in call("corpus", "list", "--json").records}
    assert not listed["sample"]["downloaded"] and listed["secret"]["bring"] == "it is secret"
    refused = call("train", "sample", *tiny)
    assert refused.complaint == "sample is not downloaded yet: charlm corpus get sample"
    got = call("corpus", "get", "sample")
    assert (got.code, got.err) == (0, "")
    assert got.out.endswith("license: none\ntry: charlm train sample --lines --split 90/10\n")
    (record,) = call("corpus", "get", "sample", "--json").records
    assert record["downloaded"]
    assert Path(record["path"]).read_text() == (remote / "fox.txt").read_text()
    listed = {record["name"]: record for record in call("corpus", "list", "--json").records}
    assert listed["sample"]["downloaded"]
    shown = call("corpus", "list").out
    assert "downloaded\ta sample\n" in shown and "manual\ta\n" in shown
    trained = call("train", "sample", "--quiet", *tiny)
    assert (trained.code, trained.err) == (0, "")
    assert (remote / "runs" / "sample-1" / "config.json").exists()


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("secret", "secret is not downloaded by charlm: it is secret: see e, then charlm train FILE"),
        ("other", "no corpus is called 'other': there are sample, secret"),
    ],
)
def test_what_cannot_be_got_is_told_in_a_line(remote, call, name, complaint):
    assert call("corpus", "get", name).complaint == complaint


def test_offline_is_told_in_a_line(remote, call, monkeypatch):
    monkeypatch.setenv("CHARLM_OFFLINE", "1")
    refused = call("corpus", "get", "sample")
    assert refused.complaint == "sample is not downloaded, and CHARLM_OFFLINE forbids downloads: unset it"


def test_a_text_is_looked_into(elsewhere, call):
    (elsewhere / "odd.txt").write_bytes("\ufeffone\r\ntwo\r\ntwo\r\nthrее\r\n".encode())
    shown = call("corpus", "info", "odd.txt")
    said = "note: 4 tables, with an empty line between them: --table 1 prints only the first\n"
    assert (shown.code, shown.err) == (0, said)
    tables = shown.out.split("\n\n")
    chosen = [call("corpus", "info", "odd.txt", "--table", str(number)) for number in range(1, 6)]
    assert [f"{each.out}\n" for each in chosen[:3]] == [f"{each}\n\n" for each in tables[:3]]
    assert chosen[3].out == tables[3] and not chosen[3].err
    assert chosen[4].complaint == "--table is 5, and 4 tables can be printed: choose from 1 to 4"
    assert "--json and --table exclude" in call("corpus", "info", "odd.txt", "--table", "1", "--json").complaint
    for part in ("byte order mark at the start", "line ends CR LF", "entropy of order 5", "xz"):
        assert part in shown.out
    assert r"\r" in shown.out and "\r\n\r" not in shown.out and "of the first" not in shown.out
    (record,) = call("corpus", "info", "odd.txt", "--json").records
    assert record["oddities"]["Latin, Greek or Cyrillic letters side by side"] == 1
    assert record["characters"] == 23 and record["duplicate_lines"] == 0.25
    assert record["split"] == {"train": 20, "validation": 3, "test": 0}
    assert record["scripts"] == {"LATIN": 12, "CYRILLIC": 2} and json.dumps(record)
    assert call("corpus", "info", "-", "--json", stdin=(elsewhere / "odd.txt").read_bytes()).records == [
        record | {"name": "stdin"}
    ]


def test_the_split_is_the_one_that_is_asked_for(elsewhere, call):
    (record,) = call("corpus", "info", "fox.txt", "--split", "80/10/10", "--json").records
    assert record["split"] == {"train": 2160, "validation": 270, "test": 270}
    assert "train 2,160, validation 270, test 270" in call("corpus", "info", "fox.txt", "--split", "80/10/10").out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.txt"], "there is no file 'none.txt'"),
        (["latin.txt"], "'latin.txt' is not in UTF-8: byte 3 (counted from 0) is 0xE9"),
        (["fox.txt", "--split", "half"], "--split"),
        (["fox.txt", "--split", "text8"], "100,000,000"),
    ],
)
def test_what_cannot_be_looked_into_is_told_in_a_line(elsewhere, call, arguments, complaint):
    (elsewhere / "latin.txt").write_bytes(b"caf\xe9")
    assert complaint in call("corpus", "info", *arguments).complaint


def test_the_cache_is_verified_and_emptied(remote, call, tiny):
    (remote / "own.txt").write_text((remote / "fox.txt").read_text())
    long_ago = 1_000_000_000
    os.utime(remote / "own.txt", (long_ago, long_ago))
    assert call("corpus", "get", "sample").code == 0
    assert call("train", "own.txt", "--quiet", *tiny).code == 0
    prepared, got = call("corpus", "verify", "--json").records
    assert (prepared["corpus"], prepared["kind"], prepared["complaints"]) == ("own", "prepared", [])
    assert prepared["paths"] == [str(remote / "own.txt")]
    assert (got["corpus"], got["kind"], got["complaints"], got["bytes_on_disk"]) == (
        "sample",
        "downloaded",
        [],
        2700,
    )
    shown = call("corpus", "verify")
    assert shown.code == 0 and shown.err == "" and shown.out.count("unchanged") == 2

    (remote / "a-copy.txt").write_bytes((remote / "own.txt").read_bytes())
    assert call("train", "a-copy.txt", "--quiet", *tiny).code == 0
    assert [record["corpus"] for record in call("corpus", "verify", "--json").records] == [
        "a-copy",
        "own",
        "sample",
    ]
    (remote / "a-copy.txt").unlink()
    shown = call("corpus", "verify")
    assert shown.code == 1 and "a-copy.txt' is gone: put it back, or charlm corpus clean forgets it" in shown.err
    (remote / "a-copy.txt").write_bytes((remote / "own.txt").read_bytes())

    (remote / "own.txt").write_text("another text")
    (remote / "cache" / "corpora" / "sample.txt").write_bytes(bytes(2700))
    shown = call("corpus", "verify")
    assert shown.code == 1 and shown.out.count("\tchanged\t") == 2
    changed, altered = shown.err.splitlines()
    assert changed.startswith("charlm: ") and "own.txt' has changed: sha256" in changed
    assert altered.endswith("sample.txt was altered: charlm corpus get sample")

    (cleaned,) = call("corpus", "clean", "--json").records
    assert cleaned["bytes"] > prepared["bytes_on_disk"] > 2700
    (left,) = call("corpus", "verify", "--json").records
    assert left["kind"] == "downloaded"
    altered = str(remote / "cache" / "corpora" / "sample.txt")
    cleaned = call("corpus", "clean", "--downloads")
    assert cleaned.out == f"0 bytes deleted from {remote / 'cache'}\n"
    assert cleaned.err == f"charlm: left alone, as it is not charlm's, or not whole: {altered}\n"
    assert call("corpus", "clean", "--downloads", "--json").records[0]["left"] == [altered]
    call("corpus", "get", "sample")
    assert call("corpus", "clean", "--downloads").out == f"2,700 bytes deleted from {remote / 'cache'}\n"
    assert call("corpus", "verify", "--json").records == []
    assert call("corpus", "clean", "--downloads", "--json").records[0]["bytes"] == 0


def test_a_run_on_standard_input_can_go_on_after_the_cache_is_cleaned(remote, call, tiny):
    text = (remote / "fox.txt").read_bytes()
    assert call("train", "-", "--quiet", *tiny, stdin=text).code == 0
    cleaned = call("corpus", "clean")
    assert "charlm: kept, as it came through standard input and runs may need it (--stdin removes" in cleaned.err
    assert call("train", "--resume", "runs/stdin-1", "--steps", "30", "--quiet").code == 0
    (record,) = call("corpus", "clean", "--stdin", "--json").records
    assert record["bytes"] > len(text) and record["kept"] == record["left"] == []
    refused = call("train", "--resume", "runs/stdin-1", "--steps", "40", "--quiet")
    assert refused.complaint.startswith("the run was trained on standard input, which is not kept")


def test_many_strange_files_are_named_in_part_and_drive_no_terminal(remote, call):
    call("corpus", "get", "sample")
    for number in range(11):
        (remote / "cache" / f"a\x1b[31m\n{number:02}").touch()
    lines = call("corpus", "clean").err.splitlines()
    assert len(lines) == 11 and lines[0].endswith(r"a\x1b[31m\n00")
    assert lines[-1] == "charlm: left alone likewise: 1 more"


def test_a_folder_that_is_not_charlms_to_clear_is_told_in_a_line(remote, call, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(remote))
    assert call("corpus", "clean").complaint.startswith(
        f"nothing is removed from {remote}: it has no CACHEDIR.TAG"
    )


def test_a_text_that_expands_without_end_is_read_where_that_is_allowed(remote, call, tiny):
    (remote / "bomb.txt.xz").write_bytes(lzma.compress(b"word" * 16_250_000))
    for command in (["train", "bomb.txt.xz", *tiny], ["corpus", "info", "bomb.txt.xz"]):
        refused = call(*command).complaint
        assert re.match(r"'bomb.txt.xz' has [0-9,]+ bytes and expands to more than 6[0-9,]+, as", refused)
        assert "--allow-expansion" in refused
    (record,) = call("corpus", "info", "bomb.txt.xz", "--allow-expansion", "--json").records
    assert record["bytes"] == 65_000_000


def test_a_cache_that_others_may_look_into_is_told_of_in_a_line(remote, tiny):
    (remote / "open").mkdir()
    (remote / "open").chmod(0o755)
    command = [sys.executable, "-m", "charlm", "train", "fox.txt", *tiny]
    environment = os.environ | {"CHARLM_CACHE_DIR": str(remote / "open")}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    assert shown.startswith(f"charlm: other users may list the cache {remote / 'open'} (mode 755), but")
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    assert "other users may list" not in shown
    subprocess.run([sys.executable, "-m", "charlm", "corpus", "clean"], env=environment, check=True)
    command += ["--quiet"]
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr == ""
