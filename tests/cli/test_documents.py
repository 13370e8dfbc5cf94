"""Documents and splits from the command line: trained on, drawn one a line, measured by part, and refused."""

import shutil

import pytest

NAMES = "".join(f"{'aeiou'[i % 5]}{'lmnr'[i % 4]}{'aeiou'[i * i % 5]}\n" for i in range(120))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, call, tiny):
    """A folder with a run of documents on names.txt."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "names.txt").write_text(NAMES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        trained = call("train", "names.txt", "--lines", "--split", "80/10/10", *tiny)
        assert trained.code == 0
        assert "\n  train 385 · val 49 · test 49\n" in trained.err
    return folder


@pytest.fixture
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def test_samples_are_documents_one_a_line(inside, call):
    drawn = call("sample", "--num", "12", "--seed", "3")
    assert drawn.code == 0
    lines = drawn.out.splitlines()
    assert len(lines) == 12 and len(set(lines)) > 3
    assert call("sample", "--num", "3", "--seed", "3").out.splitlines() == lines[:3]
    assert call("sample", "--seed", "3").out.splitlines() == lines[:10]  # unless told
    assert call("sample", "--seed", "3", "--stream").out == lines[0] + "\n"


def test_a_prompt_starts_each_and_the_length_cuts_them(inside, call):
    records = call("sample", "--num", "6", "--prompt", "el", "--len", "1", "--json").records
    assert all(record["text"].startswith("el") and len(record["text"]) <= 3 for record in records)


def test_documents_with_an_end_of_their_own_are_printed_with_it(elsewhere, call, tiny):
    (elsewhere / "tunes.txt").write_text("ab|ba|" * 60)
    assert call("train", "tunes.txt", "--delimiter", "|", "--quiet", *tiny).code == 0
    assert call("sample", "--num", "3").out.count("|") == 2


def test_the_test_part_is_measured_when_it_is_asked_for(inside, call):
    val, test = (call("eval", "perplexity", "--split", split, "--json").records[0] for split in ("val", "test"))
    assert (val["text"], test["text"]) == ("names, val", "names, test")
    assert val["characters"] == test["characters"] == 48
    assert "reset before it" in val["policy"]
    assert call("eval", "perplexity", "--split", "all").code == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--split", "90/10", "--val-fraction", "0.1"], "--val-fraction and --split both say what is held out"),
        (["--val-file", "names.txt", "--val-fraction", "0"], "--val-fraction and --val-file both say"),
        (["--split", "90-10"], "--split is '90-10': it must be the shares"),
        (["--split", "text8"], "a convention for a corpus of 100,000,000 symbols"),
        (["--lines", "--delimiter", "|"], "--lines and --delimiter both say where a document ends"),
        (["--delimiter", ""], "--delimiter is '': it must be text"),
        (["--val-file", "nothing.txt"], "nothing.txt': give a text file"),
        (["--test-file", "nothing.txt"], "nothing.txt': give a text file"),
    ],
)
def test_what_cannot_be_is_said_in_a_line_and_nothing_is_written(elsewhere, call, arguments, complaint):
    assert complaint in call("train", "fox.txt", *arguments, "--quiet").complaint
    assert sorted(path.name for path in elsewhere.iterdir()) == ["fox.txt"]


def test_selected_lines_are_new_unique_and_of_a_length(inside, call):
    known = set((inside / "names.txt").read_text().splitlines())
    options = ["--num", "6", "--new", "--unique", "--min-len", "2", "--max-len", "9", "--temperature", "1.5"]
    drawn = call("sample", *options)
    lines = drawn.out.splitlines()
    assert (drawn.code, drawn.err) == (0, "")
    assert len(set(lines)) == 6 and all(2 <= len(line) <= 9 for line in lines) and not known & set(lines)
    assert [record["text"] for record in call("sample", *options, "--json").records] == lines


def test_too_few_that_fit_are_printed_and_told(inside, call):
    drawn = call("sample", "--num", "3", "--unique", "--max-len", "0")
    assert drawn.code == 1 and drawn.out == "\n"
    assert drawn.err.startswith("charlm: only 1 of 3 samples, since 299 others do not fit")


def test_new_lines_need_the_training_text(inside, call, tmp_path):
    shutil.copytree(inside / "runs" / "names-1", tmp_path / "moved")
    (inside / "names.txt").rename(inside / "other.txt")
    try:
        refused = call("sample", str(tmp_path / "moved"), "--new")
    finally:
        (inside / "other.txt").rename(inside / "names.txt")
    assert refused.code == 1 and refused.complaint.endswith("or leave out --new")
