"""One text, one reading: what is scored and continued is read as the corpus was that the model was trained on."""

import json

import pytest

NAMES = "".join(f"{'aeiou'[i % 5]}{'lmnr'[i % 4]}{'aeiou'[i * i % 5]}\n" for i in range(120))
FOX = "The quick brown fox jumps over the lazy café.\n" * 60
ACCENT = "e\N{COMBINING ACUTE ACCENT}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory, call, tiny):
    """A folder with runs of every way to read a text."""
    folder = tmp_path_factory.mktemp("readings")
    ways = {
        "lines": (NAMES.replace("\n", "\r\n"), ["--lines"]),
        "other": (NAMES[::-1].strip().replace("\n", "\r\n"), ["--lines"]),
        "plain": (NAMES, []),
        "windows": (NAMES.replace("\n", "\r\n"), []),
        "low": (FOX, ["--lowercase", "--normalize", "nfc"]),
        "raw": (FOX, ["--bytes"]),
        "tunes": (NAMES.replace("\n", "%%"), ["--delimiter", "%%"]),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, (text, settings) in ways.items():
            (folder / f"{name}.txt").write_bytes(text.encode())
            trained = call("train", f"{name}.txt", "--out", f"runs/{name}", "--quiet", *settings, *tiny)
            assert (trained.code, trained.err) == (0, "")
    return folder


@pytest.fixture
def inside(runs, monkeypatch):
    monkeypatch.chdir(runs)
    return runs


@pytest.mark.parametrize("which", [["lines"], ["plain"], ["tunes"], ["lines", "other"], ["lines", "plain"]])
def test_a_line_costs_the_same_whatever_ends_it(inside, call, which):
    given = [each for name in which for each in ("--run", name)]
    unix = call("score", "--json", *given, stdin=b"ala\n\neno\nur")
    windows = call("score", "--json", *given, stdin=b"ala\r\n\r\neno\r\nur")
    assert windows.code == 0 and windows.out == unix.out
    assert [record["line"] for record in unix.records] == ["ala", "", "eno", "ur"]


def test_a_line_costs_what_it_costs_in_a_text_of_the_training_s_line_ends(inside, call):
    """One document after another, by ``eval``, against the same by ``score``."""
    text = b"ala\r\neno\r\nuru\r\n"
    (inside / "three").write_bytes(text)
    for name in ("lines", "windows"):
        scored = call("score", "--json", "--run", name, stdin=text).records
        (measured,) = call("eval", "perplexity", name, "three", "--json").records[:1]
        assert sum(record["unknown"] for record in scored) == measured["unknown"] == 0
        assert sum(record["characters"] for record in scored) == {"lines": 12, "windows": 15}[name]
        if name == "lines":
            assert sum(r["nats"] for r in scored) / 12 == pytest.approx(measured["nats_per_char"], rel=1e-5)


def test_lines_of_any_bytes_are_scored_by_a_model_of_bytes(inside, call):
    ended = call("score", "--json", "--run", "raw", stdin=b"a\xe9b\n")
    assert ended.code == 0
    (record,) = ended.records
    assert (record["characters"], record["unknown"], record["line"]) == (4, 0, "a\udce9b")
    assert call("score", "--run", "raw", "--run", "low", stdin=b"a\xe9b\n").code == 1


@pytest.mark.parametrize("prompt", ["The cat", f"The Caf{ACCENT}", "\ufeffThe cat"])
def test_a_prompt_is_changed_as_the_corpus_was(inside, call, prompt):
    read = prompt.lower().replace(ACCENT, "é").removeprefix("\ufeff")
    wanted = call("sample", "low", "--len", "9", "--prompt", read)
    assert wanted.code == 0 and wanted.out.startswith(read)
    for how in ([], ["--no-stream"], ["--num", "1"]):
        assert call("sample", "low", "--len", "9", "--prompt", prompt, *how).out == wanted.out
    (record,) = call("sample", "low", "--len", "9", "--prompt", prompt, "--json").records
    assert record["text"] + "\n" == wanted.out


def test_the_string_to_stop_at_is_changed_as_the_corpus_was(inside, call):
    ended = call("sample", "low", "--len", "900", "--stop", "O")
    assert ended.out.endswith("o\n") and ended.out.count("o") == 1


@pytest.mark.parametrize(
    ("name", "written", "prompt"),
    [
        ("plain", b"\xef\xbb\xbfala\r\nen\r\n", "ala\nen"),
        ("plain", b"ala\r\nen", "ala\nen"),
        ("windows", b"ala\r\nen\r\n", "ala\r\nen"),
        ("lines", b"\xef\xbb\xbfen\r\n", "en"),
    ],
)
def test_a_prompt_file_may_have_a_mark_and_any_line_ends(inside, call, name, written, prompt):
    (inside / "prompt").write_bytes(written)
    ended = call("sample", name, "--len", "9", "--prompt-file", "prompt")
    assert ended.code == 0 and ended.out == call("sample", name, "--len", "9", "--prompt", prompt).out
    assert ended.out.startswith(prompt)


def test_a_prompt_file_of_any_bytes_is_continued_by_a_model_of_bytes(inside, call):
    (inside / "prompt").write_bytes(b"a\xe9b")
    assert (
        call("sample", "raw", "--len", "0", "--prompt-file", "prompt", "--json").records[0]["text"] == "a\udce9b"
    )


@pytest.mark.parametrize(("name", "end"), [("lines", "\n"), ("lines", "\r\n"), ("tunes", "%%")])
def test_of_a_prompt_of_documents_the_last_is_continued(inside, call, name, end):
    flags = ("--len", "9", "--num", "1", "--no-stream")
    last = call("sample", name, *flags, "--prompt", "en").out
    both = call("sample", name, *flags, "--prompt", f"ala{end}en")
    assert both.code == 0 and both.out == f"ala{end}{last}".replace("\r", "")


def test_a_delimiter_is_changed_as_the_corpus_is(inside, call, tiny):
    (inside / "loud.txt").write_text(NAMES.replace("\n", "END"))
    ended = call("train", "loud.txt", "--delimiter", "END", "--lowercase", "--out", "runs/loud", *tiny)
    assert ended.code == 0
    corpus = json.loads((inside / "runs" / "loud" / "config.json").read_text())["corpus"]
    assert corpus["characters"] == 120 * 4 + 1
    assert call("sample", "loud", "--num", "2").out.count("end") == 1


def test_a_run_that_starts_from_another_reads_its_corpus_alike(inside, call):
    flags = ["--steps", "1", "--seq-len", "16", "--batch-size", "8", "--workers", "1"]
    ended = call("train", "other.txt", "--init-from", "lines", "--out", "runs/started", *flags)
    assert ended.code == 0
    assert ended.err.splitlines()[0].endswith("; read with --lines")
    assert json.loads((inside / "runs" / "started" / "config.json").read_text())["training"]["corpus"]["lines"]
    assert call("sample", "started", "--num", "3", "--len", "90").code == 0
