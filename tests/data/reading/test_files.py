"""Files read in blocks: compressed ones too, and one line for each way in which a file can fail."""

import bz2
import dataclasses
import gzip
import lzma
import os
import re
from functools import partial
from pathlib import Path

import pytest

from charlm.base.errors import CorpusError
from charlm.data.reading import file_formats, files
from charlm.data.reading.files import BLOCK, TextFile

zstd = file_formats._zstd()
CONTENT = bytes(range(256)) * 3000
COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
if zstd is not None:
    COMPRESS[".zst"] = partial(zstd.compress, options={zstd.CompressionParameter.checksum_flag: 1})
ENDING = pytest.mark.parametrize("ending", COMPRESS)


@pytest.fixture
def member(tmp_path):
    """A function that writes a file and gives it as a member."""

    def make(content, name="text.txt"):
        (tmp_path / name).write_bytes(content)
        return TextFile(repr(name), str(tmp_path / name))

    return make


def complaint(member):
    with pytest.raises(CorpusError) as raised:
        list(member.blocks())
    assert len(str(raised.value).splitlines()) == 1
    return str(raised.value)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_blocks_make_up_the_file_and_are_told(member, size):
    content = os.urandom(size)
    counts = []
    assert b"".join(member(content).blocks(counts.append)) == content
    assert sum(counts) == size


@ENDING
def test_what_is_compressed_is_decompressed_and_progress_is_the_file_s_own(member, ending):
    compressed, counts = COMPRESS[ending](CONTENT), []
    assert b"".join(member(compressed, f"text.txt{ending.upper()}").blocks(counts.append)) == CONTENT
    assert sum(counts) == len(compressed)


@ENDING
def test_parts_that_are_compressed_one_by_one_are_one_text(member, ending):
    compress = COMPRESS[ending]
    assert b"".join(member(compress(b"one ") + compress(b"two"), f"t{ending}").blocks()) == b"one two"


@ENDING
def test_a_file_that_is_cut_short_says_after_how_much(member, ending):
    compressed = COMPRESS[ending](os.urandom(3 * BLOCK))
    message = complaint(member(compressed[: len(compressed) * 2 // 3], f"t{ending}"))
    words = re.fullmatch(
        rf"'t\{ending}' is cut short: it ends after byte ([\d,]+) of its content: get it again", message
    )
    assert words and int(words[1].replace(",", "")) > BLOCK


def test_what_came_of_less_than_a_block_is_counted(member):
    message = complaint(member(gzip.compress(os.urandom(60_000))[:30_000], "t.gz"))
    assert 28_000 < int(re.search(r"after byte ([\d,]+) of", message)[1].replace(",", "")) < 30_000


@ENDING
def test_damage_is_told(member, ending):
    compressed = bytearray(COMPRESS[ending](CONTENT))
    compressed[len(compressed) // 2] ^= 0xFF
    message = complaint(member(bytes(compressed), f"t{ending}"))
    assert message.startswith((f"'t{ending}' is damaged after byte", f"'t{ending}' is cut short"))
    assert complaint(member(b"no such thing", f"t{ending}")).startswith(f"'t{ending}' is ")


def test_without_zstandard_the_remedy_is_told(member, monkeypatch):
    monkeypatch.setattr(file_formats, "ZSTD_MODULES", ("no_such_module",))
    assert "'t.zst' is compressed with Zstandard" in complaint(member(b"", "t.zst"))
    assert "pip install 'charlm-rnn[zst]'" in complaint(member(b"", "t.zst"))


def test_a_file_that_grows_while_it_is_read(member):
    growing = member(bytes(BLOCK + 1))
    blocks = growing.blocks()
    next(blocks)
    with Path(growing.path).open("ab") as file:
        file.write(b"9")
    with pytest.raises(
        CorpusError, match=r"'text\.txt' grows while it is read \(it had 1,048,577 bytes at first\)"
    ):
        list(blocks)


def test_a_file_that_shrinks_while_it_is_read(member):
    shrinking = member(bytes(BLOCK + 9))
    blocks = shrinking.blocks()
    next(blocks)
    os.truncate(shrinking.path, BLOCK + 6)
    with pytest.raises(CorpusError, match=r"has shrunk while it was read \(from 1,048,585 bytes to 1,048,582\)"):
        list(blocks)


def test_a_file_that_went_is_told(member, tmp_path):
    gone = member(b"x")
    (tmp_path / "text.txt").unlink()
    assert complaint(gone).startswith("there is no file 'text.txt'")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no pipes with names")
def test_a_stored_path_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert complaint(TextFile("'pipe'", str(tmp_path / "pipe"))) == "'pipe' is not a plain file: give a text file"


def test_what_expands_a_thousand_times_is_refused_past_a_size_unless_it_may(member, monkeypatch):
    bomb = member(lzma.compress(bytes(5_000_000)), "bomb.txt.xz")
    assert sum(map(len, bomb.blocks())) == 5_000_000
    monkeypatch.setattr(files, "EXPANDED", 2_000_000)
    assert re.fullmatch(
        r"'bomb\.txt\.xz' has [0-9,]+ bytes and expands to more than 2,[0-9,]+, as what is made to fill a disk "
        r"does: if it is meant, allow it by --allow-expansion where there is that flag, or decompress it first",
        complaint(bomb),
    )
    assert sum(map(len, dataclasses.replace(bomb, may_expand=True).blocks())) == 5_000_000
    text = member(lzma.compress(os.urandom(8000) + bytes(5_000_000)), "text.txt.xz")
    assert sum(map(len, text.blocks())) == 5_008_000
